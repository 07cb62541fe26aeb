// What the studio changed by hand in guests and moments: made, listed, taken back and made again.

import { ask, askAll, countText, element, note } from "./dom.js";

const SHOWN = 5;
const GUESTS = ["name_guest", "merge_guests", "split_guest", "hide_guest"];

const WORDS = {
  name_guest: ({ name }) => (name ? `Named a guest “${name}”` : "Took a guest’s name away"),
  merge_guests: () => "Made two guests one",
  split_guest: ({ faces }) => `Made ${countText(faces.length, "face")} a guest of their own`,
  hide_guest: () => "Hid a guest from the couple’s gallery",
  rename_moment: ({ title }) => `Called a moment “${title}”`,
  move_photos: ({ photos }) => `Moved ${countText(photos.length, "photo")} to another moment`,
  split_moment: () => "Began a new moment",
  merge_moments: () => "Made two moments one",
};

export class Corrections {
  list = [];
  #path;
  #onChange;

  /** `onChange` is called after each change. */
  constructor(gallery, onChange) {
    this.#path = `/api/v1/galleries/${gallery}/corrections`;
    this.#onChange = onChange;
  }

  async read() {
    this.list = await askAll(this.#path);
  }

  /** Makes a change, and offers to take it back. Throws a Problem if it cannot be. */
  async make(change) {
    const { id } = await ask("POST", this.#path, { change });
    await this.#changed();
    note(`${WORDS[change.kind](change)}.`, { label: "Undo", run: () => this.undo(id) });
  }

  undo(id) {
    return this.#set("DELETE", `${this.#path}/${id}`);
  }

  redo(id) {
    return this.#set("POST", `${this.#path}/${id}/redo`);
  }

  /** Takes back what hid the guest with these faces. */
  async show(faces) {
    const own = new Set(faces.map(({ face }) => face));
    const hiding = this.list.filter(({ undone, change }) => !undone && change.kind === "hide_guest" && own.has(change.face));
    for (const { id } of hiding) await ask("DELETE", `${this.#path}/${id}`);
    await this.#changed();
  }

  async #set(method, path) {
    try {
      await ask(method, path);
    } catch (problem) {
      note(problem.message);
    }
    await this.#changed();
  }

  async #changed() {
    await this.read();
    await this.#onChange();
  }

  /** Draws the changes of guests, or of moments, the latest first. */
  draw(box, ofGuests, mayEdit) {
    const mine = this.list.filter(({ change }) => GUESTS.includes(change.kind) === ofGuests).reverse();
    const isOpen = box.querySelector("details")?.open ?? false;
    box.replaceChildren();
    if (!mine.length) return;
    const lines = mine.map((correction) => this.#line(correction, mayEdit));
    box.append(element("h2", {}, "Your changes"), element("ul", { className: "lines" }, ...lines.slice(0, SHOWN)));
    if (lines.length > SHOWN) box.append(element("details", { open: isOpen }, element("summary", {}, `${countText(lines.length - SHOWN, "earlier change")}`), element("ul", { className: "lines" }, ...lines.slice(SHOWN))));
  }

  #line({ id, change, made_at, undone, ignored }, mayEdit) {
    const text = WORDS[change.kind](change);
    const when = new Date(made_at).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
    const button = element("button", { type: "button", className: "text-button", ariaLabel: `${undone ? "Do again" : "Undo"}: ${text}` }, undone ? "Do again" : "Undo");
    button.addEventListener("click", () => (undone ? this.redo(id) : this.undo(id)));
    const words = element("div", {}, element("p", { className: undone ? "undone" : "" }, text), element("p", { className: "quiet" }, ignored ? `No longer changes anything: ${ignored}` : when));
    return element("li", { className: "row" }, words, mayEdit && button);
  }
}
