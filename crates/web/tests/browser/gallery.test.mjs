// The gallery page in a real Chromium, opened from disk. `cargo xtask test` installs playwright-core (package.json) and runs
//   node --test crates/web/tests/browser/gallery.test.mjs
// from the repository's root; CHROMIUM names another browser than /usr/bin/chromium.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const root = fileURLToPath(new URL("../../../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "procession-gallery-"));
const small = join(folder, "small"), large = join(folder, "large"), plain = join(folder, "plain");
const PHOTOS = 240;
const DESKTOP = { viewport: { width: 1440, height: 900 } };
const PHONE = { viewport: { width: 375, height: 720 }, hasTouch: true, isMobile: true, deviceScaleFactor: 2 };
let browser;

function example(name, ...values) {
  execFileSync("cargo", ["run", "--quiet", "--package", "procession-web", "--example", name, "--", ...values], { cwd: root, stdio: "inherit" });
}

before(async () => {
  example("sample_album", small, String(PHOTOS));
  example("sample_album", large, "10000");
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
});
after(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Opens a gallery, runs `look`, and then wants: no complaint, no script of a file name's run, nothing asked but of the disk. */
async function open(options, { gallery = small, hash = "" }, look) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints = [], requests = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.stack));
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && complaints.push(`failed: ${request.url()}`));
  page.on("request", (request) => requests.push(request.url()));
  await page.goto(pathToFileURL(join(gallery, "index.html")) + hash);
  await page.waitForSelector("html.ready");
  await look(page);
  assert.deepEqual(complaints, []);
  assert.deepEqual(requests.filter((url) => !/^(file|data):/.test(url)), []);
  assert.doesNotMatch(await page.title(), /pwned/);
  await context.close();
}

const rowsOf = (page) => page.evaluate(() => [...document.querySelectorAll("main section")].map((section) => {
  const { left, right } = section.querySelector(".tiles").getBoundingClientRect();
  const rows = new Map();
  for (const tile of section.querySelectorAll(".tile")) {
    const box = tile.getBoundingClientRect();
    const row = rows.get(box.top) ?? rows.set(box.top, []).get(box.top);
    row.push({ left: box.left - left, right: box.right - left, height: box.height });
  }
  return { width: right - left, rows: [...rows.values()] };
}));
const counter = (page) => page.textContent("#counter");
const isOpen = (page) => page.evaluate(() => document.getElementById("lightbox").open);
const closed = (page) => page.waitForFunction(() => !document.getElementById("lightbox").open);
const counted = (page, text) => page.waitForFunction((wanted) => document.getElementById("counter").textContent === wanted, text);

describe("layout", () => {
  const source = readFileSync(join(root, "crates/web/src/album/layout.js"), "utf8");
  const { justify } = new Function(`${source}; return { justify };`)();
  const aspects = Array.from({ length: 10_000 }, (_, at) => [1.5, 0.667, 1.5, 1, 1.333, 2.4][(at * at) % 6]);

  test("full rows end exactly at the edge, and heights stay near the wanted one", () => {
    for (const width of [320, 351, 1100, 1380]) {
      const { boxes, rows } = justify(aspects, width, 8, 240);
      for (const { from, to, height } of rows.slice(0, -1)) {
        assert.equal(boxes[from * 4], 0);
        assert.equal(boxes[to * 4 - 4] + boxes[to * 4 - 2], width);
        if (width > 1000) assert.ok(height > 150 && height < 400, `height ${height}`);
      }
    }
  });

  test("every photo has a place, in order, without overlap", () => {
    const { boxes, rows } = justify(aspects.slice(0, 500), 900, 6, 200);
    assert.deepEqual([rows[0].from, rows.at(-1).to], [0, 500]);
    for (const { from, to } of rows) {
      for (let at = from + 1; at < to; at++) assert.equal(boxes[at * 4], boxes[at * 4 - 4] + boxes[at * 4 - 2] + 6);
    }
  });

  test("a last row that is short is not blown up", () => {
    assert.deepEqual([...justify([1.5], 1400, 8, 240).boxes], [0, 0, 360, 240]);
    assert.deepEqual(justify([], 1400, 8, 240), { boxes: new Int32Array(0), rows: [], height: 0 });
  });

  test("10,000 photos take less than 50 ms", () => {
    const runs = Array.from({ length: 7 }, () => {
      const start = performance.now();
      justify(aspects, 1380, 8, 270);
      return performance.now() - start;
    });
    assert.ok(Math.min(...runs) < 50, `${Math.min(...runs)} ms`);
  });
});

