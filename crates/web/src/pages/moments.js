// The parts of the day: called by name, begun elsewhere, made one, and photos moved between them.

import { askAll, countText, element, icon, note } from "./dom.js";
import { onSubmit, open } from "./dialog.js";
import { Grid } from "./grid.js";
import { view } from "./viewer.js";

/** So many photos stand for a moment that is not open. */
const SAMPLE = 16;
const rowHeight = (width) => (width < 520 ? 84 : 120);

/** Shows the moments. `photos` are the tiles by id; `corrections` makes the changes. */
export function momentList(gallery, { photos, corrections, mayEdit, zone, onCount }) {
  const box = document.getElementById("moment-list");
  const bar = element("div", { className: "chosen-bar", hidden: true });
  const list = element("div");
  const renaming = renameSheet();
  let moments = [], chosen = new Set(), openAt = new Set(), grids = [];
  box.append(list, bar);

  async function read() {
    moments = await askAll(`/api/v1/galleries/${gallery}/moments`);
    chosen.clear();
    onCount(moments.length);
    draw();
  }

  function draw() {
    grids = [];
    list.replaceChildren(...(moments.length ? moments.map(part) : [nothing()]));
    drawBar();
    corrections.draw(document.getElementById("moment-log"), false, mayEdit);
  }

  const nothing = () => element("div", { className: "nothing" }, element("h2", {}, "No moments yet"), element("p", { className: "quiet" }, "The day is cut into moments as photos are finished: getting ready, the ceremony, dinner. You can then name and change them here."));

  function part(moment, at) {
    const title = element("h2", { id: `moment-${at}`, title: moment.reason }, element("bdi", {}, moment.title));
    const facts = element("p", { className: "quiet number" }, [spanOf(moment), countText(moment.photos.length, "photo")].filter(Boolean).join(" · "));
    const actions = element("div", { className: "actions" });
    const own = moment.photos.map((id) => photos.get(id)).filter(Boolean);
    const isOpen = openAt.has(moment.photos[0]);
    if (mayEdit) actions.append(opener(moment, isOpen ? "Done" : "Choose photos", isOpen));
    if (mayEdit) actions.append(action("Rename", "edit", `Rename ${moment.title}`, () => renaming.show(moment)));
    if (mayEdit && moments[at + 1]) actions.append(action("Join with the next", "plus", `Join with the next: ${moment.title} and ${moments[at + 1].title}`, () => attempt({ kind: "merge_moments", photo: moments[at + 1].cover, with: moment.cover })));
    const tiles = element("div", { className: "grid" });
    const grid = new Grid(tiles, {
      height: rowHeight,
      isChosen: isOpen && mayEdit ? ({ id }) => chosen.has(id) : null,
      onPick: (photo) => (isOpen && mayEdit ? choose(photo) : view(gallery, own, photo, (last) => grid.focus(last.id))),
    });
    grids.push(grid);
    const section = element("section", { className: "moment", "aria-labelledby": title.id }, element("div", { className: "section-head" }, element("div", {}, title, facts), actions), tiles);
    if (own.length > SAMPLE) section.append(opener(moment, isOpen ? "Show fewer" : `Show all ${own.length.toLocaleString("en-GB")}`, isOpen));
    queueMicrotask(() => grid.show(isOpen ? own : own.slice(0, SAMPLE)));
    return section;
  }

  function opener(moment, text, isOpen) {
    const button = element("button", { type: "button", className: "button bare small", ariaExpanded: String(isOpen), ariaLabel: `${text}: ${moment.title}` }, text);
    button.addEventListener("click", () => {
      if (!openAt.delete(moment.photos[0])) openAt.add(moment.photos[0]);
      chosen.clear();
      const index = moments.indexOf(moment);
      draw();
      list.children[index]?.querySelector("[aria-expanded]")?.focus({ preventScroll: true });
    });
    return button;
  }

  function action(text, sign, label, run) {
    const button = element("button", { type: "button", className: "button bare small", ariaLabel: label }, icon(sign), text);
    button.addEventListener("click", run);
    return button;
  }

  function choose({ id }) {
    if (!chosen.delete(id)) chosen.add(id);
    for (const grid of grids) grid.mark();
    drawBar();
  }

  function drawBar() {
    bar.hidden = !chosen.size;
    if (bar.hidden) return bar.replaceChildren();
    const [only] = chosen;
    const home = moments.find((moment) => moment.photos.includes(only));
    const parts = [];
    if (chosen.size === 1 && home?.photos[0] !== only) {
      const split = element("button", { type: "button", className: "button plain small" }, "Begin a new moment here");
      split.addEventListener("click", () => attempt({ kind: "split_moment", at: only }));
      parts.push(split);
    }
    const into = element("select", { ariaLabel: "Move them to" }, element("option", { value: "" }, "Move to …"), ...moments.filter((moment) => moment !== home).map((moment) => element("option", { value: moment.cover }, moment.title)));
    into.addEventListener("change", () => into.value && attempt({ kind: "move_photos", photos: [...chosen], to: into.value }));
    const clear = element("button", { type: "button", className: "button bare small" }, "Clear");
    clear.addEventListener("click", () => {
      chosen.clear();
      for (const grid of grids) grid.mark();
      drawBar();
    });
    bar.replaceChildren(element("p", { role: "status" }, `${countText(chosen.size, "photo")} chosen`), element("div", { className: "actions" }, clear, ...parts, moments.length > 1 ? into : ""));
  }

  async function attempt(change) {
    try {
      await corrections.make(change);
    } catch (problem) {
      note(problem.message);
    }
  }

  function renameSheet() {
    const title = element("input", { type: "text", name: "title", maxLength: 120, autocomplete: "off", id: "moment-title" });
    const form = element("form", { method: "dialog", noValidate: true }, element("h2", { id: "rename-title" }, "What was this?"), element("div", { className: "field" }, element("label", { htmlFor: "moment-title" }, "Title of the moment"), title), element("p", { className: "fault", role: "alert" }), element("div", { className: "actions" }, element("button", { type: "button", className: "button plain", "data-shuts": "" }, "Cancel"), element("button", { type: "submit", className: "button" }, "Save")));
    const dialog = element("dialog", { className: "sheet", "aria-labelledby": "rename-title" }, form);
    document.body.append(dialog);
    let moment = null;
    onSubmit(form, async () => {
      await corrections.make({ kind: "rename_moment", photo: moment.cover, title: title.value });
      dialog.close();
    });
    return {
      show(shown) {
        moment = shown;
        title.value = moment.title;
        open(dialog);
        title.select();
      },
    };
  }

  function spanOf({ starts_at, ends_at }) {
    if (!starts_at) return "";
    const time = (moment) => new Date(moment).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: zone ?? "UTC" });
    return time(starts_at) === time(ends_at) ? time(starts_at) : `${time(starts_at)} to ${time(ends_at)}`;
  }

  return { read };
}
