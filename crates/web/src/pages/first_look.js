// The photos as they arrive, each within moments of its upload, and what could not be used.

import { ask, countText, element, icon, sentence } from "./dom.js";
import { Grid } from "./grid.js";
import { view } from "./viewer.js";

const GATHER_MS = 250;
const AT_ONCE = 100;
const MOST_SHOWN = 200;

/** Shows a gallery's photos. Gives what is to be told of events. */
export function firstLook(gallery, { onCount }) {
  const known = new Map();
  const drop = document.getElementById("drop"), faults = document.getElementById("faults");
  const grid = new Grid(document.getElementById("grid"), {
    onPick: (photo) => view(gallery, grid.photos, photo, (last) => grid.focus(last.id)),
  });
  // While photos arrive the latest are what one wants to see. Afterwards the order of their arrival is the quieter one, but
  // nothing is turned round under somebody's eyes.
  let isArriving = false;
  let arrived = new Set(), timer = 0, refusals = [];

  function draw() {
    grid.show([...known.values()], { latestFirst: isArriving });
    drop.hidden = known.size > 0;
    onCount(known.size);
    drawFaults();
  }

  function drawFaults() {
    const broken = [...known.values()].filter((photo) => photo.state === "quarantined");
    const lines = [
      ...broken.map((photo) => ({ name: photo.name, text: photo.failure, next: "The original is safe. Everything else goes on without it." })),
      ...refusals.map(({ name, failure }) => ({ name, text: failure.message, next: "It was not taken in: keep your copy." })),
    ];
    if (Number(faults.dataset.count ?? 0) === lines.length) return;
    faults.dataset.count = lines.length;
    faults.replaceChildren();
    if (!lines.length) return;
    const list = element("ul", { className: "lines" }, ...lines.slice(0, MOST_SHOWN).map(({ name, text, next }) => element("li", {}, element("b", {}, element("bdi", {}, name)), element("p", {}, sentence(text)), element("p", { className: "quiet" }, next))));
    const rest = lines.length > MOST_SHOWN ? element("p", { className: "quiet" }, `and ${(lines.length - MOST_SHOWN).toLocaleString("en-GB")} more`) : null;
    faults.append(element("details", { className: "faults" }, element("summary", {}, icon("alert"), countText(lines.length, "file needs", "files need"), " your attention"), list, rest));
  }

  /** Reads all anew: at the start, and when events may have been missed. */
  async function readAll() {
    const photos = await ask("GET", `/studio/galleries/${gallery}/tiles`);
    photos.sort((a, b) => (a.stored_at < b.stored_at ? -1 : a.stored_at > b.stored_at ? 1 : 0));
    known.clear();
    for (const photo of photos) known.set(photo.id, photo);
    draw();
    await readRefusals();
  }

  async function readRefusals() {
    const page = await ask("GET", `/api/v1/galleries/${gallery}/refusals?limit=1000`).catch(() => null);
    refusals = page?.items ?? [];
    drawFaults();
  }

  async function readArrived() {
    timer = 0;
    const ids = [...arrived].slice(0, AT_ONCE);
    arrived = new Set([...arrived].slice(AT_ONCE));
    if (arrived.size) timer = setTimeout(readArrived, GATHER_MS);
    const photos = await ask("GET", `/studio/galleries/${gallery}/tiles?photos=${ids.join(",")}`).catch(() => []);
    for (const photo of photos) known.set(photo.id, photo);
    draw();
  }

  function expect(id) {
    isArriving = true;
    arrived.add(id);
    timer ||= setTimeout(readArrived, GATHER_MS);
  }

  return {
    readAll,
    photos: known,
    onStored: ({ photo }) => known.has(photo) || expect(photo),
    onDone: ({ photo }) => {
      const tile = known.get(photo);
      if (!tile) return expect(photo);
      tile.state = "done";
      grid.mark();
    },
    onQuarantined: ({ photo }) => expect(photo),
    onStatus({ state }) {
      if (isArriving || state === "done") return;
      isArriving = true;
      draw();
    },
    onRefused: readRefusals,
  };
}
