// The bar over the grid: the moments, and the day as a histogram in which one can jump.

const bar = document.getElementById("bar");
const timeline = document.getElementById("timeline");
const momentLinks = [...document.querySelectorAll("#moments a")];

const BIN_WIDTHS = [1, 2, 5, 10, 15, 30, 60, 120, 360, 1440].map((minutes) => minutes * 60_000);
const LONG_GAP = 2 * 3_600_000; // an emptier stretch than this is folded to one bin
const BREAK_BINS = 2; // what a folded stretch takes

let bins = []; // {time, first, photos} or {time: null} for a folded stretch
let currentBin = -1, currentMoment = -1;

/** Stretches of the day without gaps over `longest`: {from, to}. */
function stretchesOf(times, longest) {
  const stretches = [];
  for (const time of times) {
    const last = stretches.at(-1);
    if (last && time - last.to <= longest) last.to = time;
    else stretches.push({ from: time, to: time });
  }
  return stretches;
}

/** As many bins as fit, over the stretches, each of the same width in time. */
function makeBins(times, most) {
  // Two stretches never share a bin.
  const stretchesFor = (width) => stretchesOf(times, Math.max(LONG_GAP, 2 * width));
  const binsOver = (width, { from, to }) => Math.floor(to / width) - Math.floor(from / width) + 1;
  const needed = (width) => stretchesFor(width).reduce((sum, stretch) => sum + binsOver(width, stretch) + BREAK_BINS, 0);
  const width = BIN_WIDTHS.find((candidate) => needed(candidate) <= most) ?? BIN_WIDTHS.at(-1);
  const made = [];
  for (const stretch of stretchesFor(width)) {
    if (made.length) for (let at = 0; at < BREAK_BINS; at++) made.push({ time: null });
    const start = Math.floor(stretch.from / width) * width;
    for (let at = 0; at < binsOver(width, stretch); at++) made.push({ time: start + at * width, count: 0, first: null });
  }
  return { made: made.slice(0, most), width };
}

/** Draws the histogram of the shown photos. */
function drawTimeline() {
  const timed = sequence.filter((index) => photos[index].taken !== undefined);
  timeline.hidden = timed.length < 2;
  if (timeline.hidden) return;
  const times = timed.map((index) => photos[index].taken).sort((a, b) => a - b);
  const { made, width } = makeBins(times, Math.max(24, Math.floor(timeline.clientWidth / 6)));
  bins = made;
  const binOf = new Map(bins.filter((bin) => bin.time !== null).map((bin) => [bin.time, bin]));
  for (const index of timed) {
    const bin = binOf.get(Math.floor(photos[index].taken / width) * width);
    if (!bin) continue;
    bin.count++;
    bin.first ??= index;
  }
  const tallest = Math.max(...bins.map((bin) => bin.count ?? 0));
  const columns = bins.map((bin) => {
    if (bin.time === null) return element("i", { className: "fold" });
    const column = element("i");
    // Square root: a burst must not flatten the rest of the day.
    if (bin.count) column.append(element("b")), (column.firstChild.style.height = `${Math.max(8, 100 * Math.sqrt(bin.count / tallest))}%`);
    return column;
  });
  timeline.replaceChildren(element("div", { className: "columns" }, ...columns), drawLabels(width));
  timeline.setAttribute("aria-valuemax", bins.length - 1);
  currentBin = -1;
}

/** Hours under the columns, where there is room for them. */
function drawLabels(width) {
  const labels = element("div", { className: "labels", "aria-hidden": "true" });
  const room = timeline.clientWidth / bins.length;
  const hour = 3_600_000;
  const step = [1, 2, 3, 6, 12, 24].map((hours) => hours * hour).find((span) => span >= width && (span / width) * room >= 56) ?? 24 * hour;
  let free = 0, day = null;
  bins.forEach((bin, at) => {
    if (bin.time === null) return;
    const isStart = at === 0 || bins[at - 1].time === null;
    if (at < free || !(isStart || bin.time % step === 0) || at * room > timeline.clientWidth - 34) return;
    const isNewDay = stretchDays() > 1 && day !== dayOf(bin.time);
    day = dayOf(bin.time);
    const label = element("span", {}, isNewDay ? shortDayFormat.format(bin.time) : clockTime(bin.time));
    label.style.left = `${(100 * at) / bins.length}%`;
    labels.append(label);
    free = at + Math.ceil(48 / room);
  });
  return labels;
}

function stretchDays() {
  const days = new Set(bins.filter((bin) => bin.time !== null).map((bin) => dayOf(bin.time)));
  return days.size;
}

/** Marks in bar and histogram what is in view. */
function showPosition() {
  const index = photoAtLine(barHeight() + innerHeight * 0.25) ?? sequence.at(-1) ?? null;
  showMoment(index === null ? -1 : momentOf[index]);
  const time = index === null ? undefined : photos[index].taken;
  if (timeline.hidden || time === undefined) return;
  let at = bins.findLastIndex((bin) => bin.time !== null && bin.time <= time);
  at = Math.max(0, at);
  if (at === currentBin) return;
  const columns = timeline.firstChild.children;
  columns[currentBin]?.classList.remove("current");
  columns[at].classList.add("current");
  currentBin = at;
  timeline.setAttribute("aria-valuenow", at);
  timeline.setAttribute("aria-valuetext", `${clockTime(bins[at].time)}, ${album.moments[momentOf[index]].title}`);
}

function showMoment(at) {
  if (at === currentMoment) return;
  momentLinks[currentMoment]?.removeAttribute("aria-current");
  currentMoment = at;
  const link = momentLinks[at];
  if (!link) return;
  link.setAttribute("aria-current", "true");
  const strip = link.closest("ol");
  strip.scrollTo({ left: link.offsetLeft - (strip.clientWidth - link.offsetWidth) / 2, behavior: "auto" });
}

/** Goes to the first photo of a bin, or of the next one that has some in direction `step`. */
function jumpToBin(at, step = 1) {
  let bin = Math.min(bins.length - 1, Math.max(0, at));
  while (bins[bin] && !bins[bin].count) bin += step;
  if (bins[bin]) scrollToPhoto(bins[bin].first);
}

function jumpToPointer(event) {
  const { left, width } = timeline.getBoundingClientRect();
  const at = Math.floor(((event.clientX - left) / width) * bins.length);
  const filled = bins.map((bin, index) => (bin.count ? index : -1)).filter((index) => index >= 0);
  jumpToBin(filled.reduce((best, index) => (Math.abs(index - at) < Math.abs(best - at) ? index : best), filled[0]));
}

timeline.addEventListener("pointerdown", (event) => {
  timeline.setPointerCapture(event.pointerId);
  jumpToPointer(event);
});
timeline.addEventListener("pointermove", (event) => {
  if (timeline.hasPointerCapture(event.pointerId)) jumpToPointer(event);
});
timeline.addEventListener("keydown", (event) => {
  const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -6, PageUp: 6 };
  if (event.key in steps) jumpToBin(currentBin + steps[event.key], Math.sign(steps[event.key]));
  else if (event.key === "Home") jumpToBin(0);
  else if (event.key === "End") jumpToBin(bins.length - 1, -1);
  else return;
  event.preventDefault();
});
document.getElementById("moments").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const at = Number(link.dataset.moment);
  // Under a filter by moment, the bar leads to another one.
  if (filter.moment !== null && filter.moment !== at) setFilter({ ...filter, moment: at });
  scrollToMoment(at);
});
