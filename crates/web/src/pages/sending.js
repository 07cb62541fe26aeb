// The panel that shows what is being sent, and the ways in: drops anywhere on the page, and the choosers.

import { countText, element, say, sentence, sizeText, spanText } from "./dom.js";
import { chosenFiles, droppedFiles } from "./files.js";
import { Memory } from "./memory.js";
import { Uploads } from "./upload.js";

const at = (id) => document.getElementById(id);
const panel = at("upload");
/** What stands still by a passing fault is tried again after so many seconds. */
const PATIENCE_SECONDS = 20;

/** Lets photos in; `onPhoto(id)` is told of each that is safe. */
export async function letIn(gallery, onPhoto) {
  const uploads = new Uploads(gallery, await Memory.open(gallery), { onChange: changed, onPhoto });
  let frame = 0, timer = 0, standing = 0, wasActive = false, lock = null;

  function changed() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw(uploads);
    });
    if (uploads.stopped) announce(uploads.stopped);
    if (uploads.isActive === wasActive) return;
    wasActive = uploads.isActive;
    clearInterval(timer);
    if (wasActive) begin();
    else end();
  }

  function begin() {
    announce("Sending photos.");
    timer = setInterval(() => {
      uploads.sample(performance.now());
      standing = uploads.stopped && uploads.goesOnByItself ? standing + 1 : 0;
      if (standing > PATIENCE_SECONDS) uploads.resume();
      draw(uploads);
    }, 1000);
    // A screen that goes dark may stop the upload with it.
    navigator.wakeLock?.request("screen").then((held) => (lock = held), () => {});
  }

  function end() {
    lock?.release();
    lock = null;
    if (uploads.sent.files) announce(`${countText(uploads.sent.files, "file")} sent${uploads.faultCount ? `, ${uploads.faultCount} not accepted` : ""}.`);
  }

  addEventListener("beforeunload", (event) => uploads.isActive && event.preventDefault());
  addEventListener("online", () => uploads.stopped && uploads.resume());
  at("upload-pause").addEventListener("click", () => (uploads.isPaused || uploads.stopped ? uploads.resume() : uploads.pause()));
  at("upload-stop").addEventListener("click", () => (uploads.isActive ? uploads.stop() : (panel.hidden = true)));
  for (const input of document.querySelectorAll("input[data-adds]")) {
    input.addEventListener("change", () => {
      const files = chosenFiles(input);
      input.closest("dialog")?.close();
      uploads.add(files).then(() => (input.value = ""));
    });
  }
  acceptDrops((files) => uploads.add(files));
}

/** Says something to those who do not see the panel: beginning, standstill and end, and nothing between. */
const announce = (text) => say(at("upload-said"), text);

function acceptDrops(take) {
  let depth = 0;
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const show = (isOver) => document.documentElement.classList.toggle("dropping", isOver);
  addEventListener("dragenter", (event) => carriesFiles(event) && show(++depth > 0));
  addEventListener("dragleave", (event) => carriesFiles(event) && show(--depth > 0));
  addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    show((depth = 0) > 0);
    document.querySelector("dialog[open]")?.close();
    take(droppedFiles(event.dataTransfer));
  });
}

function draw(uploads) {
  const { total, sent, isActive, isPaused, stopped, isWalking, faultCount } = uploads;
  document.documentElement.classList.toggle("sending", isActive);
  panel.hidden = !isActive && !sent.files && !faultCount && !uploads.known;
  panel.classList.toggle("is-over", !isActive);
  say(at("upload-title"), titleOf(uploads));
  say(at("upload-facts"), factsOf(uploads));
  say(at("upload-pause"), isPaused || stopped ? "Go on" : "Pause");
  at("upload-pause").hidden = !isActive;
  say(at("upload-stop"), isActive ? "Stop" : "Close");
  const bar = at("upload-bar");
  bar.hidden = !isActive;
  // While folders are still being read nobody knows the whole.
  if (isWalking && !sent.files) bar.removeAttribute("value");
  else bar.value = total.bytes ? uploads.bytesSent / total.bytes : 1;
  drawFaults(uploads);
}

function titleOf({ total, sent, isActive, isPaused, stopped, isWalking, known }) {
  if (stopped) return stopped;
  if (isPaused) return "Paused";
  if (isWalking) return `Looking through the folder: ${countText(total.files, "file")} so far`;
  if (isActive) return `${sent.files.toLocaleString("en-GB")} of ${countText(total.files, "file")} sent`;
  if (!sent.files && known) return "Everything in this folder is here already";
  return `${countText(sent.files, "file")} sent`;
}

function factsOf(uploads) {
  const { total, isActive, isPaused, stopped, known, beside } = uploads;
  const { speed, secondsLeft } = uploads;
  const facts = [isActive ? `${sizeText(uploads.bytesSent)} of ${sizeText(total.bytes)}` : total.bytes && sizeText(total.bytes)];
  if (isActive && !isPaused && !stopped) facts.push(speed === null ? null : `${sizeText(speed)} a second`, secondsLeft === null ? null : `${spanText(roughly(secondsLeft))} left`);
  if (known) facts.push(`${known.toLocaleString("en-GB")} here already`);
  if (beside) facts.push(`${countText(beside, "other file")} passed over`);
  return facts.filter(Boolean).join(" · ");
}

/** No more exact than it is known: nobody can tell 61 minutes from 63. */
function roughly(seconds) {
  const step = seconds > 7200 ? 900 : seconds > 1200 ? 300 : seconds > 90 ? 60 : seconds > 20 ? 10 : 1;
  return Math.max(1, Math.ceil(seconds / step) * step);
}

function drawFaults({ faults, faultCount }) {
  const box = at("upload-faults"), list = box.querySelector("ul");
  box.hidden = !faultCount;
  say(box.querySelector("summary"), `${countText(faultCount, "file was", "files were")} not accepted`);
  if (list.children.length > faults.length) list.replaceChildren();
  for (const { path, text } of faults.slice(list.children.length)) {
    list.append(element("li", {}, element("b", {}, element("bdi", {}, path)), " ", element("span", {}, sentence(text))));
  }
}
