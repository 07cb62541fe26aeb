// tus-js-client (npm) as its documentation says: node tus-js-client.mjs ENDPOINT KEY GALLERY AT_ONCE FILE...
// Prints one line of JSON with the seconds from the first byte to the last acknowledgement.

import { createReadStream } from "node:fs";
import { basename } from "node:path";
import * as tus from "tus-js-client";

const [endpoint, key, gallery, atOnce, ...files] = process.argv.slice(2);

const upload = (file) =>
  new Promise((resolve, reject) => {
    const upload = new tus.Upload(createReadStream(file), {
      endpoint,
      headers: { Authorization: `Bearer ${key}` },
      metadata: { gallery, filename: basename(file) },
      retryDelays: [0, 250, 500, 1000, 1000, 1000],
      onError: reject,
      onSuccess: ({ lastResponse }) =>
        lastResponse.getHeader("Procession-Photo") ? resolve() : reject(new Error(`${file} is not durable`)),
    });
    upload.start();
  });

let next = 0;
const client = async () => {
  while (next < files.length) await upload(files[next++]);
};
const start = process.hrtime.bigint();
await Promise.all(Array.from({ length: +atOnce }, client));
console.log(JSON.stringify({ seconds: Number(process.hrtime.bigint() - start) / 1e9 }));
