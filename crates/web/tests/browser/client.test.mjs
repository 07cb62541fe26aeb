// The clients' gallery: the real service in a real Chromium.
//   node --test crates/web/tests/browser/client.test.mjs

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fill, hasModels, madeUpPhotos, realPhotos } from "./photos.mjs";
import { DESKTOP, PHONE, launch, openPage, startService, violations } from "./service.mjs";

const MADE_UP = 147;
const COUNT = MADE_UP + 3;
const folder = mkdtempSync(join(tmpdir(), "procession-client-"));
let browser, service, gallery;

before(async () => {
  service = await startService({ withModels: hasModels });
  browser = await launch();
  const wanted = { title: "Anna & Ben <3", consent: { faces: true }, wedding: { date: "2026-06-20", time_zone: "Europe/Rome" } };
  gallery = (await service.api("POST", "/api/v1/galleries", wanted)).id;
  await fill(service, gallery, [...realPhotos(), ...madeUpPhotos(folder, MADE_UP)]);
  await service.api("PATCH", "/api/v1/studio", { name: "Studio Lindgren" });
});
after(async () => {
  await browser?.close();
  await service?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const makeLink = async (wanted = {}) => (await service.api("POST", `/api/v1/galleries/${gallery}/links`, wanted)).url;
const favourites = () => service.api("GET", `/api/v1/galleries/${gallery}/favourites`);
const ready = (page) => page.waitForSelector("html.ready");
const until = async (is) => {
  while (!(await is())) await new Promise((resolve) => setTimeout(resolve, 50));
};

/** Opens the gallery through a link, runs `look`, and then wants that nothing went wrong. */
async function open(options, { link, allowed } = {}, look) {
  const { page, context, close } = await openPage(browser, service, options);
  await page.goto(service.url + (link ?? await makeLink()));
  await ready(page);
  await look(page, context);
  await close(allowed);
}

const counted = (page, text) => page.waitForFunction((wanted) => document.getElementById("counter").textContent === wanted, text);
const closed = (page) => page.waitForFunction(() => !document.getElementById("lightbox").open);
const toPhotos = (page) => page.evaluate(() => document.querySelector("main").scrollIntoView({ behavior: "instant" }));

describe("the first view on a phone", () => {
  test("is light, and its opening photo is asked for once and first", async () => {
    const { page, close } = await openPage(browser, service, PHONE);
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    const seen = new Map();
    session.on("Network.responseReceived", ({ requestId, response, type }) => seen.set(requestId, { url: response.url, type, bytes: 0, encoding: response.headers["content-encoding"] }));
    session.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => seen.get(requestId) && (seen.get(requestId).bytes = encodedDataLength));
    await page.goto(service.url + await makeLink());
    await ready(page);
    await page.waitForFunction(() => document.querySelector(".cover img").complete && [...document.querySelectorAll(".tile img")].every((image) => image.complete || !image.getBoundingClientRect().height));
    const loaded = [...seen.values()].filter(({ url }) => !url.startsWith("data:"));
    const sum = (list) => list.reduce((bytes, one) => bytes + one.bytes, 0);
    const texts = loaded.filter(({ type }) => type !== "Image" && type !== "Font");
    const [document_] = loaded.filter(({ type }) => type === "Document");
    console.log(`first view: page ${document_.bytes} bytes, with script and data ${sum(texts)}, all ${sum(loaded)} in ${loaded.length} requests`);
    assert.ok(document_.bytes < 14_600, `the page is ${document_.bytes} bytes: more than what a server sends at first`);
    assert.ok(sum(texts) < 70_000 && sum(loaded) < 400_000, `${sum(texts)} bytes of text, ${sum(loaded)} in all`);
    assert.ok(texts.every(({ encoding }) => encoding === "gzip"));
    const cover = await page.evaluate(() => document.querySelector(".cover img").currentSrc);
    const images = loaded.filter(({ type }) => type === "Image");
    assert.equal(images[0].url, cover, "before all other images");
    assert.equal(images.filter(({ url }) => url === cover).length, 1);
    assert.ok(loaded.every(({ url }, at) => loaded.findIndex((other) => other.url === url) === at), "nothing is loaded twice");
    const shift = await page.evaluate(() => new Promise((resolve) => {
      let sum = 0;
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => (sum += entry.value))).observe({ type: "layout-shift", buffered: true });
      requestAnimationFrame(() => requestAnimationFrame(() => resolve(sum)));
    }));
    assert.ok(shift < 0.1, `the layout shifts by ${shift}`);
    await close();
  });

  test("says whose day it is, and fits the screen", () => open(PHONE, {}, async (page) => {
    const header = await page.textContent("header");
    for (const text of ["Saturday, 20 June 2026", "Anna & Ben <3", `${COUNT} photos`]) assert.ok(header.includes(text), text);
    assert.match(await page.textContent("footer"), /Photographs by Studio Lindgren/);
    const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(content <= view, `${content} in ${view}`);
    assert.equal(await page.locator(".hero [data-sheet='download-sheet']").count(), 0, "this link gives nothing away");
  }));

  test("tells no other site where it was", async () => {
    const { page, close } = await openPage(browser, service, PHONE);
    const asked = [];
    page.on("request", (request) => asked.push(request.allHeaders().catch(() => ({}))));
    const link = await makeLink();
    await page.goto(service.url + link);
    await ready(page);
    await toPhotos(page);
    await page.waitForFunction(() => document.querySelectorAll(".tile.loaded").length > 2);
    const referrers = (await Promise.all(asked)).map(({ referer }) => referer).filter(Boolean);
    assert.ok(asked.length > 5);
    assert.deepEqual(referrers, []);
    await close();
  });
});

