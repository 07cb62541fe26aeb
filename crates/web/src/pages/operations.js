// The installation at a glance: asked for every other second, drawn anew, and only what differs is changed on the page.

import { ask, countText, element, icon, say, shape, sizeText, spanText } from "./dom.js";
import { keepFresh, morph } from "./refresh.js";

const PAUSE_MS = 2000;
/** The forecast is made once an hour, and what arrives is counted by hours. */
const FORECAST_PAUSE_MS = 60_000;
/** Five minutes. */
const HISTORY = 150;
const CLASSES = { same_day_wedding: "Today’s weddings", next_day_delivery: "Yesterday’s weddings", standard_delivery: "All others" };
const KINDS = { rank: "placed", rerank: "moved", divide: "divided", place: "assigned", scale: "scaled", forecast: "forecast", retry: "tried again", quarantine: "set aside", pause: "paused" };
const MARKS = { on_time: ["good", "clock", "in time"], at_risk: ["warn", "alert", "close"], late: ["bad", "alert", "late"] };

const at = (id) => document.getElementById(id);
const number = (value) => value.toLocaleString("en-GB");
const time = (moment) => new Date(moment).toLocaleTimeString("en-GB");
const cell = (text, className = "") => element("td", { className }, text);
const history = [];
let answered = null;

async function turn() {
  if (!document.hidden) {
    try {
      show(await ask("GET", "/api/v1/operations"));
    } catch (problem) {
      at("operations").classList.add("stale");
      showState("bad", "alert", answered ? `No answer since ${time(answered)}: ${problem.message}` : problem.message);
    }
  }
  setTimeout(turn, PAUSE_MS);
}

function show(now) {
  answered = now.at;
  const sum = (key) => now.queue.reduce((all, { [key]: value }) => all + value, 0);
  history.push({ finished: now.throughput.photos_last_minute, waiting: sum("waiting") });
  if (history.length > HISTORY) history.shift();
  at("operations").classList.remove("stale");
  showState(...stateOf(now));
  draw("figures", figures(now, sum));
  draw("galleries", galleries(now.galleries, now.at));
  draw("queue", queue(now.queue));
  draw("workers", workers(now));
  draw("latency", latency(now.latency));
  draw("stores", stores(now.stores));
  draw("decisions", decisions(now.decisions));
}

/** Puts new content in the place of the old. */
function draw(id, content) {
  const fresh = at(id).cloneNode(false);
  fresh.append(...[content].flat().filter(Boolean));
  morph(at(id), fresh);
}

function showState(kind, sign, text) {
  const box = at("state");
  if (box.dataset.kind !== kind) {
    box.dataset.kind = kind;
    box.className = `state tag ${kind}`;
    box.replaceChildren(icon(sign), element("span"));
  }
  say(box.lastChild, text);
}

/** What an operator has to know first. */
function stateOf({ pause, stores, galleries, clusters, gaps }) {
  const broken = stores.filter((store) => !store.healthy);
  const late = galleries.filter(({ delivery }) => delivery === "late").length, risky = galleries.filter(({ delivery }) => delivery === "at_risk").length;
  if (pause) return ["bad", "alert", `The workers pause: ${pause.reason}`];
  if (broken.length) return ["bad", "alert", `${broken.map(({ name }) => name).join(", ")}: ${broken[0].problem ?? "cannot be written"}`];
  const idle = clusters.filter(({ healthy }) => !healthy);
  if (idle.length) return ["bad", "alert", `${idle.map(({ name }) => name).join(", ")}: no worker works there`];
  if (!clusters.length && galleries.length) return ["bad", "alert", "Galleries wait, and nothing is heard of any worker"];
  if (gaps.length) return ["bad", "alert", gaps.map(({ reason }) => reason[0].toUpperCase() + reason.slice(1)).join("; ")];
  if (late) return ["bad", "alert", `${countText(late, "gallery is", "galleries are")} late`];
  if (risky) return ["warn", "alert", `${countText(risky, "gallery is", "galleries are")} close to the deadline`];
  return ["good", "check", "All well"];
}

function figures({ throughput, galleries, uploads }, sum) {
  const slacks = galleries.map(({ slack_seconds }) => slack_seconds).filter((slack) => slack !== null);
  const least = slacks.length ? Math.min(...slacks) : null;
  const pace = throughput.megapixels_per_second;
  return [
    figure("Waiting", number(sum("waiting")), `${number(sum("working"))} in work`, spark(history.map(({ waiting }) => waiting), "Photos that waited, over the last five minutes")),
    figure("Finished in a minute", number(throughput.photos_last_minute), pace === null ? "" : paceText(pace), spark(history.map(({ finished }) => finished), "Photos finished a minute, over the last five minutes")),
    figure("Least to spare", least === null ? "–" : spanText(Math.abs(least)), least === null ? "nothing is due" : least < 0 ? "too late" : "before a deadline", null, least !== null && least < 0 ? "bad" : ""),
    figure("Arriving", number(uploads.open), `uploads, ${sizeText(uploads.bytes)} so far`),
  ];
}

