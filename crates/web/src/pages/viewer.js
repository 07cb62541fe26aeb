// One photo, large.

import { ask, element, icon, say, sizeText } from "./dom.js";

const dialog = document.getElementById("viewer");
const image = element("img", { alt: "" });
const name = element("p", { className: "viewer-name" });
const facts = element("p", { className: "viewer-facts" });
const original = element("a", { className: "button plain small", download: "" }, icon("download"), "Original");
const button = (label, sign, act, className = "") => {
  const made = element("button", { type: "button", className: `button bare round ${className}`, ariaLabel: label }, icon(sign));
  made.addEventListener("click", act);
  return made;
};
const previous = button("Previous photo", "left", () => go(-1), "previous"), next = button("Next photo", "right", () => go(1), "next");
dialog.append(
  element("div", { className: "viewer-stage" }, image),
  element("div", { className: "viewer-foot" }, element("div", {}, name, facts), original),
  previous, next, button("Close", "close", () => dialog.close(), "viewer-close"),
);

let gallery = "", photos = [], index = 0, onClose = null;

/** Shows a photo of a list; at the end `closed(photo)` is told which was shown last. */
export function view(id, list, photo, closed) {
  [gallery, photos, index, onClose] = [id, list, list.indexOf(photo), closed];
  if (!dialog.open) dialog.showModal();
  draw();
}

function go(step) {
  if (!photos[index + step]) return;
  index += step;
  draw();
}

async function draw() {
  const photo = photos[index];
  previous.disabled = index === 0;
  next.disabled = index === photos.length - 1;
  image.src = photo.preview;
  image.alt = photo.name;
  // As large as the stage allows from the first pixel on, so that the sharper file takes the same place.
  image.width = photo.width;
  image.height = photo.height;
  say(name, photo.name);
  say(facts, photo.failure ?? "");
  facts.classList.toggle("bad", Boolean(photo.failure));
  const path = `/api/v1/galleries/${gallery}/photos/${photo.id}`;
  original.href = `${path}/original`;
  const full = await ask("GET", path).catch(() => null);
  if (!full || photos[index] !== photo) return;
  const format = full.format.toUpperCase();
  const taken = full.taken_at && new Date(full.taken_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  if (!photo.failure) say(facts, [taken, `${full.width} × ${full.height}`, `${format}, ${sizeText(full.bytes)}`, full.pipeline_reason].filter(Boolean).join(" · "));
  const sharper = full.images.filter((file) => isWhole(file, full) && Math.max(file.width, file.height) <= 2600).sort((a, b) => b.width - a.width)[0];
  if (sharper) image.src = new URL(sharper.url, location).pathname;
}

const isWhole = (file, photo) => Math.abs(file.width * photo.height - file.height * photo.width) <= Math.max(photo.width, photo.height);

dialog.addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) go(step);
});
let from = null;
dialog.addEventListener("pointerdown", ({ clientX, pointerType }) => (from = pointerType === "touch" ? clientX : null));
dialog.addEventListener("pointerup", ({ clientX }) => {
  if (from !== null && Math.abs(clientX - from) > 50) go(clientX < from ? 1 : -1);
  from = null;
});
dialog.addEventListener("click", (event) => (event.target === dialog || event.target.matches(".viewer-stage")) && dialog.close());
dialog.addEventListener("close", () => {
  image.removeAttribute("src");
  onClose?.(photos[index]);
});
