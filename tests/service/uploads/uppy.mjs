// Uppy (npm) with its tus plug-in: a few files at once. Run by clients.rs: node uppy.mjs ENDPOINT KEY GALLERY FILE…

import { readFileSync } from "node:fs";
import { basename } from "node:path";
import Uppy from "@uppy/core";
import Tus from "@uppy/tus";

const [endpoint, key, gallery, ...files] = process.argv.slice(2);
const photos = {};
const uppy = new Uppy({ meta: { gallery } });
uppy.use(Tus, {
  endpoint,
  headers: { Authorization: `Bearer ${key}` },
  limit: 3,
  chunkSize: 100_000,
  // Uppy keeps no answers; this is its plug-in's own option.
  onAfterResponse: (_, response) => {
    const photo = response.getHeader("Procession-Photo");
    if (photo) photos[photo] = true;
  },
});
for (const file of files) {
  const data = readFileSync(file);
  uppy.addFile({ name: basename(file), type: "image/jpeg", data, size: data.length });
}
const { successful, failed } = await uppy.upload();
const reasons = failed.map(({ name, error }) => ({ name, error }));
process.stdout.write(`${JSON.stringify({ uploaded: successful.map(({ name }) => name), reasons, photos: Object.keys(photos) })}\n`);
