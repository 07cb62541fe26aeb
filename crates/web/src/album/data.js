// The album's data and small helpers over it. Times are milliseconds of the venue's wall clock, read as if UTC.
//
// A page on disk has all of it inside. A page of the service fetches it: at first what the layout needs of every photo, and the
// details of some, the rest when somebody comes near.
const source = document.getElementById("album-data");
const { home, from } = source.dataset; // of a page of the service: its path, and that of the album
const album = home ? await fetched(from).catch(sayNothingCame) : JSON.parse(source.textContent);
const photos = album.photos.map((photo) => {
  if (!Array.isArray(photo)) return photo;
  const [id, width, height, taken, best] = photo;
  return { id, width, height, taken: taken ?? undefined, best: best === 1 };
});
const indexOfId = new Map(photos.map((photo, index) => [photo.id, index]));
const momentOf = new Uint16Array(photos.length);
album.moments.forEach((moment, at) => moment.photos.forEach((index) => (momentOf[index] = at)));
const guestsOf = new Map();
album.guests.forEach((guest, at) => {
  for (const index of guest.photos) guestsOf.set(index, [...(guestsOf.get(index) ?? []), at]);
});
learn(album.details ?? album);

async function fetched(address, options) {
  const answer = await fetch(address, options);
  if (!answer.ok) throw Object.assign(new Error(`${address} answered ${answer.status}`), { status: answer.status });
  return answer.json();
}

function sayNothingCame(error) {
  const again = element("button", { type: "button", className: "text-button" }, "Try again");
  again.addEventListener("click", () => location.reload());
  document.getElementById("gallery").replaceChildren(element("p", { className: "empty" }, "The photos could not be loaded. ", again));
  throw error;
}

/** Takes in what is known of some photos. */
function learn({ texts, kinds, photos: known }) {
  for (const { id, ...details } of known) Object.assign(photos[indexOfId.get(id)] ?? {}, details, { texts, kinds });
}

const PAGE = 100; // photos that are asked for together
const RETRY_MS = 3_000;
const asked = new Map(); // the first of such photos → the promise of their details

/** Fetches what is not known of the photos around one, and shows it. */
function bring(index) {
  const first = index - (index % PAGE);
  if (!asked.has(first)) {
    const details = fetched(`${home}/photos?from=${photos[first].id}&count=${PAGE}`, { cache: "no-cache" });
    asked.set(first, details.then((known) => (learn(known), showKnown())));
    asked.get(first).catch(({ status }) => {
      // The link has ended, or wants its password again: the page says so.
      if (status === 403 || status === 410) location.reload();
      else setTimeout(() => (asked.delete(first), showKnown()), RETRY_MS);
    });
  }
  return asked.get(first);
}

/** Asks again, once, for the addresses of a photo whose file did not come: they end after a day. False if that is no use. */
function renew(index) {
  const photo = photos[index];
  if (!home || photo.isRenewed) return false;
  asked.delete(index - (index % PAGE));
  photo.files = undefined;
  return (photo.isRenewed = true);
}

/** The longest edge that a page shows unless somebody zooms in. */
const SCREEN_EDGE = 2600;
const MEDIA_TYPES = { avif: "image/avif", webp: "image/webp", jpeg: "image/jpeg" };
const FORMAT_NAMES = { avif: "AVIF", webp: "WebP", jpeg: "JPEG", heif: "HEIF", png: "PNG", tiff: "TIFF", raw: "RAW" };

const urlOf = (path) => path.split("/").map(encodeURIComponent).join("/");
const fileNameOf = (path) => path.slice(path.lastIndexOf("/") + 1);

function stemOf(path) {
  const name = fileNameOf(path);
  const dot = name.lastIndexOf(".");
  return dot < 0 ? name : name.slice(0, dot);
}

