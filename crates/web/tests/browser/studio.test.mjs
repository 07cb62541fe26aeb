// The studio's pages in a real Chromium, against the real service with its models and real photos. `cargo xtask test` installs
// what it needs and runs
//   node --test crates/web/tests/browser/studio.test.mjs
// from the repository's root; CHROMIUM names another browser than /usr/bin/chromium.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import sharp from "sharp";
import { DESKTOP, PHONE, enter, launch, openPage, root, startLine, startService, violations } from "./service.mjs";

const PHOTOS = join(root, "tests/data/photos");
const WEDDING = { date: "2026-06-20", time_zone: "Europe/Rome" };
const folder = mkdtempSync(join(tmpdir(), "procession-studio-"));
let service, browser, finished;

const newGallery = async (title, more = {}) => (await service.api("POST", "/api/v1/galleries", { title, wedding: WEDDING, ...more })).id;
const path = (gallery) => `/studio/galleries/${gallery}`;
const text = (page, selector) => page.locator(selector).innerText();
const seen = (page, selector, pattern) => page.locator(selector, { hasText: pattern }).first().waitFor();
const progressOf = async (gallery) => (await service.api("GET", `/api/v1/galleries/${gallery}`)).progress;

before(async () => {
  service = await startService({ withModels: true, withHistory: true });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("logging in", () => {
  test("a key in the address is used once and gone from it", async () => {
    const { page, context, close } = await openPage(browser, service);
    await page.goto(`${service.url}/enter#${service.key}`);
    await page.waitForURL("**/studio");
    await page.goBack();
    assert.doesNotMatch(page.url(), /pk_/);
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, "Strict", "/"]);
    await close();
  });

  test("whoever is not logged in is led to the page they wanted", async () => {
    const { page, close } = await openPage(browser, service);
    await page.goto(`${service.url}/studio/keys`);
    assert.equal(new URL(page.url()).pathname, "/enter");
    await page.fill("#key", service.key);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/studio/keys");
    await page.click("text=Log out");
    await page.waitForURL("**/enter");
    await page.goto(`${service.url}/studio`);
    assert.equal(new URL(page.url()).pathname, "/enter");
    await close();
  });

  test("a wrong key is told in words, and too many are stopped", async () => {
    const other = await startService();
    const { page, close } = await openPage(browser, other);
    await page.goto(`${other.url}/enter`);
    await page.fill("#key", `pk_${"0".repeat(24)}_${"A".repeat(43)}`);
    await page.keyboard.press("Enter");
    await seen(page, "#fault", "opens nothing");
    assert.equal(await page.inputValue("#key"), "", "what was tried is not sent back");
    const statuses = await page.evaluate(async () => {
      const attempt = () => fetch("/enter", { method: "POST", body: new URLSearchParams({ key: "pk_wrong" }) });
      const answers = [];
      for (let tries = 0; tries < 12; tries++) answers.push(await attempt());
      return answers.map((answer) => [answer.status, answer.headers.get("retry-after")]);
    });
    const [status, wait] = statuses.at(-1);
    assert.equal(status, 429);
    assert.ok(Number(wait) >= 1);
    await close([/40[0-9]|429/]);
    await other.stop();
  });

  test("no page of another site can log somebody in", async () => {
    const answer = await fetch(`${service.url}/enter`, { method: "POST", headers: { "sec-fetch-site": "cross-site" }, body: new URLSearchParams({ key: service.key }), redirect: "manual" });
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.get("set-cookie"), null);
  });
});

