// What this browser has sent to a gallery, so that the same folder chosen again sends only what is missing. Kept in IndexedDB;
// where that is forbidden, for this visit.

const NAME = "procession", STORE = "sent", VERSION = 1;

export class Memory {
  #prints = new Set();
  #gallery;
  #base = null;

  constructor(gallery) {
    this.#gallery = gallery;
  }

  /** Remembers what was sent on earlier visits. */
  static async open(gallery) {
    const memory = new Memory(gallery);
    try {
      memory.#base = await openBase();
      const keys = await wait(memory.#store("readonly").getAllKeys(IDBKeyRange.bound([gallery], [gallery, []])));
      for (const [, print] of keys) memory.#prints.add(print);
    } catch {
      memory.#base = null;
    }
    return memory;
  }

  has(print) {
    return this.#prints.has(print);
  }

  add(print) {
    this.#prints.add(print);
    this.#store("readwrite")?.put(1, [this.#gallery, print]);
  }

  /** The service has lost or deleted what was sent: it may be sent again. */
  clear() {
    this.#prints.clear();
    this.#store("readwrite")?.delete(IDBKeyRange.bound([this.#gallery], [this.#gallery, []]));
  }

  #store(mode) {
    return this.#base?.transaction(STORE, mode, { durability: "relaxed" }).objectStore(STORE);
  }
}

function openBase() {
  const opening = indexedDB.open(NAME, VERSION);
  opening.onupgradeneeded = () => opening.result.createObjectStore(STORE);
  return wait(opening);
}

const wait = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});
