// Photos in justified rows, of which only those near the view are in the document. They can be shown with the latest first: the
// rows are then those of the order in which they came, turned upside down, so whatever is added on top leaves all rows below as
// they are.

import { element } from "./dom.js";
import { gridAspect, justify, rowAt } from "./layout.js";

const wantedHeight = (width) => (width < 520 ? 110 : width < 1000 ? 150 : 190);

export class Grid {
  #box;
  #options;
  #photos = [];
  #boxes = new Int32Array(0);
  #rows = [];
  #tiles = new Map();
  #width = 0;
  #frame = 0;
  #current = null;

  #latestFirst = false;

  /** `onPick(photo)` for a click; `isChosen(photo)` marks photos. */
  constructor(box, { onPick, isChosen = null, height = wantedHeight }) {
    this.#box = box;
    this.#options = { onPick, isChosen, height };
    addEventListener("scroll", () => (this.#frame ||= requestAnimationFrame(() => this.#render())), { passive: true });
    new ResizeObserver(() => box.clientWidth !== this.#width && this.#layOut()).observe(box);
    box.addEventListener("click", (event) => this.#pick(event));
    box.addEventListener("keydown", (event) => this.#step(event));
  }

  /** The photos in the order in which they are shown. */
  get photos() {
    return this.#latestFirst ? [...this.#photos].reverse() : this.#photos;
  }

  /** Shows these photos: {id, name, width, height, preview, state}. */
  show(photos, { latestFirst = false } = {}) {
    this.#photos = photos;
    this.#latestFirst = latestFirst;
    this.#layOut();
  }

  /** Draws the tiles' marks anew. */
  mark() {
    for (const [index, tile] of this.#tiles) this.#markTile(tile, this.#photos[index]);
  }

  #layOut() {
    this.#width = this.#box.clientWidth;
    if (!this.#width) return;
    const gap = this.#width < 520 ? 3 : 6;
    const { boxes, rows, height } = justify(this.#photos.map(gridAspect), this.#width, gap, this.#options.height(this.#width));
    if (this.#latestFirst) this.#turn(boxes, rows, height);
    this.#boxes = boxes;
    this.#rows = rows;
    this.#box.style.height = `${height}px`;
    for (const [index, tile] of this.#tiles) {
      // The photo at an index may be another by now.
      if (tile.dataset.photo === this.#photos[index]?.id) this.#place(tile, index);
      else this.#drop(index, tile);
    }
    this.#render();
  }

  #turn(boxes, rows, height) {
    for (const row of rows) {
      const right = boxes[row.to * 4 - 4] + boxes[row.to * 4 - 2];
      for (let at = row.from; at < row.to; at++) {
        boxes[at * 4] = right - boxes[at * 4] - boxes[at * 4 + 2];
        boxes[at * 4 + 1] = height - row.top - row.height;
      }
      row.top = height - row.top - row.height;
    }
    rows.reverse();
  }

  #render() {
    this.#frame = 0;
    const { top, bottom } = this.#box.getBoundingClientRect();
    if (!this.#rows.length || !this.#width || bottom < -innerHeight || top > 2 * innerHeight) return this.#keep(new Set());
    const first = rowAt(this.#rows, -innerHeight - top), last = rowAt(this.#rows, 2 * innerHeight - top);
    const wanted = new Set();
    for (const { from, to } of this.#rows.slice(first, last + 1)) for (let at = from; at < to; at++) wanted.add(at);
    this.#keep(wanted);
    const order = [...wanted].sort((a, b) => (this.#latestFirst ? b - a : a - b));
    let next = this.#box.firstElementChild;
    for (const index of order) {
      const tile = this.#tiles.get(index) ?? this.#make(index);
      if (tile === next) next = next.nextElementSibling;
      else this.#box.insertBefore(tile, next);
    }
    this.#rove();
  }

  #keep(wanted) {
    for (const [index, tile] of this.#tiles) if (!wanted.has(index) && tile !== document.activeElement) this.#drop(index, tile);
  }

  #drop(index, tile) {
    tile.remove();
    this.#tiles.delete(index);
  }

  #make(index) {
    const photo = this.#photos[index];
    const image = element("img", { alt: "", decoding: "async", src: photo.preview });
    image.addEventListener("load", () => tile.classList.add("loaded"), { once: true });
    image.addEventListener("error", () => tile.classList.add("missing"), { once: true });
    const tile = element("button", { type: "button", className: "tile", dataset: { photo: photo.id }, tabIndex: -1 }, image, element("span", { className: "tile-name" }, photo.name.split("/").at(-1)));
    this.#tiles.set(index, tile);
    this.#place(tile, index);
    this.#markTile(tile, photo);
    return tile;
  }

  #place(tile, index) {
    const [left, top, width, height] = this.#boxes.subarray(index * 4, index * 4 + 4);
    Object.assign(tile.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  }

  #markTile(tile, photo) {
    const { isChosen } = this.#options;
    const words = { stored: ", not finished yet", quarantined: ", could not be processed" }[photo.state] ?? "";
    tile.dataset.state = photo.state;
    tile.setAttribute("aria-label", `${photo.name}${words}`);
    if (isChosen) tile.setAttribute("aria-pressed", isChosen(photo));
  }

  /** One tile can be reached by Tab, the others from it by the arrows. */
  #rove() {
    const held = [...this.#tiles.values()].find((tile) => tile.dataset.photo === this.#current) ?? this.#box.firstElementChild;
    for (const tile of this.#tiles.values()) tile.tabIndex = tile === held ? 0 : -1;
  }

  #indexOf(target) {
    const tile = target.closest?.(".tile");
    return tile ? this.#photos.findIndex((photo) => photo.id === tile.dataset.photo) : -1;
  }

  #pick(event) {
    const index = this.#indexOf(event.target);
    if (index < 0) return;
    this.#current = this.#photos[index].id;
    this.#rove();
    this.#options.onPick(this.#photos[index], event);
  }

  #step(event) {
    const index = this.#indexOf(event.target);
    const forward = this.#latestFirst ? -1 : 1;
    const step = { ArrowRight: forward, ArrowLeft: -forward }[event.key];
    const wanted = step ? index + step : this.#acrossRows(index, event.key);
    if (index < 0 || wanted === null || !this.#photos[wanted]) return;
    event.preventDefault();
    this.focus(this.#photos[wanted].id);
  }

  /** The tile above or below. */
  #acrossRows(index, key) {
    if (key !== "ArrowUp" && key !== "ArrowDown") return null;
    const at = this.#rows.findIndex(({ from, to }) => from <= index && index < to);
    const row = this.#rows[at + (key === "ArrowUp" ? -1 : 1)];
    if (!row) return null;
    const middle = (tile) => this.#boxes[tile * 4] + this.#boxes[tile * 4 + 2] / 2;
    let best = row.from;
    for (let tile = row.from; tile < row.to; tile++) if (Math.abs(middle(tile) - middle(index)) < Math.abs(middle(best) - middle(index))) best = tile;
    return best;
  }

  /** Moves the focus to a photo, and the view with it. */
  focus(id) {
    const index = this.#photos.findIndex((photo) => photo.id === id);
    if (index < 0) return;
    this.#current = id;
    if (!this.#tiles.has(index)) {
      const top = this.#box.getBoundingClientRect().top + this.#boxes[index * 4 + 1];
      scrollBy({ top: top - innerHeight / 2, behavior: "instant" });
      this.#render();
    }
    this.#rove();
    const tile = this.#tiles.get(index);
    tile?.focus({ preventScroll: true });
    tile?.scrollIntoView({ block: "nearest", behavior: "instant" });
  }
}
