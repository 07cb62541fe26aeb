// The real service and a real browser, for tests of its pages.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const root = fileURLToPath(new URL("../../../../", import.meta.url));
export const DESKTOP = { viewport: { width: 1440, height: 900 } };
export const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };

const models = process.env.PROCESSION_MODELS ?? join(homedir(), ".cache/procession/models");

/** Half a year of weekends, as a file that `procession forecast import` takes. */
function pastWeekends() {
  const lines = ["hour,region,photos"];
  const hour = 3_600_000, now = Math.floor(Date.now() / hour) * hour;
  for (let moment = now - 182 * 24 * hour; moment < now; moment += hour) {
    const date = new Date(moment);
    const isEvening = date.getUTCHours() >= 18, isWeekend = date.getUTCDay() % 6 === 0;
    lines.push(`${date.toISOString().replace(".000", "")},local,${isEvening ? (isWeekend ? 900 : 60) : 5}`);
  }
  return lines.join("\n");
}

/** Starts the service in a folder of its own, on a free port: {url, key, api, stop}. */
export async function startService({ withModels = false, withHistory = false } = {}) {
  execFileSync("cargo", ["build", "--quiet", "--bin", "procession"], { cwd: root, stdio: "inherit" });
  const folder = mkdtempSync(join(tmpdir(), "procession-service-"));
  const complaints = join(folder, "stderr.txt");
  const env = { ...process.env, PROCESSION_DATA: join(folder, "data"), PROCESSION_MODELS: withModels ? models : join(folder, "none"), NO_COLOR: "1" };
  const program = join(root, "target/debug/procession");
  if (withHistory) {
    writeFileSync(join(folder, "history.csv"), pastWeekends());
    execFileSync(program, ["forecast", "import", join(folder, "history.csv")], { env });
  }
  const child = spawn(program, ["serve", "--json", "--listen", "127.0.0.1:0"], { env, stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.pipe(createWriteStream(complaints));
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const line = await Promise.race([new Promise((resolve) => createInterface(child.stdout).once("line", resolve)), ended.then(() => null)]);
  assert.ok(line, `the service did not start: ${readFileSync(complaints, "utf8")}`);
  const { url, key } = JSON.parse(line);
  const stop = async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const api = async (method, path, body) => {
    const headers = { authorization: `Bearer ${key}`, ...(body && { "content-type": "application/json" }) };
    const answer = await fetch(url + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text ? JSON.parse(text) : null;
  };
  return { url, key, api, stop };
}

export const launch = () => chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});

/**
 * A line to the service that lets `bytes` of each connection through and then no more, until it is opened: {url, isFull, open,
 * end}.
 */
export async function startLine(url, bytes) {
  const sockets = new Set();
  let limit = bytes, fill;
  const isFull = new Promise((resolve) => (fill = resolve));
  const server = createServer((client) => {
    const upstream = connect(new URL(url).port, "127.0.0.1");
    let passed = 0;
    const end = () => [client, upstream].forEach((socket) => (socket.destroy(), sockets.delete(socket)));
    for (const socket of [client, upstream]) sockets.add(socket.on("error", end).on("close", end));
    upstream.pipe(client);
    client.on("data", (chunk) => {
      passed += chunk.length;
      if (passed <= limit) upstream.write(chunk);
      else fill();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const end = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  return { url: `http://127.0.0.1:${server.address().port}`, isFull, open: () => (limit = Infinity), end };
}

/** Opens a page that is watched: at the end nothing may have gone wrong in it, nor may it have asked anybody but the service. */
export async function openPage(browser, service, options = DESKTOP) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [], strangers = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(`${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => complaints.push(error.stack));
  page.on("request", (request) => new URL(request.url()).origin !== service.url && !/^(data|blob|about):/.test(request.url()) && strangers.push(request.url()));
  const close = async (allowed = []) => {
    assert.deepEqual(complaints.filter((text) => !allowed.some((pattern) => pattern.test(text))), []);
    assert.deepEqual(strangers, []);
    await context.close();
  };
  return { page, context, close };
}

/** Logs in with the first key, and leads to a path. */
export async function enter(page, service, path = "/studio") {
  await page.goto(`${service.url}/enter#${service.key}`);
  await page.waitForURL("**/studio");
  if (path !== "/studio") await page.goto(service.url + path);
}

const axe = readFileSync(join(root, "node_modules/axe-core/axe.min.js"), "utf8");

/** What axe finds wrong on the page, as "rule: element". */
export async function violations(page) {
  // By way of the debugger: the page's policy runs no script but its own.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: `${axe};0` });
  const found = await session.send("Runtime.evaluate", {
    expression: `axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }).then(({ violations }) => JSON.stringify(violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ": " + node.target.join(" ") + " " + (node.any[0]?.message ?? "")))))`,
    awaitPromise: true,
    returnByValue: true,
  });
  await session.detach();
  return JSON.parse(found.result.value);
}