const figure = (title, value, below, drawing = null, kind = "") => element("div", { className: `figure ${kind}` }, element("h2", {}, title), element("p", { className: "value number" }, value), element("p", { className: "quiet number" }, below), drawing);

/** A line of the last values; nothing while there is only one. */
function spark(values, label) {
  if (values.length < 2) return null;
  const most = Math.max(1, ...values);
  const points = values.map((value, index) => `${((HISTORY - values.length + index) * 100) / (HISTORY - 1)},${30 - (28 * value) / most}`);
  const line = shape("polyline", { points: points.join(" "), class: "line" });
  const first = points[0].split(",")[0];
  const area = shape("polygon", { points: `${first},30 ${points.join(" ")} 100,30`, class: "area" });
  return shape("svg", { viewBox: "0 0 100 30", preserveAspectRatio: "none", class: "spark", role: "img", "aria-label": label }, area, line);
}

/** A bar of parts, each {part, kind}: fractions of the whole. */
function bar(parts, label) {
  let from = 0;
  const rects = parts.map(({ part, kind }) => {
    const rect = shape("rect", { x: `${from * 100}%`, width: `${Math.max(0, part) * 100}%`, height: "100%", class: kind });
    from += part;
    return rect;
  });
  return shape("svg", { class: "bar", role: "img", "aria-label": label }, ...rects);
}

