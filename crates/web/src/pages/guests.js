// The people of the gallery: named, made one, taken apart, hidden. Every change can be taken back.

import { askAll, countText, element, icon, note, say } from "./dom.js";
import { onSubmit, open } from "./dialog.js";
import { portrait } from "./faces.js";

const MOST_FACES = 240;

/** Shows the guests. `photos` are the tiles by id; `corrections` makes the changes. */
export function guestList(gallery, { photos, corrections, mayEdit, onCount }) {
  const box = document.getElementById("guest-list");
  const list = element("ul", { className: "guests" });
  const bar = element("div", { className: "chosen-bar", hidden: true });
  const sheet = guestSheet();
  let guests = [], chosen = new Set();
  box.append(list, bar);

  async function read() {
    guests = await askAll(`/api/v1/galleries/${gallery}/guests`);
    chosen = new Set([...chosen].filter((key) => guests.some((guest) => guest.key === key)));
    onCount(guests.length);
    draw();
  }

  function draw() {
    const held = document.activeElement?.closest?.("[data-guest]")?.dataset.guest;
    list.replaceChildren(...guests.map(card));
    if (held) list.querySelector(`[data-guest="${CSS.escape(held)}"] .open`)?.focus();
    drawBar();
    corrections.draw(document.getElementById("guest-log"), true, mayEdit);
  }

  function card(guest) {
    const opener = element("button", { type: "button", className: "open" }, portrait(gallery, guest.cover, photos.get(guest.cover.photo)), element("bdi", { className: "name" }, guest.name), element("span", { className: "quiet" }, guest.hidden ? "hidden" : countText(guest.photos, "photo")));
    opener.addEventListener("click", () => sheet.show(guest));
    const item = element("li", { className: guest.hidden ? "is-hidden" : "", dataset: { guest: guest.key } }, opener);
    if (!mayEdit) return item;
    const tick = element("input", { type: "checkbox", checked: chosen.has(guest.key), ariaLabel: `Choose ${guest.name}` });
    tick.addEventListener("change", () => {
      if (tick.checked) chosen.add(guest.key);
      else chosen.delete(guest.key);
      drawBar();
    });
    item.append(tick);
    return item;
  }

  function drawBar() {
    bar.hidden = !chosen.size;
    if (bar.hidden) return;
    const merge = element("button", { type: "button", className: "button small", disabled: chosen.size < 2 }, "They are one person");
    merge.addEventListener("click", mergeChosen);
    const clear = element("button", { type: "button", className: "button bare small" }, "Clear");
    clear.addEventListener("click", () => {
      chosen.clear();
      draw();
    });
    bar.replaceChildren(element("p", { role: "status" }, `${countText(chosen.size, "guest")} chosen`), element("div", { className: "actions" }, clear, merge));
  }

  /** All become part of the one with the most photos, or of the one that has a name. */
  async function mergeChosen() {
    const all = guests.filter((guest) => chosen.has(guest.key));
    const into = all.find((guest) => guest.named) ?? all[0];
    chosen.clear();
    for (const guest of all) if (guest !== into) await attempt(() => corrections.make({ kind: "merge_guests", face: guest.key, with: into.key }));
    drawBar();
  }

  async function attempt(work) {
    try {
      await work();
      return true;
    } catch (problem) {
      note(problem.message);
      return false;
    }
  }

  function guestSheet() {
    const name = element("input", { type: "text", name: "name", maxLength: 120, autocomplete: "off", id: "guest-name" });
    const save = element("button", { type: "submit", className: "button" }, "Save");
    const form = element("form", { method: "dialog", noValidate: true }, element("div", { className: "field" }, element("label", { htmlFor: "guest-name" }, "Name"), element("div", { className: "copy-row" }, name, save)), element("p", { className: "fault", role: "alert" }));
    const title = element("h2", { id: "guest-title" });
    const faces = element("div", { className: "face-grid" });
    const hint = element("p", { className: "quiet" });
    const split = element("button", { type: "button", className: "button plain small" }, "These are somebody else");
    const hide = element("button", { type: "button", className: "button plain small" });
    const shut = element("button", { type: "button", className: "button bare round small shut", ariaLabel: "Close" }, icon("close"));
    shut.dataset.shuts = "";
    const dialog = element("dialog", { className: "sheet wide", "aria-labelledby": "guest-title" }, shut, title, mayEdit ? form : "", hint, faces, mayEdit ? element("div", { className: "actions spread" }, hide, split) : "");
    document.body.append(dialog);
    let guest = null, picked = new Set();

    function drawSheet() {
      say(title, guest.name);
      name.value = guest.named ? guest.name : "";
      name.placeholder = guest.name;
      say(hide, guest.hidden ? "Show to the couple again" : "Hide from the couple’s gallery");
      const shown = guest.faces.slice(0, MOST_FACES);
      say(hint, `${countText(guest.photos, "photo")}${shown.length < guest.faces.length ? `, of which the first ${MOST_FACES} are shown` : ""}.${mayEdit && shown.length > 1 ? " Choose the faces that are not this person’s to take them out." : ""}`);
      faces.replaceChildren(...shown.map((face, at) => {
        const button = element("button", { type: "button", ariaPressed: "false", ariaLabel: `Face ${at + 1}, ${photos.get(face.photo)?.name ?? "photo"}` }, portrait(gallery, face, photos.get(face.photo)));
        if (mayEdit) button.addEventListener("click", () => pick(button, face.face));
        return button;
      }));
      split.hidden = true;
    }

    function pick(button, face) {
      const isPicked = picked.delete(face) ? false : Boolean(picked.add(face));
      button.ariaPressed = isPicked;
      split.hidden = !picked.size || picked.size === guest.faces.length;
    }

    onSubmit(form, async () => {
      await corrections.make({ kind: "name_guest", face: guest.key, name: name.value.trim() || null });
      dialog.close();
    });
    split.addEventListener("click", async () => (await attempt(() => corrections.make({ kind: "split_guest", faces: [...picked] }))) && dialog.close());
    hide.addEventListener("click", async () => {
      const done = await attempt(() => (guest.hidden ? corrections.show(guest.faces) : corrections.make({ kind: "hide_guest", face: guest.key })));
      if (done) dialog.close();
    });
    return {
      show(shown) {
        guest = shown;
        picked = new Set();
        drawSheet();
        open(dialog);
      },
    };
  }

  return { read };
}
