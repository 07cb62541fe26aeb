// What the pages' scripts share: elements, words for numbers, and requests.

/** Makes an element. Properties are set where the element has them, else they become attributes. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "dataset") Object.assign(made.dataset, value);
    else if (key in made && key !== "list" && key !== "form") made[key] = value;
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** An element of a drawing. */
export function shape(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An icon of the page's sprite, for the eye alone. */
export const icon = (name) => shape("svg", { class: "icon", "aria-hidden": "true" }, shape("use", { href: `#icon-${name}` }));

/** Sets a text only where it differs, so that nothing is announced or drawn anew for nothing. */
export function say(target, text) {
  if (target && target.textContent !== text) target.textContent = text;
}

/** "1 photo", "12,345 photos". */
export const countText = (number, one, many = `${one}s`) => `${number.toLocaleString("en-GB")} ${number === 1 ? one : many}`;

/** "8.0 MB", in powers of ten as cameras and shops count. */
export function sizeText(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  let at = 0, value = bytes;
  for (; value >= 999.5 && at < units.length - 1; at++) value /= 1000;
  return `${at === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${units[at]}`;
}

/** The largest two units: "23 h 12 min", "4 min", "12 s". */
export function spanText(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  const parts = days ? [`${days} d`, hours && `${hours} h`] : hours ? [`${hours} h`, minutes && `${minutes} min`] : minutes ? [`${minutes} min`] : [`${whole} s`];
  return parts.filter(Boolean).join(" ");
}

/** What the service answered instead of what was asked for. */
export class Problem extends Error {
  constructor(status, { code = "failed", detail = `the service answered ${status}`, state = null } = {}) {
    super(sentence(detail));
    Object.assign(this, { status, code, state });
  }
}

/** A detail as a sentence. */
export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, "")}.`;

/** Asks the API. Gives {value, headers}: the parsed answer, null where there is none. Throws a Problem. */
export async function request(method, path, body) {
  const options = { method, headers: { accept: "application/json" } };
  if (body !== undefined) Object.assign(options, { body: JSON.stringify(body), headers: { ...options.headers, "content-type": "application/json" } });
  const answer = await fetch(path, options).catch(() => {
    throw new Problem(0, { code: "unreachable", detail: "the service does not answer; check the connection and try again" });
  });
  const isJson = /json/.test(answer.headers.get("content-type") ?? "");
  const value = isJson ? await answer.json() : null;
  if (answer.ok) return { value, headers: answer.headers };
  if (answer.status === 401) location.assign(`/enter?next=${location.pathname}`);
  throw new Problem(answer.status, value ?? {});
}

/** The parsed answer alone. */
export const ask = async (method, path, body) => (await request(method, path, body)).value;

/** All items of a list that comes in pages. */
export async function askAll(path) {
  const items = [];
  for (let after = null; ; ) {
    const page = await ask("GET", `${path}${path.includes("?") ? "&" : "?"}limit=1000${after ? `&after=${encodeURIComponent(after)}` : ""}`);
    items.push(...page.items);
    after = page.next;
    if (!after) return items;
  }
}

/** Tells something in passing, with one thing to do about it if `action` is {label, run}. */
export function note(text, action) {
  let notes = document.getElementById("notes");
  if (!notes) document.body.append(notes = element("div", { id: "notes", role: "status" }));
  const line = element("div", {}, element("span", {}, text));
  if (action) {
    const button = element("button", { type: "button" }, action.label);
    button.addEventListener("click", () => (line.remove(), action.run()));
    line.append(button);
  }
  notes.replaceChildren(line);
  const stay = () => setTimeout(() => line.matches(":hover, :focus-within") ? stay() : line.remove(), action ? 10000 : 5000);
  stay();
}