describe("a password", () => {
  test("is asked for, and then not again", async () => {
    const link = await makeLink({ password: "Kornblume 7" });
    const { page, context, close } = await openPage(browser, service, PHONE);
    await page.goto(service.url + link);
    assert.match(await page.textContent("main"), /Studio Lindgren.*A private gallery/s);
    assert.doesNotMatch(await page.content(), /Anna/);
    assert.deepEqual(await violations(page), []);
    // The field has the focus.
    await page.keyboard.type("Rose");
    await page.keyboard.press("Enter");
    await page.waitForSelector("#password[aria-invalid]");
    assert.match(await page.textContent("[role=alert]"), /not the password/);
    assert.deepEqual(await violations(page), []);
    await page.keyboard.type("Kornblume 7");
    await page.keyboard.press("Enter");
    await ready(page);
    await page.waitForSelector(".tile");
    const cookies = await context.cookies();
    assert.deepEqual(cookies.map(({ name, httpOnly, sameSite, path }) => ({ name, httpOnly, sameSite, path })), [{ name: "procession_unlocked", httpOnly: true, sameSite: "Lax", path: link }]);
    await page.reload();
    await ready(page);
    await close([/403/]);
  });

  test("that is wanted again leads to the form and back", async () => {
    const link = await makeLink({ password: "Kornblume 7" });
    const { page, context, close } = await openPage(browser, service, DESKTOP);
    await page.goto(service.url + link);
    await page.fill("#password", "Kornblume 7");
    await page.keyboard.press("Enter");
    await ready(page);
    await context.clearCookies();
    await page.keyboard.press("End");
    await page.waitForSelector("#password");
    await close([/403/]);
  });
});

