// The grid: every section has its full height from the start, but only the cells near the viewport are in the document.

const grid = document.getElementById("gallery");
const MARGIN = 1.0; // viewports above and below the visible one that hold cells
const FAST = 3; // pixels a millisecond from which cells show only their placeholder
const MOST_DENSE = 2; // pixels of the screen a CSS pixel that a small picture is worth

/** What more stands on a photo in the grid: each is called with a new cell and the photo's index. */
const onCell = [];

let sections = []; // {at, list, element, tiles, rows, boxes, top}
let sequence = []; // the shown photos in the order of the page
const placeOf = new Map(); // photo index → its place in `sequence`
const cellOf = new Map(); // photo index → its cell in the document
let gridWidth = 0, lastScroll = 0, lastTime = 0, settleTimer = 0, frame = 0;

const wantedHeight = (width) => (width < 520 ? 150 : width < 1000 ? 210 : 270);
const gapFor = (width) => (width < 520 ? 4 : 8);

/** Shows the photos for which `isShown(index)` is true, by moment. */
function showPhotos(isShown) {
  if (!photos.length) return; // the page says why
  grid.replaceChildren();
  cellOf.clear();
  placeOf.clear();
  sections = [];
  sequence = [];
  album.moments.forEach((moment, at) => {
    const list = moment.photos.filter(isShown);
    if (!list.length) return;
    for (const index of list) placeOf.set(index, sequence.push(index) - 1);
    sections.push(makeSection(moment, at, list));
  });
  grid.append(...sections.map((section) => section.element));
  layOut();
}

function makeSection(moment, at, list) {
  const title = element("h2", { id: `moment-${at}` }, element("bdi", {}, moment.title));
  title.title = moment.reason ?? "";
  const whole = list.length === moment.photos.length;
  const count = whole ? countText(list.length, "photo") : `${list.length.toLocaleString("en-GB")} of ${countText(moment.photos.length, "photo")}`;
  const facts = [spanText(moment.starts, moment.ends), count].filter(Boolean).map((text) => element("span", {}, text));
  const head = element("div", { className: "section-head" }, title, element("p", { className: "facts" }, ...facts));
  if (album.moments.length > 1) {
    const isAlone = filter.moment === at;
    const link = element("a", { className: "only", href: hashOf({ moment: isAlone ? null : at }) });
    link.append(...(isAlone ? ["Whole day"] : ["Only this", element("span", {}, " moment")]));
    head.append(link);
  }
  const tiles = element("div", { className: "tiles" });
  return { at, list, tiles, element: element("section", { "aria-labelledby": title.id }, head, tiles) };
}

/** Computes all boxes for the grid's present width. */
function layOut() {
  gridWidth = grid.clientWidth;
  const gap = gapFor(gridWidth), target = wantedHeight(gridWidth);
  for (const section of sections) {
    const layout = justify(section.list.map((index) => gridAspect(photos[index])), gridWidth, gap, target);
    section.rows = layout.rows;
    section.boxes = layout.boxes;
    section.tiles.style.height = `${layout.height}px`;
  }
  // Read after all writes: one reflow.
  for (const section of sections) section.top = section.tiles.getBoundingClientRect().top + scrollY;
  for (const section of sections) section.list.forEach((index, place) => placeCell(cellOf.get(index), section, place));
  render();
}

