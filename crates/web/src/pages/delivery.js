// Handing over: the receipt, the archive, and the links for the couple.

import { ask, askAll, countText, element, icon, note, request, sizeText } from "./dom.js";
import { onSubmit } from "./dialog.js";

const at = (id) => document.getElementById(id);
const button = (text, className, run) => {
  const made = element("button", { type: "button", className }, text);
  made.addEventListener("click", run);
  return made;
};

/** *Safe to format*: asks for a receipt and shows it. Gives what is to be told of events. */
export function receiptCard(gallery, mayAsk) {
  const path = `/api/v1/galleries/${gallery}/receipt`;
  const box = at("receipt-state");
  let timer = 0;

  async function read() {
    clearTimeout(timer);
    try {
      const { value, headers } = await request("GET", path);
      const state = headers.get("procession-receipt-state");
      if (state === "reading") return drawReading();
      drawReceipt(value.statement, headers.get("procession-receipt-current") === "true");
    } catch (problem) {
      if (problem.state === "reading") return drawReading();
      drawNone(problem.state === "refused" ? problem.message : problem.code === "no_receipt" ? null : problem.message);
    }
  }

  async function begin() {
    try {
      await ask("POST", path);
      drawReading();
    } catch (problem) {
      drawNone(problem.message);
    }
  }

  function drawReading() {
    if (!box.querySelector("progress")) box.replaceChildren(element("p", { className: "working" }, "Reading every copy back …"), element("progress", { ariaLabel: "Reading back" }));
    // The event says when it is over; this is for a page that missed it.
    timer = setTimeout(read, 3000);
  }

  function drawNone(why) {
    const parts = why ? [element("p", { className: "verdict bad" }, icon("alert"), "Keep the card"), element("p", {}, why)] : [];
    box.replaceChildren(...parts, mayAsk ? element("div", { className: "actions" }, button("Read everything back", "button", begin)) : "");
  }

  function drawReceipt({ originals, stores, issued_at, meaning, refused }, isCurrent) {
    const bytes = originals.reduce((sum, original) => sum + original.bytes, 0);
    const when = new Date(issued_at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
    const [kind, sign, words] = !isCurrent ? ["", "clock", "More photos came since"] : stores.length > 1 ? ["good", "shield", "Safe to format"] : ["", "shield", "Safe, but in one place: keep the card"];
    box.replaceChildren(
      element("p", { className: `verdict ${kind}` }, icon(sign), words),
      element("p", {}, `${countText(originals.length, "original")}, ${sizeText(bytes)}, identical in ${countText(stores.length, "store")} on ${when}.`),
      element("p", { className: "quiet" }, meaning),
      refused.length ? element("p", { className: "quiet" }, `${countText(refused.length, "file was", "files were")} not taken in. They are named on the receipt: keep your copies.`) : "",
      element("div", { className: "actions" }, element("a", { className: "button plain", href: path, download: "receipt.json" }, icon("download"), "Download the receipt"), mayAsk ? button("Read back again", "button bare", begin) : ""),
    );
  }

  return { read };
}

/** The whole gallery as one file. */
export function archiveCard(gallery) {
  const fault = element("p", { className: "fault", role: "alert" });
  const fetchArchive = (files) => async (event) => {
    const pressed = event.currentTarget;
    pressed.disabled = true;
    fault.replaceChildren();
    try {
      const { url } = await ask("POST", `/api/v1/galleries/${gallery}/archives`, { of: { gallery: true }, files });
      location.assign(new URL(url, location).pathname);
    } catch (problem) {
      fault.replaceChildren(problem.message);
    }
    pressed.disabled = false;
  };
  at("archive-state").append(element("div", { className: "actions" }, button("Finished photos", "button plain", fetchArchive("full")), button("Originals", "button plain", fetchArchive("originals"))), fault);
}

const DOWNLOADS = { web: "photos for the screen", originals: "everything, originals too", none: "nothing to download" };

/** The links that let the couple in. */
export function linkList(gallery, mayEdit) {
  const path = `/api/v1/galleries/${gallery}/links`;
  const list = at("link-list");

  async function read() {
    const links = await askAll(path);
    const isOver = ({ revoked_at, expires_at }) => revoked_at || (expires_at && Date.parse(expires_at) <= Date.now());
    links.sort((a, b) => (isOver(a) ? 1 : 0) - (isOver(b) ? 1 : 0) || (a.created_at < b.created_at ? 1 : -1));
    list.replaceChildren(...links.map((link) => line(link, isOver(link))));
  }

  function line(link, isOver) {
    const day = (moment) => new Date(moment).toLocaleDateString("en-GB", { dateStyle: "medium" });
    const end = link.revoked_at ? `ended ${day(link.revoked_at)}` : link.expires_at ? `${isOver ? "ended" : "ends"} ${day(link.expires_at)}` : "no end";
    const facts = [DOWNLOADS[link.downloads], link.has_password ? "with a password" : "no password", end, `made ${day(link.created_at)}`].join(" · ");
    const words = element("div", {}, element("p", { className: isOver ? "undone" : "" }, link.name || "Link without a name"), element("p", { className: "quiet" }, facts));
    return element("li", { className: "row" }, words, mayEdit && !isOver ? button("End it", "text-button", () => revoke(link)) : "");
  }

  async function revoke(link) {
    try {
      await ask("DELETE", `${path}/${link.id}`);
      note("The link opens nothing any more.");
    } catch (problem) {
      note(problem.message);
    }
    await read();
  }

  if (mayEdit) newLink(path, read);
  return { read };
}

function newLink(path, onMade) {
  const dialog = at("new-link"), form = at("new-link-form"), made = at("made-link");
  onSubmit(form, async (data) => {
    const link = { downloads: data.get("downloads") };
    if (data.get("name").trim()) link.name = data.get("name").trim();
    if (data.get("password")) link.password = data.get("password");
    // To the end of the day, where the studio is.
    if (data.get("expires_on")) link.expires_at = new Date(`${data.get("expires_on")}T23:59:59`).toISOString();
    const { url } = await ask("POST", path, link);
    at("made-link-url").value = new URL(url, location).href;
    form.hidden = true;
    made.hidden = false;
    made.querySelector("[data-copies]").focus();
    await onMade();
  });
  dialog.addEventListener("close", () => {
    form.reset();
    form.hidden = false;
    made.hidden = true;
    at("made-link-url").value = "";
  });
}