function table(heads, rows, label) {
  const head = element("tr", {}, ...heads.map(([text, className = ""]) => element("th", { scope: "col", className }, text)));
  return element("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: label }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows)));
}

function galleries(all, now) {
  if (!all.length) return element("p", { className: "quiet" }, "Everything that arrived is finished.");
  const rows = all.slice(0, 30).map((gallery) => {
    const [kind, sign, text] = MARKS[gallery.delivery];
    const left = (Date.parse(gallery.deadline) - Date.parse(now)) / 1000;
    const slack = gallery.slack_seconds;
    return element("tr", { id: `gallery-${gallery.gallery}` },
      element("td", {}, element("span", { className: `tag ${kind}` }, icon(sign), text)),
      element("td", {}, element("code", {}, gallery.gallery.slice(0, 8)), element("p", { className: "quiet reason" }, gallery.reason), gallery.placement === null ? null : element("p", { className: "quiet reason" }, element("b", {}, gallery.cluster ?? "all clusters"), `: ${gallery.placement}`)),
      cell(number(gallery.photos), "amount"),
      cell(left < 0 ? `${spanText(-left)} ago` : `in ${spanText(left)}`, "amount"),
      cell(slack === null ? "not known yet" : slack < 0 ? `${spanText(-slack)} short` : spanText(slack), `amount ${slack !== null && slack < 0 ? "bad" : ""}`));
  });
  const rest = all.length > 30 ? element("p", { className: "quiet" }, `and ${number(all.length - 30)} more with more to spare`) : null;
  return [table([["State"], ["Gallery, and why"], ["Photos left", "amount"], ["Due", "amount"], ["To spare", "amount"]], rows, "Galleries by what they have to spare"), rest];
}

function queue(all) {
  const most = Math.max(1, ...all.map(({ waiting, working }) => waiting + working));
  return element("ul", { className: "rows" }, ...all.map(({ urgency, galleries, waiting, working, megapixels, oldest_age_seconds }) => {
    const facts = waiting + working ? [countText(galleries, "gallery", "galleries"), `${number(Math.round(megapixels))} megapixels`, oldest_age_seconds === null ? null : `the oldest waits ${spanText(oldest_age_seconds)}`] : ["empty"];
    return element("li", {},
      element("p", { className: "pair" }, element("span", {}, CLASSES[urgency]), element("b", { className: "number" }, number(waiting + working))),
      bar([{ part: working / most, kind: "solid" }, { part: waiting / most, kind: "soft" }], `${number(working)} in work, ${number(waiting)} waiting`),
      element("p", { className: "quiet number" }, facts.filter(Boolean).join(" · ")));
  }));
}

function workers(now) {
  const { clusters, workers: all } = now;
  const silent = all.filter(({ standing }) => standing === "silent");
  const groups = clusters.map((cluster) => element("li", {},
    element("p", { className: "pair" }, element("b", {}, cluster.name), element("span", { className: `tag ${cluster.healthy ? "good" : "bad"}` }, icon(cluster.healthy ? "check" : "alert"), cluster.healthy ? countText(cluster.workers, "worker") : "does not work")),
    element("p", { className: "quiet number" }, [paceText(cluster.megapixels_per_second), cluster.placed ? `${countText(cluster.placed, "gallery", "galleries")} of its own` : null].filter(Boolean).join(" · ")),
    list(all.filter(({ cluster: name }) => name === cluster.name))));
  if (silent.length) groups.push(element("li", {}, element("p", { className: "pair" }, element("b", {}, "Nothing is heard of"), element("span", { className: "tag warn" }, icon("alert"), countText(silent.length, "worker"))), list(silent)));
  for (const fleet of now.fleets) groups.push(element("li", {},
    element("p", { className: "pair" }, element("b", {}, [fleet.region, fleet.device, only(fleet.stages)].filter(Boolean).join(", ")), element("span", { className: `tag ${fleet.within_reach ? "good" : "bad"}` }, icon(fleet.within_reach ? "check" : "alert"), `${number(fleet.running)} of ${countText(fleet.desired, "worker")}`)),
    bar([{ part: Math.min(1, fleet.running / Math.max(1, fleet.desired)), kind: "solid" }], `${number(fleet.running)} run, ${number(fleet.desired)} are wanted`),
    element("p", { className: "quiet reason" }, fleet.reason)));
  for (const { region, reason, preferences } of now.affinity.filter(({ preferences: all }) => all.length)) groups.push(element("li", {},
    element("p", { className: "pair" }, element("b", {}, region), element("span", { className: "tag good" }, icon("check"), "work is divided")),
    element("p", { className: "quiet reason" }, reason),
    ...preferences.map(({ device, reason: why }) => element("p", { className: "quiet reason" }, element("b", {}, device), `: ${why}`))));
  if (!groups.length) return element("p", { className: "quiet" }, "Nothing is heard of any worker.");
  return element("ul", { className: "rows" }, ...groups);

  function list(some) {
    return element("ul", { className: "sub" }, ...some.map(({ worker, standing, held, since, device, stages, megapixels_per_second: pace }) => element("li", {},
      element("p", { className: "name", title: worker }, worker),
      element("p", { className: "quiet number" }, [standing === "working" ? null : standing, held ? `${number(held)} in hand` : "idle", device, only(stages), pace === null ? null : paceText(pace), since ? `since ${new Date(since).toLocaleString("en-GB", { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" })}` : null].filter(Boolean).join(" · ")))));
  }
}

const only = (stages) => (stages.length && stages.length < 4 ? `${stages.join(", ").replaceAll("_", " ")} only` : null);
const paceText = (pace) => (pace === null ? "pace not known yet" : `${pace.toFixed(pace < 10 ? 1 : 0)} MP/s`);

function latency(all) {
  if (!all.length) return element("p", { className: "quiet" }, "Nothing was finished in the last 15 minutes.");
  const most = Math.max(...all.map(({ p99_seconds }) => p99_seconds), 1e-6);
  const seconds = (value) => (value < 0.1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(value < 10 ? 2 : 0)} s`);
  const rows = all.map(({ stage, p50_seconds, p95_seconds, p99_seconds }) => element("tr", { className: stage === "total" ? "total" : "" },
    element("th", { scope: "row" }, stage),
    element("td", { className: "wide" }, bar([{ part: p50_seconds / most, kind: "solid" }, { part: (p95_seconds - p50_seconds) / most, kind: "soft" }, { part: (p99_seconds - p95_seconds) / most, kind: "faint" }], `${stage}: half within ${seconds(p50_seconds)}, 95 of 100 within ${seconds(p95_seconds)}`)),
    cell(seconds(p50_seconds), "amount"), cell(seconds(p95_seconds), "amount"), cell(seconds(p99_seconds), "amount")));
  return table([["Stage"], ["Spread", "wide"], ["p50", "amount"], ["p95", "amount"], ["p99", "amount"]], rows, "Latency of the last 15 minutes");
}

function stores(all) {
  return element("ul", { className: "rows" }, ...all.map(({ name, replicas, free_bytes, total_bytes, healthy, problem }) => {
    const hasRoom = free_bytes !== null && total_bytes > 0;
    const used = hasRoom ? 1 - free_bytes / total_bytes : 0;
    const room = hasRoom ? `${sizeText(free_bytes)} free of ${sizeText(total_bytes)}` : "room not known";
    return element("li", {},
      element("p", { className: "pair" }, element("span", { className: "name", title: name }, name), element("span", { className: `tag ${healthy ? "good" : "bad"}` }, icon(healthy ? "check" : "alert"), healthy ? "writes" : "fails")),
      hasRoom ? bar([{ part: used, kind: used > 0.9 ? "alarm" : "solid" }], room) : null,
      element("p", { className: "quiet number" }, problem ?? `${room} · ${replicas === 1 ? "the only copy of each original" : `one of ${replicas} copies`}`));
  }));
}

function decisions(all) {
  if (!all.length) return element("p", { className: "quiet" }, "Nothing had to be decided since the start.");
  return element("ol", { className: "rows decisions", tabIndex: 0, "aria-label": "Recent decisions" }, ...all.slice(0, 60).map(({ at: moment, kind, gallery, photo, reason }) => element("li", {},
    element("p", { className: "pair" }, element("span", {}, element("b", {}, KINDS[kind] ?? kind), " ", gallery ? element("code", {}, gallery.slice(0, 8)) : "", photo ? element("code", {}, ` ${photo.slice(0, 8)}`) : ""), element("time", { className: "quiet number", dateTime: moment }, time(moment))),
    element("p", { className: "quiet reason" }, reason))));
}

turn();
keepFresh(() => FORECAST_PAUSE_MS);
