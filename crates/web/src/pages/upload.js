// Sends files by tus (tus.io), a few at a time. Knows nothing of the page: it tells `onChange` that something changed, and what
// is to be shown is in its fields; `onPhoto(id)` is told of each photo that is safe.

import "./tus.min.js";
import { mayBePhoto } from "./files.js";

/** More at once would not be faster, and browsers keep only six connections to a place. */
const AT_ONCE = 4;
/** Up to this size the bytes go with the request that begins the upload: one round trip for a photo, and little lost if it fails. */
const SMALL = 16e6;
/** Milliseconds before each further try; after the last everything stands still until it is told to go on. */
const RETRIES = [0, 1000, 2000, 4000, 8000, 15000, 30000];
/** The speed is that of the last so many seconds. */
const WINDOW_SECONDS = 15;
const MOST_FAULTS = 500;

export class Uploads {
  total = { files: 0, bytes: 0 };
  sent = { files: 0, bytes: 0 };
  /** Known from an earlier visit: in the gallery already. */
  known = 0;
  /** Passed over: not photos by their names. */
  beside = 0;
  /** What did not work, as {path, text}. */
  faults = [];
  faultCount = 0;
  /** Why it stands still, as a sentence; null while it does not. */
  stopped = null;
  /** True if that may pass by itself. */
  goesOnByItself = false;
  isPaused = false;
  isWalking = false;
  #waiting = [];
  #first = 0;
  /** By fingerprint. */
  #active = new Map();
  /** Fingerprints of all that was taken. */
  #taken = new Set();
  #samples = [];
  #gallery;
  #memory;
  #onChange;
  #onPhoto;

  constructor(gallery, memory, { onChange, onPhoto }) {
    this.#gallery = gallery;
    this.#memory = memory;
    this.#onChange = onChange;
    this.#onPhoto = onPhoto;
  }

  get isActive() {
    return this.isWalking || this.#active.size > 0 || this.#first < this.#waiting.length;
  }