/** The outputs of a photo: {variant, format, width, height, bytes, url, name, whole}. `whole` ones are not cropped. */
function filesOf(photo) {
  const stem = photo.stem ?? stemOf(photo.name);
  const files = [];
  for (let at = 0; at < photo.files.length; at += 4) {
    const [kind, width, height, bytes] = photo.files.slice(at, at + 4);
    const { variant, format, before, after } = photo.kinds[kind];
    const path = before === undefined ? photo.name : after === "\0" ? before : before + stem + after;
    const url = photo.urls?.[at / 4] ?? urlOf(path);
    const whole = Math.abs(width * photo.height - height * photo.width) <= Math.max(photo.width, photo.height);
    files.push({ variant, format, width, height, bytes, url, name: fileNameOf(path), whole });
  }
  return files;
}

/** Whole outputs for a screen, by width; those of the variant with the nearest shape if a photo has none. */
function screenFilesOf(photo) {
  const files = filesOf(photo).sort((a, b) => a.width - b.width);
  const fitting = files.filter((file) => file.whole && Math.max(file.width, file.height) <= SCREEN_EDGE);
  if (fitting.length || !files.length) return fitting;
  const distance = (file) => Math.abs(Math.log((file.width * photo.height) / (file.height * photo.width)));
  const nearest = files.reduce((best, file) => (distance(file) < distance(best) ? file : best));
  return files.filter((file) => file.variant === nearest.variant);
}

/** The largest whole output that every browser reads. */
function largestOf(photo) {
  const files = filesOf(photo).filter((file) => file.whole);
  const jpegs = files.filter((file) => file.format === "jpeg");
  return (jpegs.length ? jpegs : files).reduce((best, file) => (!best || file.width > best.width ? file : best), null);
}

/** How a photo is downloaded: {href, download}; null if it is not. */
function downloadOf(photo) {
  if (home) return source.dataset.downloads ? { href: `${home}/photos/${photo.id}`, download: "" } : null;
  const largest = largestOf(photo);
  return largest && { href: largest.url, download: largest.name };
}

/** A new element with properties, or attributes where the name has a dash or is "role". */
function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role") made.setAttribute(key, value);
    else made[key] = value;
  }
  made.append(...children);
  return made;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  svg.append(document.createElementNS("http://www.w3.org/2000/svg", "use"));
  svg.firstChild.setAttribute("href", `#icon-${name}`);
  return svg;
}

/** A picture of a photo with every format that it has, as wide as `sizes` says. */
function pictureOf(photo, sizes, alt) {
  const files = screenFilesOf(photo);
  const picture = element("picture");
  const image = element("img", { alt, decoding: "async", draggable: false, sizes });
  image.width = photo.width;
  image.height = photo.height;
  for (const format of ["avif", "webp", "jpeg"]) {
    const srcset = files.filter((file) => file.format === format).map((file) => `${file.url} ${file.width}w`).join(", ");
    if (srcset && format === "jpeg") image.srcset = srcset;
    else if (srcset) picture.append(element("source", { type: MEDIA_TYPES[format], srcset, sizes }));
  }
  picture.append(image);
  return picture;
}

const two = (number) => String(number).padStart(2, "0");
const clockTime = (time) => `${two(new Date(time).getUTCHours())}:${two(new Date(time).getUTCMinutes())}`;
const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const shortDayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const dayOf = (time) => Math.floor(time / 86_400_000);

/** "15:02 – 15:40", with the days where there are two. */
function spanText(starts, ends) {
  if (starts === undefined || ends === undefined) return "";
  if (dayOf(starts) !== dayOf(ends)) return `${shortDayFormat.format(starts)} – ${shortDayFormat.format(ends)}`;
  const [from, to] = [clockTime(starts), clockTime(ends)];
  return from === to ? from : `${from} – ${to}`;
}

const countText = (number, one) => `${number.toLocaleString("en-GB")} ${one}${number === 1 ? "" : "s"}`;

function bytesText(bytes) {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** What a photo shows, for somebody who does not see it. */
function altText(index) {
  const photo = photos[index];
  const names = (guestsOf.get(index) ?? []).slice(0, 6).map((at) => album.guests[at].name);
  const parts = [album.moments[momentOf[index]].title, photo.taken === undefined ? fileNameOf(photo.name ?? "photo") : clockTime(photo.taken)];
  if (names.length) parts.push(`with ${names.join(", ")}`);
  return parts.join(", ");
}
