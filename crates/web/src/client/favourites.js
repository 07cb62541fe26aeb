// Favourites: a heart on every photo. The service keeps them under a cookie, without an account; what it has not got yet waits
// in this tab, through reloads and without a network. Of two tabs or devices, the later one takes over what the first one sent.

const STORE = `favourites:${source.dataset.gallery}`;
const SEND_MS = 500, AGAIN_MS = 15_000;

/** {saved: ids that the service had last, waiting: {id: true or false}, name, waitingName, version}. */
let favourites = { saved: [], waiting: {}, name: "", waitingName: null, version: 0 };
let savedIds = new Set(), sendTimer = 0, hasWarned = false;

const heartButton = byId("heart"), nameField = byId("visitor-name");
FLAGS.favourites = {
  button: byId("favourites"),
  holds: (index) => isFavourite(photos[index].id),
  words: "favourites",
  none: "Nothing here yet: tap the heart of a photo to keep it.",
};

const isFavourite = (id) => favourites.waiting[id] ?? savedIds.has(id);
const favouriteIds = () => photos.map(({ id }) => id).filter(isFavourite);
const isSent = () => !Object.keys(favourites.waiting).length && favourites.waitingName === null;

function keep(change) {
  Object.assign(favourites, change);
  savedIds = new Set(favourites.saved);
  try {
    sessionStorage.setItem(STORE, JSON.stringify(favourites));
  } catch {
    // A browser that keeps nothing still has them until the page is left.
  }
  drawFavourites();
}

function recall() {
  try {
    Object.assign(favourites, JSON.parse(sessionStorage.getItem(STORE)));
  } catch {
    // The same.
  }
  savedIds = new Set(favourites.saved);
}

function toggleFavourite(index) {
  const { id } = photos[index];
  keep({ waiting: { ...favourites.waiting, [id]: !isFavourite(id) } });
  soon();
}

function soon(wait = SEND_MS) {
  clearTimeout(sendTimer);
  sendTimer = setTimeout(() => send().catch(() => {}), wait);
}

/** What the service has, under what waits here. */
async function readFavourites() {
  const { version, name, photos: saved } = await fetched(`${home}/favourites`, { cache: "no-store" });
  keep({ version, name: name ?? "", saved });
}

/** Sends what waits; one tab at a time, because a first heart makes the cookie that all of them share. */
async function send(options = {}) {
  if (isSent()) return;
  // A page that is left has no time to wait for the others.
  const alone = navigator.locks && !options.keepalive ? (work) => navigator.locks.request(STORE, work) : (work) => work();
  await alone(async () => {
    for (let attempt = 0; attempt < 4 && !isSent(); attempt++) {
      const { waiting, waitingName, version, name } = favourites;
      const body = JSON.stringify({ version, name: (waitingName ?? name) || null, photos: favouriteIds() });
      const answer = await fetch(`${home}/favourites`, { method: "PUT", headers: { "content-type": "application/json" }, body, ...options }).catch(() => null);
      if (answer?.ok) {
        const saved = await answer.json();
        const left = Object.entries(favourites.waiting).filter(([id, wanted]) => waiting[id] !== wanted);
        keep({ version: saved.version, name: saved.name ?? "", saved: saved.photos, waiting: Object.fromEntries(left), waitingName: favourites.waitingName === waitingName ? null : favourites.waitingName });
        otherTabs.postMessage("saved");
        warn(null);
      } else if (answer?.status === 409) {
        // Another tab or device was first.
        await readFavourites();
      } else {
        warn(answer ? "Your favourites could not be saved yet. They are kept here." : "You are offline. Your favourites are kept here and saved later.");
        const mayHelp = !answer || answer.status === 429 || answer.status === 503;
        return mayHelp ? soon(Number(answer?.headers.get("retry-after")) * 1000 || AGAIN_MS) : undefined;
      }
    }
  });
}

/** Says once that something is wrong, and once that it is right again. */
function warn(text) {
  if (text && !hasWarned) say(text);
  if (!text && hasWarned) say("Your favourites are saved.");
  hasWarned = text !== null;
}

function drawHeart(button, index) {
  button.setAttribute("aria-pressed", isFavourite(photos[index].id));
}

function drawFavourites() {
  const count = favouriteIds().length;
  document.querySelectorAll("[data-favourites]").forEach((place) => (place.textContent = count ? count.toLocaleString("en-GB") : ""));
  cellOf.forEach((cell, index) => drawHeart(cell.querySelector(".heart"), index));
  if (shown !== null) drawHeart(heartButton, shown);
  byId("favourites-count").textContent = count ? `${countText(count, "photo")} so far.` : "None so far: tap the heart of a photo.";
  document.querySelectorAll("[data-needs-favourites]").forEach((needs) => (needs.disabled = !count));
  if (document.activeElement !== nameField) nameField.value = favourites.waitingName ?? favourites.name;
}

onCell.push((cell, index) => {
  const button = element("button", { type: "button", className: "heart", "aria-label": `Favourite: ${altText(index)}` }, icon("heart"));
  drawHeart(button, index);
  button.addEventListener("click", () => toggleFavourite(index));
  cell.append(button);
});
onShown.push((index) => drawHeart(heartButton, index));
heartButton.addEventListener("click", () => toggleFavourite(shown));
lightbox.addEventListener("keydown", (event) => {
  if (event.key === "f" && !event.ctrlKey && !event.metaKey && !event.altKey) toggleFavourite(shown);
});
FLAGS.favourites.button.addEventListener("click", () => toggleFlag("favourites"));
byId("show-favourites").addEventListener("click", () => {
  byId("favourites-sheet").close();
  setFilter({ ...NO_FILTER, flags: ["favourites"] });
  scrollTo({ top: grid.offsetTop - barHeight(), behavior: "instant" });
});
nameField.addEventListener("input", () => {
  keep({ waitingName: nameField.value.trim() });
  soon();
});

const otherTabs = new BroadcastChannel(STORE);
otherTabs.addEventListener("message", () => readFavourites().catch(() => {}));
addEventListener("online", () => soon(0));
addEventListener("pageshow", ({ persisted }) => persisted && readFavourites().catch(() => {}));
addEventListener("pagehide", () => send({ keepalive: true }).catch(() => {}));

recall();
readFavourites().then(() => {
  if (filter.flags.includes("favourites")) applyFilter();
  return send();
}).catch(() => {});
