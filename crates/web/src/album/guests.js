// What is shown: all photos, or those with certain guests, of one moment, or the best ones. Kept in the address.

const guestList = document.getElementById("guests");
const filterLine = document.getElementById("filter");
const FACE_ROOM = 1.7; // a portrait shows this many times the face's box
const FACE_PIXELS = home ? 40 : 72; // a face is drawn from a file on which it is so wide; over a network, a smaller one will do

/** Filters that a button turns on: {button, holds(index), words, none}. Only those whose button the page has. */
const FLAGS = {};
const bestButton = document.getElementById("best");
if (bestButton) FLAGS.best = { button: bestButton, holds: (index) => photos[index].best, words: "sharp, eyes open" };

const NO_FILTER = { guests: [], moment: null, flags: [] };
let filter = NO_FILTER;

/** The address of the present view with some of it replaced: {guests, moment, flags, photo}. */
function hashOf(change = {}) {
  const { guests, moment, flags, photo } = { ...filter, photo: null, ...change };
  const parts = [];
  if (guests.length) parts.push(`guest=${guests.join("+")}`);
  if (moment !== null) parts.push(`moment=${moment}`);
  parts.push(...flags);
  if (photo !== null) parts.push(`photo=${photos[photo].id}`);
  return `#${parts.join("&")}`;
}

/** Reads an address; what does not exist in this gallery is left out. */
function readHash(hash) {
  const values = new Map(hash.replace(/^#/, "").split("&").map((part) => part.split("=")));
  const numbers = (text, limit) => (text ?? "").split("+").filter(Boolean).map(Number).filter((number) => Number.isInteger(number) && number >= 0 && number < limit);
  return {
    filter: {
      guests: [...new Set(numbers(values.get("guest"), album.guests.length))],
      moment: numbers(values.get("moment"), album.moments.length)[0] ?? null,
      flags: Object.keys(FLAGS).filter((flag) => values.has(flag)),
    },
    photo: indexOfId.get(values.get("photo")) ?? null,
  };
}

const isFiltered = () => filter.guests.length > 0 || filter.moment !== null || filter.flags.length > 0;

/** Shows what `filter` says. */
function applyFilter() {
  const { guests, moment, flags } = filter;
  showPhotos((index) => isShownBy(filter, index));
  guestList?.querySelectorAll("button").forEach((button, at) => button.setAttribute("aria-pressed", guests.includes(at)));
  for (const [flag, { button }] of Object.entries(FLAGS)) button.setAttribute("aria-pressed", flags.includes(flag));
  const shown = new Set(sections.map((section) => section.at));
  momentLinks.forEach((link, at) => link.setAttribute("aria-disabled", moment === null && !shown.has(at)));
  describeFilter();
  drawTimeline();
  currentMoment = -1;
  render();
}

function describeFilter() {
  filterLine.hidden = !isFiltered();
  if (filterLine.hidden) return filterLine.replaceChildren();
  const parts = filter.guests.map((at) => album.guests[at].name);
  if (filter.moment !== null) parts.push(album.moments[filter.moment].title);
  parts.push(...filter.flags.map((flag) => FLAGS[flag].words));
  const clear = element("a", { href: "#", className: "clear" }, "Show all");
  filterLine.replaceChildren(element("b", {}, countText(sequence.length, "photo")), ` · ${parts.join(" · ")} `, clear);
  if (!sequence.length) {
    const none = filter.flags.map((flag) => FLAGS[flag].none).find(Boolean) ?? "No photo is left under this filter.";
    const text = filter.guests.length > 1 ? "No photo shows these guests together." : none;
    grid.replaceChildren(element("p", { className: "empty" }, `${text} `, element("a", { href: "#", className: "clear" }, "Show all")));
  }
}

/** Changes the filter as one step of the history, and stays near the photo that was in view. */
function setFilter(next) {
  const anchor = photoAtLine(barHeight() + 12);
  filter = next;
  history.pushState(null, "", hashOf() === "#" ? location.pathname + location.search : hashOf());
  const wasInGrid = scrollY > grid.offsetTop - barHeight() - 1;
  applyFilter();
  if (!wasInGrid) return;
  if (anchor !== null && placeOf.has(anchor)) scrollToPhoto(anchor);
  else scrollTo({ top: grid.offsetTop - barHeight(), behavior: "instant" });
}

/** The smallest output that shows a face with enough pixels, else the largest for a screen. */
function fileForFace(photo, width, pixels) {
  const files = screenFilesOf(photo).filter((file) => file.whole);
  const enough = files.filter((file) => file.width * width >= pixels && file.format !== "avif");
  return enough[0] ?? files.at(-1) ?? null;
}

/** Draws a guest's face into a canvas, and lets go of the photo that it came from. */
function drawFace(canvas, guest) {
  const [index, x, y, width, height] = guest.cover;
  const photo = photos[index];
  if (!photo.files) return void bring(index).then(() => photo.files && drawFace(canvas, guest), () => {});
  const file = fileForFace(photo, width, FACE_PIXELS);
  if (!file) return;
  const image = new Image();
  image.decoding = "async";
  image.fetchPriority = "low";
  image.onload = () => {
    const edge = Math.min(1, (FACE_ROOM * Math.max(width * photo.width, height * photo.height)) / Math.min(photo.width, photo.height));
    const side = edge * Math.min(image.naturalWidth, image.naturalHeight);
    const clamp = (value, most) => Math.min(Math.max(0, value), Math.max(0, most));
    const left = clamp((x + width / 2) * image.naturalWidth - side / 2, image.naturalWidth - side);
    const top = clamp((y + height / 2) * image.naturalHeight - side / 2, image.naturalHeight - side);
    canvas.getContext("2d").drawImage(image, left, top, side, side, 0, 0, canvas.width, canvas.height);
    canvas.classList.add("loaded");
  };
  image.src = file.url;
}

function makeGuests() {
  const observer = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      observer.unobserve(target);
      drawFace(target, album.guests[Number(target.dataset.guest)]);
    }
  }, { rootMargin: "200px" });
  guestList.append(...album.guests.map((guest, at) => {
    const face = element("canvas", { width: 144, height: 144, "aria-hidden": "true" });
    face.dataset.guest = at;
    observer.observe(face);
    const button = element("button", { type: "button", "aria-pressed": "false" }, face, element("bdi", { className: "name" }, guest.name));
    button.append(element("span", { className: "count" }, countText(guest.photos.length, "photo")));
    button.addEventListener("click", () => {
      const others = filter.guests.filter((other) => other !== at);
      setFilter({ ...filter, guests: others.length < filter.guests.length ? others : [...others, at] });
    });
    return element("li", {}, button);
  }));
}

if (guestList) makeGuests();

function toggleFlag(flag) {
  const others = filter.flags.filter((other) => other !== flag);
  setFilter({ ...filter, flags: others.length < filter.flags.length ? others : [...others, flag] });
}

bestButton?.addEventListener("click", () => toggleFlag("best"));
