// What the service carries of others is what they published, at the versions of package-lock.json.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

for (const [ours, theirs] of [
  ["tus.min.js", "tus-js-client/dist/tus.min.js"],
  ["tus-js-client-LICENSE.txt", "tus-js-client/LICENSE"],
  ["newsreader-latin-400-normal.woff2", "@fontsource/newsreader/files/newsreader-latin-400-normal.woff2"],
  ["newsreader-latin-ext-400-normal.woff2", "@fontsource/newsreader/files/newsreader-latin-ext-400-normal.woff2"],
  ["newsreader-LICENSE.txt", "@fontsource/newsreader/LICENSE"],
]) {
  test(`${ours} is the file of the package`, () => {
    const [carried, published] = [join(root, "crates/web/src/pages/vendor", ours), join(root, "node_modules", theirs)].map((path) => readFileSync(path));
    assert.ok(carried.equals(published), `copy node_modules/${theirs} to crates/web/src/pages/vendor/${ours}`);
  });
}
