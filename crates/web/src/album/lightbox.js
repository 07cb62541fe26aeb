// One photo over the page, its neighbours ready beside it. A modal dialog: the browser keeps the focus inside and the rest
// of the page inert.

const byId = (id) => document.getElementById(id);
const lightbox = byId("lightbox"), stage = byId("stage"), track = byId("track"), details = byId("details");
const slides = new Map(); // photo index → its figure
const stillMotion = matchMedia("(prefers-reduced-motion: reduce)");

/** Each is called with the index of the photo that is shown now. */
const onShown = [];

let shown = null; // the photo index that is shown
let isMoving = false;

const gestures = new Gestures(stage, {
  track,
  media: () => slides.get(shown)?.firstChild,
  swipe: (step) => slideTo(step),
  dismiss: () => closeLightbox(),
  tap: (event) => {
    // The stage holds the pointer, so the event does not say what is under it.
    const isBeside = !document.elementFromPoint(event.clientX, event.clientY)?.closest(".media");
    if (isBeside && event.pointerType === "mouse") closeLightbox();
  },
  zoomed: (scale) => { if (scale > 1.2) sharpen(); },
});

/** Opens the lightbox, or moves it, without touching the address. */
function showInLightbox(index) {
  if (!lightbox.open) {
    lightbox.showModal();
    lightbox.focus();
    document.documentElement.classList.add("has-lightbox");
  }
  shown = index;
  const place = placeOf.get(index);
  const wanted = new Map([-1, 0, 1].map((slot) => [sequence[place + slot], slot]).filter(([at]) => at !== undefined));
  for (const [at, slide] of slides) {
    if (!wanted.has(at)) slide.remove(), slides.delete(at);
  }
  for (const [at, slot] of wanted) {
    if (!slides.has(at)) slides.set(at, makeSlide(at));
    slides.get(at).dataset.slot = slot;
    slides.get(at).toggleAttribute("inert", slot !== 0);
  }
  track.replaceChildren(...[...wanted.keys()].map((at) => slides.get(at)));
  for (const slide of slides.values()) slide.firstChild.style.transform = "";
  fitSlides();
  gestures.reset();
  describePhoto(index, place);
}

function makeSlide(index) {
  const slide = element("figure", { className: "slide" }, element("div", { className: "media" }));
  slide.dataset.index = index;
  fillSlide(slide, index);
  return slide;
}

function fillSlide(slide, index) {
  const box = slide.firstChild, photo = photos[index];
  if (!photo.files) return void bring(index);
  if (box.querySelector("picture")) return;
  addPlaceholder(box, photo);
  const picture = pictureOf(photo, box.style.width || "100vw", altText(index));
  watch(picture, box, index);
  box.append(picture);
}

/** Gives every slide the largest box of its photo's shape that the stage holds. */
function fitSlides() {
  const { clientWidth, clientHeight } = stage;
  for (const [index, slide] of slides) {
    const { width, height } = photos[index];
    const scale = Math.min(clientWidth / width, clientHeight / height);
    const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
    Object.assign(slide.firstChild.style, { width: `${across}px`, height: `${down}px` });
    for (const sized of slide.querySelectorAll("source, img")) sized.sizes = `${across}px`;
  }
}

/** Loads the largest output, once somebody looks closely. */
function sharpen() {
  if (!photos[shown].files) return;
  const slide = slides.get(shown), file = largestOf(photos[shown]);
  const image = slide?.querySelector("img");
  if (!image || slide.dataset.sharp || !file) return;
  slide.dataset.sharp = "true";
  const large = new Image();
  large.src = file.url;
  large.decode().then(() => {
    slide.querySelectorAll("source").forEach((source) => source.remove());
    image.removeAttribute("srcset");
    image.src = large.src;
  }, () => {});
}

function exposureText(photo) {
  const [seconds, aperture, iso, focal] = photo.exposure ?? [];
  const parts = [];
  if (focal) parts.push(`${Math.round(focal)} mm`);
  if (aperture) parts.push(`f/${Math.round(aperture * 10) / 10}`);
  if (seconds) parts.push(seconds < 0.3 ? `1/${Math.round(1 / seconds)} s` : `${Math.round(seconds * 10) / 10} s`);
  if (iso) parts.push(`ISO ${iso}`);
  return parts.join("  ");
}

function describePhoto(index, place) {
  const photo = photos[index], moment = album.moments[momentOf[index]];
  const name = fileNameOf(photo.name ?? "");
  byId("counter").textContent = `${(place + 1).toLocaleString("en-GB")} of ${sequence.length.toLocaleString("en-GB")}`;
  byId("previous").disabled = place === 0;
  byId("next").disabled = place === sequence.length - 1;
  const way = photo.files ? downloadOf(photo) : null, download = byId("download");
  download.hidden = !way;
  Object.assign(download, way);
  const when = photo.taken === undefined ? [] : [clockTime(photo.taken)];
  // A file's name and a camera say much to whoever made the photo, and little to who is on it.
  const facts = home ? when : [...when, moment.title];
  const camera = home ? "" : [photo.texts[photo.camera], exposureText(photo)].filter(Boolean).join("  ·  ");
  byId("caption").replaceChildren(
    element("p", { className: "name" }, element("bdi", {}, home ? moment.title : name)),
    element("p", { className: "facts" }, ...facts.map((text) => element("span", {}, text))),
    element("p", { className: "camera" }, camera),
  );
  lightbox.setAttribute("aria-label", `Photo ${name}`);
  for (const tell of onShown) tell(index);
  if (!details.hidden) drawDetails(index);
}