describe("a gallery from its opening to its delivery", () => {
  test("is opened by keyboard alone", async () => {
    const { page, close } = await openPage(browser, service, { ...DESKTOP, timezoneId: "Europe/Vienna" });
    await enter(page, service);
    await page.locator("[data-opens=new-gallery]").focus();
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "title");
    assert.equal(await page.inputValue("#zone"), "Europe/Vienna");
    assert.ok((await page.locator("#zones option").count()) > 300);
    await page.keyboard.press("Enter");
    await seen(page, "#new-gallery-form .fault", "whose wedding");
    await page.keyboard.type("Anna & Ben <3");
    await page.fill("#date", WEDDING.date);
    await page.locator("[name=faces]").focus();
    await page.keyboard.press("Space");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/studio/galleries/*");
    assert.equal(await text(page, "h1"), "Anna & Ben <3");
    finished = page.url().split("/").at(-1);
    const gallery = await service.api("GET", `/api/v1/galleries/${finished}`);
    assert.deepEqual([gallery.wedding, gallery.consent], [{ ...WEDDING, time_zone: "Europe/Vienna" }, { faces: true }]);
    await close();
  });

  test("takes a folder, shows each photo at once, and is watched until it is delivered", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, path(finished));
    await seen(page, "#drop", "Drop the folder here");
    await page.locator("#drop [webkitdirectory]").setInputFiles(PHOTOS);
    await seen(page, "#upload-title", /^3 files sent/);
    assert.match(await text(page, "#upload-facts"), /818 kB · 1 other file passed over/);
    await page.waitForFunction(() => document.querySelectorAll(".tile.loaded").length === 3);
    await seen(page, ".standing .tag", "Delivered");
    assert.match(await text(page, ".standing"), /3 photos finished/);
    assert.equal(await page.locator(".tile[data-state=done]").count(), 3);
    assert.equal(await text(page, "[data-tab=photos] .count"), "3");
    await page.locator("#grid .tile").first().press("Enter");
    await page.locator("#viewer img").waitFor();
    await page.waitForFunction(() => /× .* JPEG/.test(document.querySelector(".viewer-facts").textContent));
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Escape");
    assert.ok(await page.evaluate(() => document.activeElement.matches(".tile")));
    await close();
  });

  test("does not send again what is there, whoever asks", async () => {
    const { page, context, close } = await openPage(browser, service);
    await enter(page, service, path(finished));
    const add = async () => {
      await page.click("[data-opens=add]");
      await page.locator("#add [webkitdirectory]").setInputFiles(PHOTOS);
    };
    await add();
    await seen(page, "#upload-title", /^3 files sent/);
    await page.reload();
    const requests = [];
    page.on("request", (request) => request.url().includes("/files") && requests.push(request.url()));
    await add();
    await seen(page, "#upload-title", "Everything in this folder is here already");
    assert.deepEqual(requests, []);
    assert.equal((await progressOf(finished)).done, 3);
    await context.clearCookies();
    await close();
  });

  test("gives a receipt, and says what a single copy is worth", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, `${path(finished)}#delivery`);
    await page.click("text=Read everything back");
    await seen(page, ".verdict", "Safe, but in one place: keep the card");
    assert.match(await text(page, "#receipt-state"), /3 originals, 818 kB, identical in 1 store/);
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("text=Download the receipt")]);
    assert.equal(download.suggestedFilename(), "receipt.json");
    const [archive] = await Promise.all([page.waitForEvent("download"), page.click("#downloads >> text=Originals")]);
    assert.match(archive.suggestedFilename(), /\.zip$/);
    execFileSync("unzip", ["-tq", await archive.path()]);
    await close([/404.*receipt/]);
  });

  test("is shared by a link that is shown once and can be ended", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, `${path(finished)}#delivery`);
    await page.click("[data-opens=new-link]");
    await page.fill("#link-name", "The parents");
    await page.keyboard.press("Enter");
    await page.locator("#made-link").waitFor();
    const link = await page.locator("#made-link-url").inputValue();
    assert.ok(link.startsWith(`${service.url}/g/`));
    await page.click("#made-link [data-shuts]");
    await page.waitForFunction(() => document.getElementById("made-link-url").value === "");
    await seen(page, "#link-list li", /The parents.*photos for the screen/s);
    const visit = await fetch(link);
    assert.equal(visit.status, 200);
    await page.click("#link-list >> text=End it");
    await seen(page, "#link-list li", /ended/);
    assert.notEqual((await fetch(link)).status, 200);
    await close([/404.*receipt/]);
  });

  test("is deleted only by whoever types its name", async () => {
    const gallery = await newGallery("To be deleted");
    const { page, close } = await openPage(browser, service);
    await enter(page, service, `${path(gallery)}#settings`);
    await page.click("[data-opens=delete]");
    await page.fill("#delete-name", "to be deleted");
    await page.keyboard.press("Enter");
    await seen(page, "#delete-form .fault", "not its name");
    await page.fill("#delete-name", "To be deleted");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/studio");
    assert.equal(await page.locator(`#gallery-${gallery}`).count(), 0);
    await close();
  });
});

describe("guests and moments", () => {
  test("a guest is named, made one with another, and all of it is taken back", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, `${path(finished)}#guests`);
    await page.waitForFunction(() => document.querySelectorAll(".guests li").length === 2);
    await page.waitForFunction(() => document.querySelectorAll(".face.loaded").length === 2);
    await page.locator(".guests .open").first().press("Enter");
    await page.keyboard.type("Uncle Barack");
    await page.keyboard.press("Enter");
    await seen(page, ".guests .name", "Uncle Barack");
    for (const tick of await page.locator(".guests input").all()) await tick.press("Space");
    await page.click("text=They are one person");
    await page.waitForFunction(() => document.querySelectorAll(".guests li").length === 1);
    assert.equal(await text(page, ".guests .name"), "Uncle Barack");
    await page.click("#notes >> text=Undo");
    await page.waitForFunction(() => document.querySelectorAll(".guests li").length === 2);
    await page.locator("#guest-log button", { hasText: "Undo" }).click();
    await seen(page, ".guests .name", "Guest 1");
    assert.equal(await page.locator("#guest-log button", { hasText: "Do again" }).count(), 2);
    await close();
  });

  test("a guest is hidden and shown, and a face that is somebody else's goes", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, `${path(finished)}#guests`);
    await page.locator(".guests .open").first().click();
    await page.click("text=Hide from the couple");
    await seen(page, ".guests li.is-hidden", "hidden");
    await page.locator(".guests .open").first().click();
    await page.click("text=Show to the couple again");
    await page.waitForFunction(() => !document.querySelector(".guests li.is-hidden"));
    await page.locator(".guests .open").first().click();
    await page.locator(".face-grid button").first().click();
    await page.click("text=These are somebody else");
    await page.waitForFunction(() => document.querySelectorAll(".guests li").length === 3);
    await page.click("#notes >> text=Undo");
    await page.waitForFunction(() => document.querySelectorAll(".guests li").length === 2);
    await close();
  });

  test("moments are named, begun, joined, and photos moved", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, `${path(finished)}#moments`);
    const moments = () => page.locator(".moment h2").allInnerTexts();
    await page.locator(".moment").first().waitFor();
    await page.locator(".moment >> text=Rename").first().click();
    await page.fill("#moment-title", "Speeches");
    await page.keyboard.press("Enter");
    await seen(page, ".moment h2", "Speeches");
    while ((await moments()).length > 1) {
      const before = (await moments()).length;
      await page.locator(".moment >> text=Join with the next").first().click();
      await page.waitForFunction((count) => document.querySelectorAll(".moment").length < count, before);
    }
    await page.locator(".moment >> text=Choose photos").click();
    await page.locator(".moment .tile").nth(1).click();
    await page.click("text=Begin a new moment here");
    await page.waitForFunction(() => document.querySelectorAll(".moment").length === 2);
    await page.locator(".moment >> text=Choose photos").last().click();
    await page.locator(".moment").last().locator(".tile").first().click();
    await page.selectOption(".chosen-bar select", { index: 1 });
    await seen(page, ".moment .section-head", /2 photos/);
    await page.click("#notes >> text=Undo");
    await seen(page, ".moment .section-head", /1 photo/);
    await close();
  });

  test("the consent is taken back, and with it the guests", async () => {
    const gallery = await newGallery("Consent", { consent: { faces: true } });
    const { page, close } = await openPage(browser, service);
    await enter(page, service, `${path(gallery)}#settings`);
    await page.click("text=Take the consent back");
    await seen(page, "#consent", "There is no consent");
    assert.deepEqual((await service.api("GET", `/api/v1/galleries/${gallery}`)).consent, { faces: false });
    await page.click("[data-tab=guests]");
    await seen(page, "#guests", "Guests are not recognised here");
    await close();
  });
});

/** So many files, each a photo of its own, made in the page and dropped on it. */
const dropMany = (page, count) => page.evaluate(async (count) => {
  // The smallest JPEG, told apart by a comment.
  const canvas = new OffscreenCanvas(8, 8);
  canvas.getContext("2d").fillRect(0, 0, 8, 8);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/jpeg" })).arrayBuffer());
  const transfer = new DataTransfer();
  for (let number = 0; number < count; number++) {
    const comment = new TextEncoder().encode(String(number).padStart(8, "0"));
    const parts = [bytes.slice(0, 2), new Uint8Array([0xff, 0xfe, 0, 10]), comment, bytes.slice(2)];
    transfer.items.add(new File(parts, `IMG_${number}.jpg`, { lastModified: number }));
  }
  document.body.dispatchEvent(new DragEvent("dragenter", { dataTransfer: transfer, bubbles: true }));
  document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true }));
}, count);