function placeCell(cell, section, place) {
  if (!cell) return;
  const [left, top, width, height] = section.boxes.subarray(place * 4, place * 4 + 4);
  Object.assign(cell.style, { left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` });
  for (const sized of cell.querySelectorAll("source, img")) sized.sizes = sizesFor(width);
}

/** A screen that is denser than that takes the same files: nobody sees more in a thumbnail. */
const sizesFor = (width) => `${Math.round(width * Math.min(1, MOST_DENSE / devicePixelRatio))}px`;

function makeCell(index, section, place) {
  const tile = element("a", { className: "tile", href: `#photo=${photos[index].id}`, "aria-label": altText(index) });
  tile.dataset.index = index;
  const cell = element("div", { className: "cell" }, tile);
  addPlaceholder(tile, photos[index]);
  placeCell(cell, section, place);
  cellOf.set(index, cell);
  for (const add of onCell) add(cell, index);
  return cell;
}

function addPlaceholder(box, photo) {
  const placeholder = photo.thumb && !box.querySelector("canvas") ? placeholderOf(photo) : null;
  if (placeholder) box.prepend(placeholder);
}

/** Gives a cell its picture; the placeholder stays until that is decoded. */
function fillCell(cell, index) {
  const tile = cell.firstChild, photo = photos[index];
  if (!photo.files) return void bring(index);
  if (tile.querySelector("picture")) return;
  addPlaceholder(tile, photo);
  const picture = pictureOf(photo, sizesFor(parseFloat(cell.style.width)), altText(index));
  picture.lastChild.loading = "lazy";
  watch(picture, tile, index);
  tile.append(picture);
}

/** Marks a picture's box as loaded, or as missing. */
function watch(picture, box, index) {
  const image = picture.lastChild;
  image.addEventListener("load", () => box.classList.add("loaded"), { once: true });
  image.addEventListener("error", () => {
    if (!renew(index)) return box.classList.add("missing");
    picture.remove();
    showKnown();
  }, { once: true });
}

/** Puts the cells near the viewport into the document, in order, and takes the others out. */
function render(extra = 0) {
  frame = 0;
  const now = performance.now();
  const speed = Math.abs(scrollY - lastScroll) / Math.max(1, now - lastTime);
  [lastScroll, lastTime] = [scrollY, now];
  const from = scrollY - innerHeight * MARGIN, to = scrollY + innerHeight * (1 + MARGIN) + extra;
  const wanted = new Set();
  for (const section of sections) renderSection(section, from - section.top, to - section.top, wanted);
  for (const [index, cell] of cellOf) {
    if (wanted.has(index) || cell.contains(document.activeElement)) continue;
    cell.remove();
    cellOf.delete(index);
  }
  clearTimeout(settleTimer);
  if (speed > FAST) settleTimer = setTimeout(fillCells, 120);
  else fillCells();
  showPosition();
}

const fillCells = () => cellOf.forEach(fillCell);

function renderSection({ rows, tiles, list, ...section }, from, to, wanted) {
  const bottom = rows.at(-1).top + rows.at(-1).height;
  if (bottom < from || to < 0) return;
  const start = rows[rowAt(rows, from)].from, end = rows[rowAt(rows, to)].to;
  let next = tiles.firstElementChild;
  for (let place = start; place < end; place++) {
    const index = list[place];
    wanted.add(index);
    const cell = cellOf.get(index) ?? makeCell(index, section, place);
    if (cell === next) next = next.nextElementSibling;
    else tiles.insertBefore(cell, next);
  }
}

/** The first photo at or below a line `offset` pixels under the viewport's top, or null. */
function photoAtLine(offset) {
  const line = scrollY + offset;
  for (const section of sections) {
    const last = section.rows.at(-1);
    if (section.top + last.top + last.height < line) continue;
    return section.list[section.rows[rowAt(section.rows, line - section.top)].from];
  }
  return null;
}

/** Where the photo's box starts in the document. */
function boxOf(index) {
  const section = sections.find((candidate) => candidate.at === momentOf[index]);
  const place = section?.list.indexOf(index) ?? -1;
  if (place < 0) return null;
  const [, top, , height] = section.boxes.subarray(place * 4, place * 4 + 4);
  return { top: section.top + top, height };
}

const barHeight = () => bar.getBoundingClientRect().height;

/** Scrolls so that a photo stands under the bar, or in the middle. */
function scrollToPhoto(index, where = "top") {
  const box = boxOf(index);
  if (!box) return;
  const free = innerHeight - barHeight();
  const offset = where === "middle" ? Math.max(0, (free - box.height) / 2) : 12;
  scrollTo({ top: box.top - barHeight() - offset, behavior: "instant" });
  render();
}

/** Scrolls to a moment's title. */
function scrollToMoment(at, behavior = "auto") {
  const section = sections.find((candidate) => candidate.at === at);
  if (!section) return;
  const top = section.element.getBoundingClientRect().top + scrollY - barHeight();
  scrollTo({ top, behavior });
}

addEventListener("scroll", () => (frame ||= requestAnimationFrame(() => render())), { passive: true });

new ResizeObserver(() => {
  // Under the lightbox the page loses its scroll bar: not worth a layout.
  if (grid.clientWidth === gridWidth || lightbox.open) return;
  const anchor = scrollY > grid.offsetTop ? photoAtLine(barHeight() + 12) : null;
  layOut();
  if (anchor !== null) scrollToPhoto(anchor);
}).observe(grid);

grid.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const index = Number(event.target.dataset?.index ?? NaN);
  if (!step || Number.isNaN(index)) return;
  const neighbour = sequence[placeOf.get(index) + step];
  if (neighbour === undefined) return;
  event.preventDefault();
  focusTile(neighbour);
});

function focusTile(index) {
  if (!cellOf.get(index)) scrollToPhoto(index, "middle");
  const tile = cellOf.get(index)?.firstChild;
  tile?.focus({ preventScroll: true });
  tile?.scrollIntoView({ block: "nearest", behavior: "instant" });
}