describe("placeholders", () => {
  const source = readFileSync(join(root, "crates/web/src/album/thumbhash.js"), "utf8");
  const { decodeThumbHash } = new Function(`${source}; return { decodeThumbHash };`)();

  test("have the photo's shape and its mean colour", () => {
    const hash = "1QcSHQRnh493V4dIh4eXh1h4kJUI";
    const { width, height, rgba } = decodeThumbHash(hash);
    assert.deepEqual([width, height, rgba.length], [23, 32, 23 * 32 * 4]);
    // The constant terms stand in the first three bytes; the others add up to nothing over the whole picture.
    const head = Buffer.from(hash, "base64").readUIntLE(0, 3);
    const [l, p, q] = [(head & 63) / 63, ((head >> 6) & 63) / 31.5 - 1, ((head >> 12) & 63) / 31.5 - 1];
    const blue = l - (2 / 3) * p, red = (3 * l - blue + q) / 2;
    [red, red - q, blue].forEach((wanted, channel) => {
      const mean = rgba.reduce((sum, value, at) => (at % 4 === channel ? sum + value : sum), 0) / (width * height);
      assert.ok(Math.abs(mean - wanted * 255) < 3, `channel ${channel}: ${mean} for ${wanted * 255}`);
    });
  });

  test("are left out where the hash is none", () => {
    for (const broken of ["", "AA==", "not base64!"]) assert.equal(decodeThumbHash(broken), null);
  });
});

