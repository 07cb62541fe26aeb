// Pictures of faces, cut out of photos.

import { ask, element } from "./dom.js";

/** A portrait shows this many times the face's box. */
const ROOM = 1.8;
const EDGE = 168;

const details = new Map();

/** A photo as the API tells it, asked for once. */
function detailOf(gallery, id) {
  if (!details.has(id)) details.set(id, ask("GET", `/api/v1/galleries/${gallery}/photos/${id}`).catch(() => null));
  return details.get(id);
}

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    observer.unobserve(target);
    draw(target);
  }
}, { rootMargin: "300px" });

const wanted = new WeakMap();

/** A canvas that shows a face once it comes near the view. `photo` is a tile, or undefined while it is not known. */
export function portrait(gallery, { photo: id, region }, photo) {
  const canvas = element("canvas", { className: "face", width: EDGE, height: EDGE, "aria-hidden": "true" });
  wanted.set(canvas, { gallery, id, region, photo });
  observer.observe(canvas);
  return canvas;
}

async function draw(canvas) {
  const { gallery, id, region, photo } = wanted.get(canvas);
  // The first look is there already; a sharper one is fetched only where a face is too small on it.
  if (photo && region.width * Math.min(512, photo.width) >= EDGE / ROOM / 2) await paint(canvas, photo.preview, region).catch(() => {});
  const full = await detailOf(gallery, id);
  const url = full && sharpEnough(full, region);
  await paint(canvas, url ?? full?.preview ?? photo?.preview, region).catch(() => {});
}

/** The smallest whole image on which the face has enough pixels, else the largest. */
function sharpEnough(photo, region) {
  const isWhole = ({ width, height }) => Math.abs(width * photo.height - height * photo.width) <= Math.max(photo.width, photo.height);
  const images = photo.images.filter((image) => isWhole(image) && image.format !== "avif").sort((a, b) => a.width - b.width);
  const image = images.find(({ width }) => width * region.width >= EDGE / ROOM) ?? images.at(-1);
  return image ? new URL(image.url, location).pathname : null;
}

async function paint(canvas, url, { x, y, width, height }) {
  if (!url) return;
  const image = new Image();
  image.decoding = "async";
  image.src = url;
  await image.decode();
  const [wide, high] = [image.naturalWidth, image.naturalHeight];
  const side = Math.min(ROOM * Math.max(width * wide, height * high), wide, high);
  const clamp = (value, most) => Math.min(Math.max(0, value), Math.max(0, most));
  const left = clamp((x + width / 2) * wide - side / 2, wide - side), top = clamp((y + height / 2) * high - side / 2, high - side);
  canvas.getContext("2d").drawImage(image, left, top, side, side, 0, 0, EDGE, EDGE);
  canvas.classList.add("loaded");
}
