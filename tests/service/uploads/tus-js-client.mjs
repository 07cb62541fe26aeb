// tus-js-client (npm), as its documentation says. Run by clients.rs: node tus-js-client.mjs ENDPOINT KEY GALLERY FILE FOLDER WAY
// Says what happens in lines on standard output; the last one has the upload's URL and the photo.

import { createReadStream, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { PassThrough } from "node:stream";
import * as tus from "tus-js-client";

const [endpoint, key, gallery, file, folder, way] = process.argv.slice(2);
const bytes = readFileSync(file);
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

function options(more) {
  return {
    endpoint,
    headers: { Authorization: `Bearer ${key}` },
    metadata: { gallery, filename: basename(file) },
    retryDelays: Array(60).fill(250),
    ...more,
  };
}

/** Uploads until the end, or until `stop` says so. */
function upload(source, more, stop = () => false) {
  return new Promise((resolve, reject) => {
    const upload = new tus.Upload(source, options({
      ...more,
      onError: reject,
      onSuccess: ({ lastResponse }) => resolve({ url: upload.url, photo: lastResponse.getHeader("Procession-Photo") }),
      onChunkComplete: (size, accepted) => {
        say({ accepted });
        if (stop(accepted)) upload.abort().then(() => resolve({ url: upload.url }), reject);
      },
    }));
    upload.findPreviousUploads().then((previous) => {
      say({ previous: previous.length });
      if (previous.length > 0) upload.resumeFromPreviousUpload(previous[0]);
      upload.start();
    }, reject);
  });
}

const ways = {
  whole: () => upload(bytes, {}),
  "with creation": () => upload(bytes, { uploadDataDuringCreation: true }),
  override: () => upload(bytes, { overridePatchMethod: true, chunkSize: 100_000 }),
  parallel: () => upload(bytes, { parallelUploads: 4 }),
  // A stream of unknown length. (Of a file's own stream the client knows the length, and then announces wrong chunks.)
  deferred: () => upload(createReadStream(file).pipe(new PassThrough()), { uploadLengthDeferred: true, chunkSize: 65_536 }),
  chunks: () => upload(bytes, { chunkSize: 500_000 }),
  // Two processes, one after the other, with what the first remembered.
  async resumed() {
    const urlStorage = new tus.FileUrlStorage(join(folder, "tus-urls.json"));
    const stored = { urlStorage, storeFingerprintForResuming: true, chunkSize: 50_000 };
    const source = () => createReadStream(file);
    const first = await upload(source(), stored, (accepted) => accepted >= 100_000);
    const second = await upload(source(), stored);
    if (first.url !== second.url) throw new Error("the upload began again");
    return second;
  },
  async terminated() {
    const { url } = await upload(bytes, { chunkSize: 1_000 }, () => true);
    await tus.Upload.terminate(url, options({}));
    return { url };
  },
};

say({ done: await ways[way](), bytes: statSync(file).size });