  /** Bytes that the service has, or that are on their way to it. */
  get bytesSent() {
    let bytes = this.sent.bytes;
    for (const upload of this.#active.values()) bytes += upload.bytes;
    return bytes;
  }

  /** Bytes a second, or null until there is enough to say. */
  get speed() {
    const [from, to] = [this.#samples[0], this.#samples.at(-1)];
    return from && to.at - from.at > 2500 ? Math.max(0, ((to.bytes - from.bytes) * 1000) / (to.at - from.at)) : null;
  }

  /** Seconds that are left at this speed, or null. */
  get secondsLeft() {
    const speed = this.speed;
    return speed && !this.isWalking && !this.isPaused && !this.stopped ? (this.total.bytes - this.bytesSent) / speed : null;
  }

  /** Adds files, of an array or as they are found, and begins. */
  async add(found) {
    if (!this.isActive) this.#reset();
    this.isWalking = true;
    try {
      for await (const { path, file } of found) this.#take(path, file);
    } catch (error) {
      this.#fault("the folder", `could not be read to its end: ${error.message}`);
    }
    this.isWalking = false;
    this.#fill();
    this.#onChange();
  }

  pause() {
    this.isPaused = true;
    for (const { upload } of this.#active.values()) upload.abort();
    this.#samples = [];
    this.#onChange();
  }

  resume() {
    this.isPaused = false;
    this.stopped = null;
    for (const { upload } of this.#active.values()) upload.start();
    this.#fill();
    this.#onChange();
  }

  /** Gives up what has not been sent. What was begun is kept by the service for a while and goes on if it is added again. */
  stop() {
    for (const { upload } of this.#active.values()) upload.abort();
    this.#active.clear();
    this.#waiting = [];
    this.#first = 0;
    this.isPaused = false;
    this.stopped = null;
    this.#onChange();
  }

  /** To be called every second while it is active. */
  sample(now) {
    if (this.isPaused || this.stopped) return;
    this.#samples.push({ at: now, bytes: this.bytesSent });
    while (this.#samples.length > 2 && now - this.#samples[0].at > WINDOW_SECONDS * 1000) this.#samples.shift();
  }

  #reset() {
    this.stop();
    this.total = { files: 0, bytes: 0 };
    this.sent = { files: 0, bytes: 0 };
    this.faults = [];
    this.#taken.clear();
    this.known = this.beside = this.faultCount = 0;
    this.#samples = [];
  }

  #take(path, file) {
    if (!mayBePhoto(path)) return void this.beside++;
    const print = printOf(path, file);
    if (this.#taken.has(print)) return;
    if (this.#memory.has(print)) return void this.known++;
    this.#taken.add(print);
    this.total.files++;
    this.total.bytes += file.size;
    this.#waiting.push({ path, file, print });
    if (this.#active.size < AT_ONCE) this.#fill();
    if (this.total.files % 100 === 1) this.#onChange();
  }

  #fill() {
    while (!this.isPaused && !this.stopped && this.#active.size < AT_ONCE && this.#first < this.#waiting.length) {
      const next = this.#waiting[this.#first];
      // What was sent is let go, file and all.
      this.#waiting[this.#first++] = undefined;
      this.#send(next);
    }
  }

  #send(item) {
    const { path, file, print } = item;
    const upload = new window.tus.Upload(file, {
      endpoint: new URL("/files", location).href,
      metadata: { gallery: this.#gallery, filename: path },
      uploadDataDuringCreation: file.size <= SMALL,
      retryDelays: RETRIES,
      removeFingerprintOnSuccess: true,
      fingerprint: async () => `procession:${this.#gallery}:${print}`,
      onShouldRetry: (error) => isPassing(statusOf(error)),
      onProgress: (bytes) => {
        item.bytes = bytes;
        this.#onChange();
      },
      onSuccess: ({ lastResponse }) => this.#done(item, lastResponse.getHeader("Procession-Photo")),
      onError: (error) => this.#failed(item, error),
    });
    this.#active.set(print, Object.assign(item, { upload, bytes: 0 }));
    // An upload that an earlier visit began goes on where it stopped.
    const start = ([previous]) => {
      if (previous) upload.resumeFromPreviousUpload(previous);
      if (this.#active.get(print) === item && !this.isPaused) upload.start();
    };
    upload.findPreviousUploads().then(start, () => start([]));
  }

  #done({ file, print }, photo) {
    this.#active.delete(print);
    this.sent.files++;
    this.sent.bytes += file.size;
    this.#memory.add(print);
    if (photo) this.#onPhoto(photo);
    this.#fill();
    this.#onChange();
  }

  #failed({ path, file, print }, error) {
    this.#active.delete(print);
    const status = statusOf(error);
    if (isOfTheFile(status)) {
      this.total.files--;
      this.total.bytes -= file.size;
      this.#taken.delete(print);
      this.#fault(path, detailOf(error) ?? "was not accepted");
    } else {
      this.#waiting.push({ path, file, print });
      this.stopped ??= reasonOf(status, detailOf(error));
      this.goesOnByItself = isPassing(status);
    }
    this.#fill();
    this.#onChange();
  }

  #fault(path, text) {
    this.faultCount++;
    if (this.faults.length < MOST_FAULTS) this.faults.push({ path, text });
  }
}

/** What tells one file of a folder from another and from a changed one, without reading it. */
export const printOf = (path, { size, lastModified }) => `${path}|${size}|${lastModified}`;

function detailOf(error) {
  try {
    return JSON.parse(error.originalResponse?.getBody() ?? "").detail ?? null;
  } catch {
    return null;
  }
}

const statusOf = (error) => error.originalResponse?.getStatus() ?? 0;

/** True for what may be over when it is tried again. */
const isPassing = (status) => status === 0 || status >= 500 || [408, 409, 423, 429].includes(status);

/** True if the others can go on. */
const isOfTheFile = (status) => status >= 400 && status < 500 && ![401, 403, 404].includes(status) && !isPassing(status);

function reasonOf(status, detail) {
  if (status === 401) return "You are logged out. Log in again in another tab, then go on.";
  if (status === 403) return "This key may not add photos.";
  if (status === 404) return "This gallery is no longer there.";
  if (status === 507) return "The service has no room left. Make room, then go on.";
  if (status === 0) return "The service cannot be reached. It goes on by itself when the connection is back.";
  return `The service cannot take photos now${detail ? `: ${detail}` : ""}.`;
}