for (const [name, options] of [["desktop", DESKTOP], ["phone", PHONE]]) {
  describe(name, () => {
    test("rows are justified and nothing stands out of the page", () => open(options, {}, async (page) => {
      for (const { width, rows } of await rowsOf(page)) {
        for (const row of rows.slice(0, -1)) {
          assert.equal(row[0].left, 0);
          assert.equal(row.at(-1).right, width);
          assert.equal(new Set(row.map((tile) => tile.height)).size, 1);
        }
      }
      const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(content <= view, `${content} in ${view}`);
    }));

    test("photos are there after scrolling, and every one can be reached", () => open(options, {}, async (page) => {
      await page.evaluate(() => document.querySelector("main").scrollIntoView({ behavior: "instant" }));
      await page.waitForFunction(() => [...document.querySelectorAll(".tile img")].filter((image) => image.complete && image.naturalWidth > 1).length >= 4);
      const seen = new Set();
      for (let bottom = false; !bottom; ) {
        for (const index of await page.evaluate(() => [...document.querySelectorAll(".tile")].map((tile) => tile.dataset.index))) seen.add(index);
        bottom = await page.evaluate(async () => {
          scrollBy({ top: innerHeight, behavior: "instant" });
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          return scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
        });
      }
      assert.equal(seen.size, PHOTOS);
    }));

    test("a filter by guest leaves that guest's photos, with a moment fewer, with none what to do", () => open(options, {}, async (page) => {
      await page.click("#guests li:nth-child(1) button");
      assert.match(await page.textContent("#filter"), /^40 photos · Guest 1/);
      assert.match(page.url(), /#guest=0$/);
      await page.locator("section .only").nth(1).click();
      assert.match(await page.textContent("#filter"), /^9 photos · Guest 1 · Ceremony/);
      assert.equal(await page.locator("main section").count(), 1);
      await page.click("#guests li:nth-child(3) button");
      await page.click("#guests li:nth-child(8) button");
      assert.match(await page.textContent("main"), /No photo shows these guests together/);
      await page.click("#filter .clear");
      assert.equal(await page.locator("main section").count(), 7);
      assert.ok(await page.isHidden("#filter"));
      await page.goBack();
      assert.ok(await page.isVisible("#filter"));
    }));
  });
}

describe("the page", () => {
  test("tells date, size, promise, receipt, notices and failures", () => open(DESKTOP, {}, async (page) => {
    const header = await page.textContent("header");
    for (const text of ["Saturday, 20 June 2026", "Anna & Ben <3", "240 photos", "7 moments", "8 guests", "On time, 19 min early", "3 files not shown"]) {
      assert.ok(header.includes(text), text);
    }
    assert.equal(await page.getAttribute("a[href='receipt.json']", "href"), "receipt.json");
    assert.match(await page.textContent(".notices"), /One replica only/);
    const failures = await page.locator("#failures li").allTextContents();
    assert.equal(failures.length, 3);
    assert.match(failures[0], /card 2\/IMG_4711\.JPG.*ends after.*safe in the vault/s);
    assert.match(failures[2], /<b>empty<\/b>\.jpg.*has no bytes.*keep your copy/s);
  }));

  test("runs no script but its own", async () => {
    const context = await browser.newContext(DESKTOP);
    const page = await context.newPage();
    await page.goto(pathToFileURL(join(small, "index.html")).href);
    await page.evaluate(() => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'pwned'";
      document.body.append(script);
      document.body.insertAdjacentHTML("beforeend", "<img src=data:, onerror=\"document.title='pwned'\">");
    });
    await page.waitForFunction(() => [...document.images].at(-1).complete);
    assert.equal(await page.title(), "Anna & Ben <3");
    await context.close();
  });

  test("groups no faces without consent, and says so", () => {
    const album = JSON.parse(readFileSync(join(small, "gallery.json"), "utf8"));
    Object.assign(album, { consent: { faces: false }, guests: [], moments: [], failures: [], wedding: null, finished_at: null });
    album.photos.forEach((photo) => Object.assign(photo.analysis, { sharpness: null, faces: null }));
    execFileSync("cp", ["-r", small, plain]);
    writeFileSync(join(plain, "gallery.json"), JSON.stringify(album));
    example("render_album", join(plain, "gallery.json"));
    return open(DESKTOP, { gallery: plain }, async (page) => {
      assert.match(await page.textContent(".guests"), /Faces are grouped only with consent/);
      assert.match(await page.textContent("header"), /Due 20 June 2026/);
      assert.equal(await page.locator("#best, #failures, #guests").count(), 0);
      assert.equal(await page.textContent("main h2"), "All photos");
    });
  });

  test("jumps along the day by moment and by the histogram", () => open(DESKTOP, {}, async (page) => {
    const current = () => page.textContent("#moments a[aria-current]");
    await page.click("#moments a[data-moment='4']");
    await page.waitForFunction(() => document.querySelector("#moments a[aria-current]")?.textContent === "Dinner");
    await page.focus("#timeline");
    await page.keyboard.press("Home");
    assert.equal(await current(), "Getting ready");
    await page.keyboard.press("End");
    await page.waitForFunction(() => document.querySelector("#moments a[aria-current]")?.textContent === "Party");
    assert.match(await page.getAttribute("#timeline", "aria-valuetext"), /^\d\d:\d\d, Party$/);
    const box = await page.locator("#timeline").boundingBox();
    await page.mouse.click(box.x + box.width / 2, box.y + 10);
    await page.waitForFunction(() => document.querySelector("#moments a[aria-current]")?.textContent === "Couple portraits");
  }));

  test("shows the best photos when asked", () => open(DESKTOP, {}, async (page) => {
    await page.click("#best");
    assert.match(await page.textContent("#filter"), /sharp, eyes open/);
    assert.match(page.url(), /#best$/);
    const left = Number((await page.textContent("#filter b")).split(" ")[0]);
    assert.ok(left > 100 && left < 181, `${left}`);
  }));
});

describe("lightbox", () => {
  test("goes by keyboard, keeps the focus, and gives it back", () => open(DESKTOP, {}, async (page) => {
    await page.locator(".tile").first().focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await counted(page, "2 of 240");
    for (const [key, text] of [["ArrowRight", "3 of 240"], ["ArrowLeft", "2 of 240"], ["End", "240 of 240"], ["ArrowRight", "240 of 240"], ["Home", "1 of 240"]]) {
      await page.keyboard.press(key);
      await counted(page, text);
    }
    assert.match(await page.textContent("#caption"), /^script>\.jpg/, "a hostile name is shown as text");
    for (let at = 0; at < 12; at++) {
      await page.keyboard.press("Tab");
      assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest("dialog") !== null));
    }
    await page.keyboard.press("End");
    await page.keyboard.press("Escape");
    await closed(page);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.index), "239");
    assert.doesNotMatch(page.url(), /photo=/);
  }));

  test("tells everything about a photo, and links every file", () => open(DESKTOP, {}, async (page) => {
    await page.locator(".tile").nth(4).click();
    await page.keyboard.press("i");
    const text = await page.textContent("#details");
    for (const part of ["camera-0/IMG_00004.JPG", "backup/4.jpg", "20 June 2026, 10:13:00", "Getting ready (a pause of 12 minutes)", "Canon EOS R5", "RF50mm F1.2 L USM", "50 mm  f/1.8  1/250 s  ISO 400", "6000 × 4000, JPEG, 8.0 MB", "reception photos: three or more faces <b>", "0.30 s"]) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
    const links = await page.locator("#details a").evaluateAll((all) => all.map((link) => link.getAttribute("href")));
    assert.deepEqual(links, [512, 1024, 2048].map((edge) => `${edge}/sample%2C%2004.jpg`));
    assert.equal(await page.getAttribute("#download", "href"), links[2]);
  }));

  test("is a step of the history and an address", async () => {
    let address;
    await open(DESKTOP, {}, async (page) => {
      await page.locator(".tile").nth(3).click();
      await counted(page, "4 of 240");
      await page.keyboard.press("ArrowRight");
      address = new URL(page.url()).hash;
      await page.goBack();
      await closed(page);
    });
    await open(DESKTOP, { hash: address }, async (page) => {
      assert.equal(await counter(page), "5 of 240");
      await page.click("#close");
      await closed(page);
      assert.equal(new URL(page.url()).hash, "");
    });
  });

  test("zooms by double click and pans inside the photo", () => open(DESKTOP, {}, async (page) => {
    await page.locator(".tile").nth(3).click();
    await page.mouse.dblclick(700, 400);
    const scale = () => page.evaluate(() => new DOMMatrix(getComputedStyle(document.querySelector(".slide[data-slot='0'] .media")).transform).a);
    assert.equal(await scale(), 2.5);
    await page.keyboard.press("ArrowRight");
    assert.equal(await scale(), 1);
  }));

  test("follows fingers: swipe, pinch, double tap, pull down", () => open(PHONE, {}, async (page) => {
    await page.locator(".tile").nth(3).tap();
    await counted(page, "4 of 240");
    const session = await page.context().newCDPSession(page);
    const touch = (type, ...points) => session.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    const drag = async (from, to) => {
      await touch("touchStart", from);
      for (let part = 1; part <= 5; part++) await touch("touchMove", from.map((start, axis) => start + ((to[axis] - start) * part) / 5));
      await touch("touchEnd");
    };
    await drag([300, 350], [40, 356]);
    await counted(page, "5 of 240");
    await drag([40, 350], [300, 344]);
    await counted(page, "4 of 240");
    const scale = () => page.evaluate(() => new DOMMatrix(getComputedStyle(document.querySelector(".slide[data-slot='0'] .media")).transform).a);
    await touch("touchStart", [170, 350], [200, 350]);
    await touch("touchMove", [140, 350], [230, 350]);
    await touch("touchEnd");
    assert.ok(Math.abs((await scale()) - 3) < 0.01, `${await scale()}`);
    assert.equal(await counter(page), "4 of 240");
    for (let tap = 0; tap < 2; tap++) {
      await touch("touchStart", [187, 350]);
      await touch("touchEnd");
    }
    assert.equal(await scale(), 1);
    await drag([187, 300], [190, 600]);
    await closed(page);
  }));
});