describe("uploads", () => {
  test("10,000 files are counted and sent a few at a time, and the page stays small", async () => {
    const gallery = await newGallery("Ten thousand");
    const { page, close } = await openPage(browser, service);
    let open = 0, most = 0;
    const isUpload = (request) => request.url().includes("/files") && request.method() !== "OPTIONS";
    page.on("request", (request) => isUpload(request) && (most = Math.max(most, ++open)));
    page.on("response", (response) => isUpload(response.request()) && open--);
    page.on("requestfailed", (request) => isUpload(request) && open--);
    await enter(page, service, path(gallery));
    await page.locator("#drop").waitFor();
    await dropMany(page, 10_000);
    await seen(page, "#upload-title", /of 10,000 files sent/);
    await page.waitForFunction(() => parseInt(document.getElementById("upload-title").textContent.replace(",", "")) > 150);
    await page.waitForFunction(() => document.querySelectorAll(".tile.loaded").length > 20);
    assert.ok((await page.evaluate(() => document.querySelectorAll("*").length)) < 1500);
    assert.ok(most <= 4, `${most} at once`);
    await seen(page, "#upload-facts", / of .* · .* a second · .* left/);
    await page.click("#upload-pause");
    await seen(page, "#upload-title", "Paused");
    assert.doesNotMatch(await text(page, "#upload-facts"), /left/);
    await page.click("#upload-pause");
    await seen(page, "#upload-title", /of 10,000 files sent/);
    await page.click("#upload-stop");
    await seen(page, "#upload-stop", "Close");
    await page.click("#upload-stop");
    assert.ok(await page.isHidden("#upload"));
    await close();
    await service.api("DELETE", `/api/v1/galleries/${gallery}`);
  });

  test("an upload goes on after a reload where it stopped, and nobody leaves unasked", async () => {
    // Noise does not compress: some 20 MB, more than goes with the request that begins an upload.
    const large = join(folder, "large.png");
    await sharp({ create: { width: 2600, height: 2600, channels: 3, background: "#000", noise: { type: "gaussian", mean: 128, sigma: 60 } } }).png({ compressionLevel: 0 }).toFile(large);
    const gallery = await newGallery("Goes on");
    const line = await startLine(service.url, 8e6);
    const { page, close } = await openPage(browser, line);
    await enter(page, { ...service, url: line.url }, path(gallery));
    await page.locator("#drop input").last().setInputFiles(large);
    await line.isFull;
    const asked = [];
    page.on("dialog", (dialog) => {
      asked.push(dialog.type());
      dialog.accept();
    });
    await page.reload();
    assert.deepEqual(asked, ["beforeunload"]);
    line.open();
    const requests = [];
    page.on("request", (request) => request.url().includes("/files") && requests.push([request.method(), Number(request.headers()["upload-offset"] ?? 0)]));
    await page.locator("#drop input").last().setInputFiles(large);
    await seen(page, "#upload-title", /^1 file sent/);
    assert.deepEqual(requests.map(([method]) => method), ["HEAD", "PATCH"]);
    assert.ok(requests[1][1] > 1e6, `it went on at ${requests[1][1]}`);
    await close();
    line.end();
  });

  test("a folder that is dropped is walked to its last file", async () => {
    const card = join(folder, "card");
    cpSync(PHOTOS, join(card, "DCIM/100CANON/deeper"), { recursive: true });
    // Browsers give a hundred names of a folder at a time.
    for (let number = 0; number < 130; number++) writeFileSync(join(card, "DCIM", `${number}.xmp`), "");
    const gallery = await newGallery("Dropped");
    const { page, context, close } = await openPage(browser, service);
    await enter(page, service, path(gallery));
    await page.locator("#drop").waitFor();
    const session = await context.newCDPSession(page);
    for (const type of ["dragEnter", "dragOver", "drop"]) {
      await session.send("Input.dispatchDragEvent", { type, x: 700, y: 450, data: { items: [], files: [card], dragOperationsMask: 1 } });
      if (type === "dragOver") assert.ok(await page.evaluate(() => document.documentElement.matches(".dropping")));
    }
    await seen(page, "#upload-title", /^3 files sent/);
    assert.match(await text(page, "#upload-facts"), /131 other files passed over/);
    const photos = await service.api("GET", `/api/v1/galleries/${gallery}/photos`);
    assert.deepEqual(photos.items.map(({ name }) => name).sort(), ["biden", "obama", "obama2"].map((name) => `card/DCIM/100CANON/deeper/${name}.jpg`));
    await close();
  });

  test("files are chosen by keyboard", async () => {
    const gallery = await newGallery("By keyboard");
    const { page, close } = await openPage(browser, service);
    const chooser = new Promise((resolve) => page.once("filechooser", resolve));
    await enter(page, service, path(gallery));
    await page.locator("#drop").waitFor();
    for (let presses = 0; !(await page.evaluate(() => document.activeElement.matches("#drop input:not([webkitdirectory])"))); presses++) {
      assert.ok(presses < 40, "Tab leads there");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await (await chooser).setFiles([join(PHOTOS, "obama.jpg")]);
    await seen(page, "#upload-title", /^1 file sent/);
    await close();
  });

  test("a file that is no photo is named with its reason, and the others go on", async () => {
    const gallery = await newGallery("Not photos");
    const { page, close } = await openPage(browser, service);
    await enter(page, service, path(gallery));
    await page.locator("#drop").waitFor();
    await page.locator("#drop input").last().setInputFiles([
      { name: "obama.jpg", mimeType: "image/jpeg", buffer: readFileSync(join(PHOTOS, "obama.jpg")) },
      { name: "contract.jpg", mimeType: "image/jpeg", buffer: Buffer.from("%PDF-1.7 this is no photo at all") },
    ]);
    await seen(page, "#upload-faults summary", "1 file was not accepted");
    await seen(page, "#upload-title", /^1 file sent/);
    await page.click("#upload-faults summary");
    assert.match(await text(page, "#upload-faults"), /contract\.jpg/);
    await seen(page, "#faults summary", "1 file needs your attention");
    await page.click("#faults summary");
    assert.match(await text(page, "#faults"), /contract\.jpg.*keep your copy/s);
    await close([/422/]);
  });
});

describe("keys and operations", () => {
  test("a key is made, shown once, and ended", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, "/studio/keys");
    await page.click("[data-opens=new-key]");
    await page.keyboard.type("Lightroom");
    await page.keyboard.press("Enter");
    await page.locator("#made-key").waitFor();
    const token = await page.locator("#made-key-token").inputValue();
    const look = () => fetch(`${service.url}/api/v1/galleries`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await look()).status, 200);
    await page.click("#made-key [data-shuts]");
    await page.locator("#keys li", { hasText: "Lightroom" }).getByText("End", { exact: true }).click();
    await page.click("#revoke-form [type=submit]");
    await seen(page, "#keys li.is-over", "Lightroom");
    assert.equal((await look()).status, 401);
    await close();
  });

  test("who may not see the installation is told so, and finds no way there", async () => {
    const { token } = await service.api("POST", "/api/v1/keys", { name: "looks", scopes: ["read"] });
    const { page, close } = await openPage(browser, service);
    await enter(page, { ...service, key: token });
    assert.deepEqual(await page.locator("nav a").allInnerTexts(), ["Galleries"]);
    await page.goto(`${service.url}/operations`);
    await seen(page, "h1", "This is not yours to open");
    await page.goto(service.url + path(finished));
    assert.equal(await page.locator("[data-opens=add], [data-tab=settings], #settings").count(), 0);
    await close([/403/]);
  });

  test("the installation is seen at a glance, and kept up to date in place", async () => {
    const { page, close } = await openPage(browser, service);
    await enter(page, service, "/operations");
    await seen(page, "#latency tr", "total");
    await seen(page, "#stores", "the only copy of each original");
    await page.locator("#workers li").first().waitFor();
    const gallery = await newGallery("Operations");
    const node = await page.locator("#queue li").first().elementHandle();
    await seen(page, "#decisions li", gallery.slice(0, 8));
    assert.ok(await node.evaluate((element) => element.isConnected), "what stays the same is not replaced");
    await close();
  });

  test("the days to come are drawn with what makes them so", async () => {
    const isMade = ({ regions }) => regions.some(({ hours }) => hours.length === 168);
    while (!isMade(await service.api("GET", "/api/v1/operations/forecast"))) await new Promise((resolve) => setTimeout(resolve, 300));
    const { page, close } = await openPage(browser, service);
    await enter(page, service, "/operations");
    await seen(page, "#forecast-local .tag", "Followed");
    await seen(page, "#forecast-local .busiest", /^(Saturday|Sunday) .* photos \(.*\); 0 weddings are booked\.$/);
    assert.match(await page.locator("#forecast-local svg.plot").getAttribute("aria-label"), /^Photos by hour, three days back and seven ahead\. S/);
    assert.equal(await page.locator("#forecast-local .ticks li").count(), 11);
    await page.click("#days-local summary");
    assert.equal(await page.locator("#days-local li:visible").count(), 8);
    await close();
  });
});

