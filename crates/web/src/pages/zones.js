// Time zones: the browser knows their names, and where it is itself is the likeliest venue.

import { element } from "./dom.js";

const input = document.getElementById("zone");

document.getElementById("zones")?.append(...Intl.supportedValuesOf("timeZone").map((value) => element("option", { value })));
if (input && !input.value) input.value = Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC";

/** What a form with date and zone says of the wedding; null without a date. */
export function weddingOf(data) {
  const date = data.get("date");
  return date ? { date, time_zone: data.get("time_zone").trim() } : null;
}