function drawDetails(index) {
  if (!photos[index].files) return details.replaceChildren();
  const photo = photos[index], moment = album.moments[momentOf[index]];
  const names = (guestsOf.get(index) ?? []).map((at) => album.guests[at].name);
  const rows = [
    ["File", [photo.name, ...(photo.also ?? [])].join(", ")],
    ["Taken", photo.taken === undefined ? "The camera wrote no time" : `${dayFormat.format(photo.taken)}, ${clockTime(photo.taken)}:${two(new Date(photo.taken).getUTCSeconds())}`],
    ["Moment", moment.reason ? `${moment.title} (${moment.reason})` : moment.title],
    ["Guests", names.join(", ")],
    ["Camera", photo.texts[photo.camera]],
    ["Lens", photo.texts[photo.lens]],
    ["Exposure", exposureText(photo)],
    ["Original", `${photo.width} × ${photo.height}, ${FORMAT_NAMES[photo.format] ?? photo.format}, ${bytesText(photo.bytes)}`],
    ["Pipeline", photo.pipeline === undefined ? "" : `${photo.texts[photo.pipeline].replaceAll("_", " ")}: ${photo.texts[photo.reason]}`],
    ["Worked on", photo.seconds ? `${photo.seconds.toFixed(2)} s` : ""],
  ].filter(([, text]) => text);
  const list = element("dl", {}, ...rows.map(([label, text]) => element("div", {}, element("dt", {}, label), element("dd", {}, element("bdi", {}, text)))));
  details.replaceChildren(list);
  if (home) return;
  const files = filesOf(photo).map((file) => {
    // A page on disk may not save a file, only open it: then beside the gallery, not in its place.
    const link = element("a", { href: file.url, download: file.name, target: "_blank" });
    link.append(element("b", {}, `${file.variant} ${FORMAT_NAMES[file.format] ?? file.format}`), element("span", {}, `${file.width} × ${file.height}`), element("span", {}, bytesText(file.bytes)));
    return element("li", {}, link);
  });
  details.append(element("h3", {}, "Files"), element("ul", { className: "files" }, ...files));
}

function toggleDetails(isOpen = details.hidden) {
  details.hidden = !isOpen;
  byId("details-button").setAttribute("aria-expanded", isOpen);
  lightbox.classList.toggle("with-details", isOpen);
  if (isOpen && shown !== null) drawDetails(shown);
}

/** Shows the photo `step` places on, and writes it into the address. */
function stepTo(place) {
  const index = sequence[place];
  if (index === undefined || isMoving) return gestures.drag(0, 0);
  history.replaceState(history.state, "", hashOf({ photo: index }));
  showInLightbox(index);
}

/** The same after a swipe: the track moves on from where the finger left it. */
function slideTo(step) {
  const place = placeOf.get(shown) + step;
  if (sequence[place] === undefined || isMoving || stillMotion.matches) return stepTo(place);
  isMoving = true;
  track.classList.add("moving");
  track.style.transform = `translateX(${-100 * step}%)`;
  setTimeout(() => {
    isMoving = false;
    track.classList.remove("moving");
    stepTo(place);
  }, 220);
}

/** Opens a photo as one step of the history, so that Back closes it. */
function openLightbox(index) {
  history.pushState({ isLightbox: true }, "", hashOf({ photo: index }));
  showInLightbox(index);
}

function closeLightbox() {
  if (history.state?.isLightbox) return history.back();
  history.replaceState(null, "", hashOf() === "#" ? location.pathname + location.search : hashOf());
  hideLightbox();
}

function hideLightbox() {
  if (!lightbox.open) return;
  lightbox.close();
  document.documentElement.classList.remove("has-lightbox");
  track.replaceChildren();
  slides.clear();
  gestures.reset();
  if (shown !== null && placeOf.has(shown)) {
    const box = boxOf(shown);
    if (box.top < scrollY + barHeight() || box.top + box.height > scrollY + innerHeight) scrollToPhoto(shown, "middle");
    cellOf.get(shown)?.firstChild.focus({ preventScroll: true });
  }
  shown = null;
}

lightbox.addEventListener("cancel", (event) => {
  event.preventDefault();
  closeLightbox();
});
lightbox.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const place = placeOf.get(shown), middle = [innerWidth / 2, innerHeight / 2];
  const actions = {
    ArrowLeft: () => stepTo(place - 1),
    ArrowRight: () => stepTo(place + 1),
    Home: () => stepTo(0),
    End: () => stepTo(sequence.length - 1),
    i: () => toggleDetails(),
    "+": () => gestures.zoomTo(gestures.scale * 1.5, ...middle),
    "-": () => gestures.zoomTo(gestures.scale / 1.5, ...middle),
    0: () => gestures.reset(),
  };
  if (!actions[event.key]) return;
  event.preventDefault();
  actions[event.key]();
});
byId("close").addEventListener("click", () => closeLightbox());
byId("details-button").addEventListener("click", () => toggleDetails());
byId("previous").addEventListener("click", () => stepTo(placeOf.get(shown) - 1));
byId("next").addEventListener("click", () => stepTo(placeOf.get(shown) + 1));
new ResizeObserver(() => {
  fitSlides();
  gestures.apply();
}).observe(stage);