describe("accessibility", () => {
  const pages = () => [
    ["enter", "/enter", async () => {}],
    ["galleries", "/studio", async () => {}],
    ["new gallery", "/studio", (page) => page.click("[data-opens=new-gallery]")],
    ["photos", path(finished), (page) => page.locator(".tile.loaded").first().waitFor()],
    ["a photo", path(finished), (page) => page.locator(".tile").first().click()],
    ["add photos", path(finished), (page) => page.click("[data-opens=add]")],
    ["guests", `${path(finished)}#guests`, (page) => page.locator(".face.loaded").first().waitFor()],
    ["a guest", `${path(finished)}#guests`, (page) => page.locator(".guests .open").first().click()],
    ["moments", `${path(finished)}#moments`, (page) => page.locator(".moment .tile.loaded").first().waitFor()],
    ["delivery", `${path(finished)}#delivery`, (page) => page.locator(".verdict").waitFor()],
    ["new link", `${path(finished)}#delivery`, (page) => page.click("[data-opens=new-link]")],
    ["settings", `${path(finished)}#settings`, async () => {}],
    ["keys", "/studio/keys", async () => {}],
    ["operations", "/operations", async (page) => {
      await page.locator("#latency tr").first().waitFor();
      await page.click("#days-local summary");
    }],
    ["nothing here", "/studio/galleries/000000000000000000000000", async () => {}],
  ];
  for (const [name, options] of [["light", DESKTOP], ["dark", { ...DESKTOP, colorScheme: "dark" }], ["a phone", PHONE]]) {
    test(`axe finds nothing wrong on any page, ${name}`, async () => {
      const found = {};
      const { page, close } = await openPage(browser, service, { ...options, reducedMotion: "reduce" });
      for (const [title, address, prepare] of pages()) {
        // A page of its own each time, even where only the fragment differs.
        await page.goto("about:blank");
        if (title === "galleries") await enter(page, service);
        else await page.goto(service.url + address);
        await prepare(page);
        const faults = await violations(page);
        if (faults.length) found[title] = faults;
        const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
        if (wide > room) found[title] = [...faults, `${wide} wide in ${room}`];
      }
      await close([/404/]);
      assert.deepEqual(found, {});
    });
  }
});
