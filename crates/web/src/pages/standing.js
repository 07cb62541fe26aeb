// How far the gallery is, and whether it will be in time.

import { countText, element, icon, say, spanText } from "./dom.js";

const MARKS = {
  on_time: { kind: "good", sign: "clock", text: "In time" },
  at_risk: { kind: "warn", sign: "alert", text: "Close to the deadline" },
  late: { kind: "bad", sign: "alert", text: "Late" },
  delivered: { kind: "good", sign: "check", text: "Delivered" },
};

const box = document.getElementById("standing");
const title = element("p", { className: "standing-title" });
const mark = element("span", { className: "tag" });
const bar = element("progress", { max: 1, ariaLabel: "Finished" });
const facts = element("p", { className: "standing-facts number" });
const reason = element("p", { className: "quiet standing-reason" });
box.append(element("div", { className: "standing-head" }, title, mark), bar, facts, reason);
box.hidden = true;

/** Shows a status as `/api/v1/galleries/{id}/status` gives it. */
export function showStanding(status) {
  const { progress: { waiting, working, done, quarantined }, delivery, state } = status;
  const all = waiting + working + done + quarantined;
  box.hidden = state === "empty";
  const finished = `${countText(done, "photo")} finished`;
  say(title, state === "done" ? finished : `${done.toLocaleString("en-GB")} of ${countText(all, "photo")} finished`);
  bar.value = all ? (done + quarantined) / all : 0;
  bar.hidden = state === "done";
  const { kind, sign, text } = MARKS[delivery];
  if (mark.dataset.delivery !== delivery) {
    mark.className = `tag ${kind}`;
    mark.dataset.delivery = delivery;
    mark.replaceChildren(icon(sign), text);
  }
  say(facts, factsOf(status));
  // The reason begins with what the title says already.
  const why = status.reason.startsWith(finished) ? status.reason.slice(finished.length).replace(/^[;,] /, "") : status.reason;
  say(reason, why);
  reason.hidden = !why;
}

/** The reason says how much there is to spare, and why. */
function factsOf({ delivery, finishes_at, deadline }) {
  if (delivery === "delivered") return "";
  const due = new Date(deadline).toLocaleString("en-GB", { weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit" });
  const left = finishes_at && `${spanText((Date.parse(finishes_at) - Date.now()) / 1000)} left`;
  return [left, `due ${due}`].filter(Boolean).join(" · ");
}
