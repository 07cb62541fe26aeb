// A gallery's page.

import "./dialog.js";
import { say } from "./dom.js";
import { firstLook } from "./first_look.js";
import { listen } from "./live.js";
import { letIn } from "./sending.js";
import { showStanding } from "./standing.js";

const page = document.getElementById("gallery");
const gallery = page.dataset.id;
const has = (name) => page.hasAttribute(`data-${name}`);

const panels = [...document.querySelectorAll(".panel")], tabs = [...document.querySelectorAll("[data-tab]")];
const opened = new Map();

/** Shows the part of the page that the address names. */
function showPanel() {
  const wanted = panels.find((panel) => panel.id === location.hash.slice(1)) ?? panels[0];
  for (const panel of panels) panel.hidden = panel !== wanted;
  for (const tab of tabs) {
    if (tab.dataset.tab === wanted.id) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
  opened.get(wanted.id)?.();
}

const count = (tab, number) => say(document.querySelector(`[data-tab=${tab}] .count`), number ? number.toLocaleString("en-GB") : "");

for (const tab of tabs) {
  tab.addEventListener("click", (event) => {
    event.preventDefault();
    history.pushState(null, "", tab.hash);
    showPanel();
  });
}
addEventListener("popstate", showPanel);
addEventListener("hashchange", showPanel);
showPanel();

const look = firstLook(gallery, { onCount: (number) => count("photos", number) });
let isRead = false;
const read = () => {
  isRead = true;
  look.readAll();
};
listen(`/api/v1/galleries/${gallery}/events`, {
  open: read,
  lost: () => isRead || read(),
  status: showStanding,
  photo_stored: look.onStored,
  photo_done: look.onDone,
  photo_quarantined: look.onQuarantined,
  file_refused: look.onRefused,
});
if (has("uploads")) letIn(gallery);
document.documentElement.classList.add("ready");