describe("a link", () => {
  test("that has ended says so, and one that is none", async () => {
    const made = await service.api("POST", `/api/v1/galleries/${gallery}/links`, {});
    await service.api("DELETE", `/api/v1/galleries/${gallery}/links/${made.id}`);
    for (const colorScheme of ["light", "dark"]) {
      const { page, close } = await openPage(browser, service, { ...PHONE, colorScheme });
      await page.goto(service.url + made.url);
      assert.match(await page.textContent("main"), /Studio Lindgren.*This link has ended.*Ask Studio Lindgren for a new link/s);
      assert.deepEqual(await violations(page), []);
      await page.goto(`${service.url}/g/nothing`);
      assert.match(await page.textContent("main"), /There is no gallery here/);
      assert.deepEqual(await violations(page), []);
      await close([/410|404/]);
    }
  });

  test("that ends while somebody looks says so when more is wanted", async () => {
    const made = await service.api("POST", `/api/v1/galleries/${gallery}/links`, {});
    await open(DESKTOP, { link: made.url, allowed: [/410/] }, async (page) => {
      await service.api("DELETE", `/api/v1/galleries/${gallery}/links/${made.id}`);
      await page.evaluate(() => scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" }));
      await page.waitForFunction(() => /This link has ended/.test(document.body.textContent));
    });
  });
});

describe("the photos", () => {
  test("come in parts, as somebody comes near, and all of them can be reached", () => open(PHONE, {}, async (page) => {
    const parts = [];
    page.on("request", (request) => /\/photos\?/.test(request.url()) && parts.push(new URL(request.url()).search));
    await toPhotos(page);
    await page.waitForFunction(() => document.querySelectorAll(".tile.loaded").length > 4);
    assert.deepEqual(parts, [], "the first ones came with the album");
    const seen = new Set();
    for (let bottom = false; !bottom; ) {
      await page.waitForFunction(() => [...document.querySelectorAll(".tile")].every((tile) => tile.querySelector("picture")));
      for (const index of await page.evaluate(() => [...document.querySelectorAll(".tile")].map((tile) => tile.dataset.index))) seen.add(index);
      bottom = await page.evaluate(async () => {
        scrollBy({ top: innerHeight, behavior: "instant" });
        await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
        return scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
      });
    }
    assert.equal(seen.size, COUNT);
    assert.equal(new Set(parts).size, parts.length, "no part twice");
    assert.equal(parts.length, Math.ceil(COUNT / 100));
  }));

  test("are asked for again when their addresses have ended", async () => {
    const { page, close } = await openPage(browser, service, PHONE);
    let refused = 0;
    await page.route("**/i/**/512/**", (route) => (refused++ < 3 ? route.fulfill({ status: 410 }) : route.continue()));
    await page.goto(service.url + await makeLink());
    await ready(page);
    await toPhotos(page);
    await page.waitForFunction(() => document.querySelectorAll(".tile.loaded").length > 4);
    assert.equal(await page.locator(".tile.missing").count(), 0);
    assert.ok(refused > 3);
    await close([/410/]);
  });

  test("are as large as the screen needs, and no larger", () => open(PHONE, {}, async (page) => {
    await toPhotos(page);
    await page.waitForFunction(() => document.querySelectorAll(".tile.loaded").length > 2);
    const tiles = await page.evaluate(() => [...document.querySelectorAll(".tile.loaded img")].map((image) => [image.currentSrc, image.getBoundingClientRect().width]));
    for (const [source, width] of tiles) assert.match(source, width * 2 <= 512 ? /\/512\/.*\.webp$/ : /\/1024\/.*\.webp$/, `${width}`);
    await page.locator(".tile").first().click();
    await page.waitForFunction(() => document.querySelector(".slide[data-slot='0'] .media.loaded"));
    assert.match(await page.evaluate(() => document.querySelector(".slide[data-slot='0'] img").currentSrc), /\/1024\//);
  }));

  test("are found by moment and by person", () => open(DESKTOP, {}, async (page) => {
    const moments = await page.locator("#moments a").count();
    assert.ok(moments > 1, `${moments} moments`);
    await page.locator("section .only").nth(1).click();
    assert.equal(await page.locator("main section").count(), 1);
    await page.click("#filter .clear");
    assert.equal(await page.locator("main section").count(), moments);
    if (!hasModels) return;
    assert.equal(await page.locator("#guests button").count(), 1, "who is on one photo only is no way to find photos");
    await page.waitForSelector("#guests canvas.loaded");
    await page.click("#guests button");
    assert.match(await page.textContent("#filter"), /^2 photos/);
  }));

  test("tell when and with what they were taken, and not where or how they were worked on", () => open(DESKTOP, {}, async (page) => {
    await page.locator(".tile").nth(1).click();
    await page.keyboard.press("i");
    const text = await page.textContent("#details");
    for (const part of ["Taken", "Moment", "Original"]) assert.ok(text.includes(part), `${part} in ${text}`);
    for (const part of ["Pipeline", "Worked on", "Files", "reception"]) assert.ok(!text.includes(part), `${part} in ${text}`);
  }));

  test("stay where they are until somebody wants to see what is new", async () => {
    const { page, close } = await openPage(browser, service, DESKTOP);
    let asked = 0;
    await page.route("**/album", async (route) => {
      const answer = await route.fetch(), album = await answer.json();
      await route.fulfill({ json: { ...album, coming: asked++ ? 0 : 3 } });
    });
    await page.clock.install();
    await page.goto(service.url + await makeLink());
    await ready(page);
    assert.ok(await page.isHidden("#news"));
    await page.clock.fastForward(21_000);
    await page.waitForSelector("#news:not([hidden])");
    assert.match(await page.textContent("#news"), /There is something new/);
    await Promise.all([page.waitForEvent("load"), page.click("#renew")]);
    await ready(page);
    // The album was preloaded for a fetch that this test took over.
    await close([/preload/]);
  });
});

describe("a gallery without photos", () => {
  test("says that they are on their way", async () => {
    const { id } = await service.api("POST", "/api/v1/galleries", { title: "Clara & Dan" });
    const { url } = await service.api("POST", `/api/v1/galleries/${id}/links`, { downloads: "web" });
    await open(PHONE, { link: url }, async (page) => {
      assert.match(await page.textContent("main"), /The photos are on their way/);
      assert.deepEqual(await violations(page), []);
    });
  });
});

describe("favourites", () => {
  test("are kept without an account, and the studio sees them", () => open(PHONE, {}, async (page, context) => {
    await toPhotos(page);
    await page.locator(".cell .heart").nth(0).click();
    await page.locator(".tile").nth(2).click();
    await counted(page, `3 of ${COUNT}`);
    await page.click("#heart");
    assert.equal(await page.getAttribute("#heart", "aria-pressed"), "true");
    await page.click("#close");
    await closed(page);
    await page.click(".hero [data-sheet='favourites-sheet']");
    assert.match(await page.textContent("#favourites-count"), /^2 photos so far/);
    await page.fill("#visitor-name", "Anna");
    await until(async () => (await favourites()).visitors.some(({ name, photos }) => name === "Anna" && photos === 2));
    const [cookie] = await context.cookies(service.url + "/g/");
    assert.deepEqual([cookie.name, cookie.httpOnly, cookie.sameSite], [`procession_visitor_${gallery}`, true, "Lax"]);

    await page.reload();
    await ready(page);
    await page.waitForFunction(() => document.querySelector("[data-favourites]").textContent === "2");
    await page.evaluate(() => sessionStorage.clear());
    await page.reload();
    await ready(page);
    await page.waitForFunction(() => document.querySelector("[data-favourites]").textContent === "2");
    await page.click("#favourites");
    assert.match(await page.textContent("#filter"), /^2 photos · favourites/);
    assert.match(page.url(), /#favourites$/);
    await page.reload();
    await ready(page);
    await page.waitForFunction(() => document.querySelectorAll(".tile").length === 2);
    await page.locator(".cell .heart[aria-pressed=true]").first().click();
    await until(async () => (await favourites()).visitors.find(({ name }) => name === "Anna").photos === 1);
  }));

  test("of two tabs are put together", () => open(DESKTOP, { allowed: [/409/] }, async (page, context) => {
    const other = await context.newPage();
    await other.goto(page.url());
    await ready(other);
    for (const tab of [page, other]) await toPhotos(tab);
    await Promise.all([
      page.locator(".cell .heart").nth(3).click({ force: true }),
      other.locator(".cell .heart").nth(4).click({ force: true }),
    ]);
    for (const tab of [page, other]) await tab.waitForFunction(() => document.querySelector("[data-favourites]").textContent === "2");
    await until(async () => (await favourites()).visitors.some(({ name, photos }) => !name && photos === 2));
  }));

  test("wait for the network", () => open(PHONE, { allowed: [/ERR_INTERNET_DISCONNECTED/] }, async (page, context) => {
    await toPhotos(page);
    await context.setOffline(true);
    const heart = page.locator(".cell .heart").nth(5);
    await heart.click();
    assert.equal(await heart.getAttribute("aria-pressed"), "true", "at once");
    await page.waitForSelector("#toast:not([hidden])");
    assert.match(await page.textContent("#toast"), /offline/);
    const before = (await favourites()).visitors.length;
    await context.setOffline(false);
    await page.waitForFunction(() => /are saved/.test(document.getElementById("toast").textContent));
    assert.equal((await favourites()).visitors.length, before + 1);
  }));

  test("show what to do where there are none", () => open(PHONE, {}, async (page) => {
    await page.click("#favourites");
    assert.match(await page.textContent("main"), /tap the heart of a photo/);
    await page.click("main .clear");
    assert.ok(await page.isHidden("#filter"));
  }));
});

describe("downloads", () => {
  test("are a photo, and many photos as one file", async () => open(PHONE, { link: await makeLink({ downloads: "originals" }) }, async (page) => {
    const saved = async (act) => {
      const [download] = await Promise.all([page.waitForEvent("download"), act()]);
      return { name: download.suggestedFilename(), path: await download.path() };
    };
    await page.locator(".tile").first().click();
    const one = await saved(() => page.click("#download"));
    assert.match(one.name, /\.jpg$/);
    await page.click("#close");
    await closed(page);
    await page.locator(".cell .heart").nth(1).click();
    await page.click(".hero [data-sheet='favourites-sheet']");
    await page.click("#favourites-sheet [data-part=favourites]");
    const favourite = await saved(() => page.click("#download-form [type=submit]"));
    assert.match(execFileSync("unzip", ["-t", favourite.path], { encoding: "utf8" }), /No errors detected.*\n?/);
    assert.match(await page.textContent("#toast"), /^1 photo, .* your download begins/);
    await page.click(".hero [data-sheet='download-sheet']");
    await page.check("#download-form [value=all]");
    await page.check("#download-form [value=web]");
    const all = await saved(() => page.click("#download-form [type=submit]"));
    assert.match(all.name, /^Anna.*\.zip$/);
    const listed = execFileSync("unzip", ["-Z1", all.path], { encoding: "utf8" }).trim().split("\n");
    assert.equal(listed.length, COUNT);
    execFileSync("unzip", ["-tq", all.path]);
    await page.click(".hero [data-sheet='download-sheet']");
    await page.selectOption("#download-moment", "1");
    assert.ok(await page.isChecked("#download-form [value=moment]"));
    const moment = await saved(() => page.click("#download-form [type=submit]"));
    const held = execFileSync("unzip", ["-Z1", moment.path], { encoding: "utf8" }).trim().split("\n");
    assert.ok(held.length >= 1 && held.length < COUNT, `${held.length}`);
  }));

  test("are offered as far as the link allows", async () => {
    await open(DESKTOP, { link: await makeLink({ downloads: "web" }) }, async (page) => {
      await page.click(".hero [data-sheet='download-sheet']");
      assert.equal(await page.locator("#download-form [name=files]").count(), 0);
    });
    await open(DESKTOP, {}, async (page) => {
      assert.equal(await page.locator("#download-sheet").count(), 0);
      await page.locator(".tile").first().click();
      assert.ok(await page.isHidden("#download"));
    });
  });
});

describe("everybody", () => {
  test("gets through with the keyboard alone", () => open(DESKTOP, {}, async (page) => {
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the photos");
    await page.keyboard.press("Enter");
    await page.locator(".tile").first().focus();
    await page.keyboard.press("Tab");
    assert.match(await page.evaluate(() => document.activeElement.ariaLabel), /^Favourite: /);
    await page.waitForFunction(() => getComputedStyle(document.activeElement).opacity === "1");
    await page.keyboard.press("Space");
    assert.equal(await page.evaluate(() => document.activeElement.ariaPressed), "true");
    await page.locator(".tile").nth(1).focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await counted(page, `3 of ${COUNT}`);
    await page.keyboard.press("f");
    assert.equal(await page.getAttribute("#heart", "aria-pressed"), "true");
    await page.keyboard.press("ArrowLeft");
    await counted(page, `2 of ${COUNT}`);
    assert.equal(await page.getAttribute("#heart", "aria-pressed"), "false");
    await page.keyboard.press("Escape");
    await closed(page);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "1");
    await page.locator(".hero [data-sheet='favourites-sheet']").focus();
    await page.keyboard.press("Enter");
    await page.waitForSelector("#favourites-sheet[open]");
    await page.keyboard.press("Escape");
    await page.waitForSelector("#favourites-sheet:not([open])", { state: "attached" });
    assert.equal(await page.evaluate(() => document.activeElement.dataset.sheet), "favourites-sheet");
  }));

  for (const colorScheme of ["light", "dark"]) {
    for (const [name, options] of [["a phone", PHONE], ["a desktop", DESKTOP]]) {
      test(`can use it on ${name}, ${colorScheme}: axe finds nothing`, async () => open({ ...options, colorScheme }, { link: await makeLink({ downloads: "originals" }) }, async (page) => {
        await page.waitForFunction(() => document.querySelector(".cover img").complete);
        assert.deepEqual(await violations(page), []);
        await toPhotos(page);
        await page.waitForFunction(() => document.querySelectorAll(".tile.loaded").length > 2);
        await page.locator(".cell .heart").first().click({ force: true });
        assert.deepEqual(await violations(page), []);
        await page.locator(".tile").first().click();
        await page.click("#details-button");
        await page.waitForFunction(() => document.querySelector(".slide[data-slot='0'] .media.loaded"));
        assert.deepEqual(await violations(page), []);
        await page.click("#close");
        await closed(page);
        for (const sheet of ["favourites-sheet", "download-sheet"]) {
          await page.locator(`.hero [data-sheet='${sheet}']`).click();
          assert.deepEqual(await violations(page), [], sheet);
          await page.keyboard.press("Escape");
        }
      }));
    }
  }
});
