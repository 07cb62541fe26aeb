// Photos for tests in a browser: real ones, and as many more as are wanted.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { root } from "./service.mjs";

const REAL = join(root, "tests/data/photos");

/** True if faces can be seen here. Where everything is required, a test that needs them then fails instead of being skipped. */
export const hasModels = existsSync(join(process.env.PROCESSION_MODELS ?? join(homedir(), ".cache/procession/models"), "centerface.onnx")) || Boolean(process.env.PROCESSION_REQUIRE_ALL);

/** Photos of people who gave them away: [name, bytes]. */
export const realPhotos = () => readdirSync(REAL).filter((name) => name.endsWith(".jpg")).sort().map((name) => [name, readFileSync(join(REAL, name))]);

/** `count` photos that nobody took, 6 minutes apart from 10:00 on the day: [name, bytes]. `folder` is written to. */
export function madeUpPhotos(folder, count) {
  execFileSync("cargo", ["run", "--quiet", "--package", "procession-web", "--example", "sample_album", "--", folder, "1"], { cwd: root, stdio: "inherit" });
  const pictures = readdirSync(join(folder, "1024")).sort().map((name) => readFileSync(join(folder, "1024", name)));
  return Array.from({ length: count }, (_, at) => [`IMG_${String(at + 1).padStart(4, "0")}.jpg`, withTime(pictures[at % pictures.length], at * 360)]);
}

/** A JPEG with an EXIF segment that says when it was taken, in seconds after ten o'clock on the day. */
function withTime(jpeg, seconds) {
  const time = new Date(Date.UTC(2026, 5, 20, 10) + seconds * 1000).toISOString();
  const text = `${time.slice(0, 10).replaceAll("-", ":")} ${time.slice(11, 19)}\0`;
  // Big-endian TIFF: one entry in the first directory leads to the EXIF directory, and that one's to the text.
  const tiff = Buffer.alloc(44 + text.length);
  tiff.write("MM\0*", 0, "latin1");
  tiff.writeUInt32BE(8, 4);
  const entry = (at, tag, type, number, value) => [[tag, 2], [type, 2], [number, 4], [value, 4]].reduce((place, [part, bytes]) => tiff.writeUIntBE(part, place, bytes), at);
  tiff.writeUInt16BE(1, 8);
  entry(10, 0x8769, 4, 1, 26);
  tiff.writeUInt16BE(1, 26);
  entry(28, 0x9003, 2, text.length, 44);
  tiff.write(text, 44, "latin1");
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(tiff.length + 8, 2);
  return Buffer.concat([jpeg.subarray(0, 2), head, Buffer.from("Exif\0\0", "latin1"), tiff, jpeg.subarray(2)]);
}

/** Uploads photos into a gallery and waits until they are finished. */
export async function fill(service, gallery, photos) {
  for (const [name, bytes] of photos) {
    const metadata = [["gallery", gallery], ["filename", name]].map(([key, value]) => `${key} ${Buffer.from(value).toString("base64")}`).join(",");
    const headers = { authorization: `Bearer ${service.key}`, "tus-resumable": "1.0.0", "content-type": "application/offset+octet-stream", "upload-length": String(bytes.length), "upload-metadata": metadata };
    const answer = await fetch(`${service.url}/files`, { method: "POST", headers, body: bytes });
    assert.equal(answer.status, 201, `${name}: ${await answer.text()}`);
  }
  for (;;) {
    const { progress } = await service.api("GET", `/api/v1/galleries/${gallery}`);
    if (!progress.waiting && !progress.working) return assert.equal(progress.quarantined, 0);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
