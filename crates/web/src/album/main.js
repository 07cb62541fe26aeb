// Start, the address, and printing.

/** Makes the page show what the address says. */
function followAddress() {
  const wanted = readHash(location.hash);
  const isHidden = wanted.photo !== null && !isShownBy(wanted.filter, wanted.photo);
  const next = isHidden ? NO_FILTER : wanted.filter;
  if (JSON.stringify(next) !== JSON.stringify(filter) || !sections.length) {
    filter = next;
    applyFilter();
  }
  if (wanted.photo === null) hideLightbox();
  else showInLightbox(wanted.photo);
}

function isShownBy({ guests, moment, flags }, index) {
  const onPhoto = guestsOf.get(index) ?? [];
  return (moment === null || momentOf[index] === moment) && flags.every((flag) => FLAGS[flag].holds(index)) && guests.every((at) => onPhoto.includes(at));
}

/** Draws what became known of the photos in view. */
function showKnown() {
  fillCells();
  if (!lightbox.open) return;
  slides.forEach(fillSlide);
  describePhoto(shown, placeOf.get(shown));
}

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
  const link = event.target.closest("a.tile, a.only, a.clear");
  if (!link) return;
  event.preventDefault();
  if (link.matches(".tile")) openLightbox(Number(link.dataset.index));
  else setFilter(readHash(link.hash).filter);
});

// Where one was survives a reload, which the browser cannot do for a page that is drawn as it is scrolled.
history.scrollRestoration = "manual";
let saveTimer = 0;
addEventListener("scroll", () => {
  clearTimeout(saveTimer);
  saveTimer = setTimeout(() => {
    if (!lightbox.open) history.replaceState({ ...history.state, scroll: scrollY }, "");
  }, 250);
}, { passive: true });
addEventListener("popstate", followAddress);

let timelineWidth = 0;
new ResizeObserver(() => {
  if (timeline.clientWidth === timelineWidth || timeline.hidden) return;
  timelineWidth = timeline.clientWidth;
  drawTimeline();
  showPosition();
}).observe(bar);

// On paper there is no scrolling: the first photos are all put into the document, and the style lets them flow.
const MOST_PRINTED = 600;
addEventListener("beforeprint", () => {
  const last = boxOf(sequence[Math.min(sequence.length, MOST_PRINTED) - 1] ?? 0);
  scrollTo({ top: 0, behavior: "instant" });
  render(last ? last.top + last.height : 0);
  cellOf.forEach((cell) => cell.querySelector("img")?.setAttribute("loading", "eager"));
});
addEventListener("afterprint", () => render());

followAddress();
const place = history.state?.scroll;
if (place && !lightbox.open) scrollTo({ top: place, behavior: "instant" });
else if (shown !== null) scrollToPhoto(shown, "middle");
document.documentElement.classList.add("ready");
