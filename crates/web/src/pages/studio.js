// A gallery's page.

import "./dialog.js";
import "./copy.js";
import { Corrections } from "./corrections.js";
import { archiveCard, linkList, receiptCard } from "./delivery.js";
import { note, say } from "./dom.js";
import { firstLook } from "./first_look.js";
import { guestList } from "./guests.js";
import { listen } from "./live.js";
import { momentList } from "./moments.js";
import { letIn } from "./sending.js";
import { settings } from "./settings.js";
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
const mayEdit = has("edits"), mayUpload = has("uploads");
const corrections = new Corrections(gallery, readAlbum);
const shared = { photos: look.photos, corrections, mayEdit };
const guests = guestList(gallery, { ...shared, onCount: (number) => count("guests", number) });
const moments = momentList(gallery, { ...shared, zone: page.dataset.zone, onCount: (number) => count("moments", number) });
const receipt = receiptCard(gallery, mayUpload);
const links = linkList(gallery, mayEdit);
archiveCard(gallery);
if (mayEdit) settings(gallery, page.dataset.title);
if (mayUpload) letIn(gallery, (photo) => look.onStored({ photo }));

const told = (reading) => reading.catch((problem) => note(problem.message));

/** Guests and moments go together: a photo that moves is one of both. */
async function readAlbum() {
  await Promise.all([has("faces") ? guests.read() : null, moments.read()]);
}

async function openAlbum() {
  await corrections.read();
  await readAlbum();
}
opened.set("guests", () => told(openAlbum()));
opened.set("moments", () => told(openAlbum()));
opened.set("delivery", () => told(Promise.all([receipt.read(), links.read()])));

/** Reads all anew, once it is known that events are told from here on. */
let isRead = false;
async function read() {
  isRead = true;
  await look.readAll();
  showPanel();
}

/** What other processes finish is told by its number alone: then all is read anew, now and then. */
let finished = 0, waiting = 0;
function catchUp(status) {
  finished = status.progress.done;
  const isBehind = () => finished > [...look.photos.values()].filter(({ state }) => state === "done").length;
  if (waiting || !isRead || !isBehind()) return;
  waiting = setTimeout(() => {
    waiting = 0;
    if (isBehind()) told(read());
  }, 4000);
}

listen(`/api/v1/galleries/${gallery}/events`, {
  open: () => told(read()),
  lost: () => isRead || told(read()),
  status(status) {
    showStanding(status);
    look.onStatus(status);
    catchUp(status);
  },
  photo_stored: look.onStored,
  photo_done: look.onDone,
  photo_quarantined: look.onQuarantined,
  file_refused: look.onRefused,
  gallery_finished: showPanel,
  receipt_issued: () => told(receipt.read()),
  receipt_refused: () => told(receipt.read()),
});
document.documentElement.classList.add("ready");