describe("10,000 photos", () => {
  test("keep the document small wherever one scrolls", () => open(DESKTOP, { gallery: large }, async (page) => {
    const nodes = () => page.evaluate(() => document.querySelectorAll("*").length);
    const inView = () => page.evaluate(() => [...document.querySelectorAll(".tile")].filter((tile) => {
      const { top, bottom } = tile.getBoundingClientRect();
      return bottom > 150 && top < innerHeight;
    }).length);
    for (const part of [0.02, 0.31, 0.5, 0.77, 0.97]) {
      await page.evaluate((at) => scrollTo({ top: document.documentElement.scrollHeight * at, behavior: "instant" }), part);
      await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
      assert.ok((await inView()) >= 4, "the view is filled at once");
      assert.ok((await nodes()) < 1500, `${await nodes()} nodes`);
    }
    await page.waitForFunction(() => [...document.querySelectorAll(".tile img")].some((image) => image.complete && image.naturalWidth > 1));
  }));

  test("keep the photo in view when the window changes", () => open(DESKTOP, { gallery: large }, async (page) => {
    await page.evaluate(() => scrollTo({ top: document.documentElement.scrollHeight / 2, behavior: "instant" }));
    const first = () => page.evaluate(() => {
      const bar = document.getElementById("bar").getBoundingClientRect().bottom;
      const tiles = [...document.querySelectorAll(".tile")].filter((tile) => tile.getBoundingClientRect().bottom > bar + 14);
      return Number(tiles[0].dataset.index);
    });
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    const before = await first();
    await page.setViewportSize({ width: 800, height: 900 });
    await page.waitForFunction(() => document.querySelector(".tiles").clientWidth < 800);
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    assert.ok(Math.abs((await first()) - before) <= 6, `${before} became ${await first()}`);
  }));
});
