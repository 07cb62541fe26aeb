// ThumbHash (https://evanw.github.io/thumbhash/): a handful of cosine terms of a photo's luma, two colour differences and
// alpha, here straight to pixels.

/** Reads one channel's terms (a triangle of nx × ny, without the constant one) from 4-bit numbers. */
function readTerms(nibble, nx, ny, scale) {
  const terms = [];
  for (let y = 0; y < ny; y++) {
    for (let x = y ? 0 : 1; x * ny < nx * (ny - y); x++) terms.push([x, y, (nibble() / 7.5 - 1) * scale]);
  }
  return terms;
}

/** {width, height, rgba} of a hash in base64, the longer edge 32 pixels; null if it is none. */
function decodeThumbHash(base64) {
  let hash;
  try {
    hash = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
  if (hash.length < 5) return null;
  const head = hash[0] | (hash[1] << 8) | (hash[2] << 16);
  const tail = hash[3] | (hash[4] << 8);
  const hasAlpha = head >> 23, isLandscape = tail >> 15;
  const sides = [hasAlpha ? 5 : 7, Math.max(3, tail & 7)];
  const [lx, ly] = isLandscape ? sides : [sides[1], sides[0]];
  let position = (hasAlpha ? 6 : 5) * 2;
  const nibble = () => (hash[position >> 1] >> ((position++ & 1) << 2)) & 15;
  const lTerms = readTerms(nibble, Math.max(3, lx), Math.max(3, ly), ((head >> 18) & 31) / 31);
  const pTerms = readTerms(nibble, 3, 3, (((tail >> 3) & 63) / 63) * 1.25);
  const qTerms = readTerms(nibble, 3, 3, (((tail >> 9) & 63) / 63) * 1.25);
  const ratio = lx / ly;
  const width = Math.round(ratio > 1 ? 32 : 32 * ratio), height = Math.round(ratio > 1 ? 32 / ratio : 32);
  const l = plane((head & 63) / 63, lTerms, width, height);
  const p = plane(((head >> 6) & 63) / 31.5 - 1, pTerms, width, height);
  const q = plane(((head >> 12) & 63) / 31.5 - 1, qTerms, width, height);
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let at = 0; at < width * height; at++) {
    const blue = l[at] - (2 / 3) * p[at];
    const red = (3 * l[at] - blue + q[at]) / 2;
    rgba[at * 4] = red * 255;
    rgba[at * 4 + 1] = (red - q[at]) * 255;
    rgba[at * 4 + 2] = blue * 255;
    rgba[at * 4 + 3] = 255;
  }
  return { width, height, rgba };
}

function plane(constant, terms, width, height) {
  const cosines = (count) => (order) => Float32Array.from({ length: count }, (_, at) => Math.cos((Math.PI / count) * (at + 0.5) * order));
  const acrossAll = Array.from({ length: 8 }, (_, order) => cosines(width)(order));
  const downAll = Array.from({ length: 8 }, (_, order) => cosines(height)(order));
  const values = new Float32Array(width * height).fill(constant);
  for (const [x, y, weight] of terms) {
    const across = acrossAll[x], down = downAll[y];
    for (let row = 0, at = 0; row < height; row++) {
      const factor = down[row] * weight * 2;
      for (let column = 0; column < width; column++) values[at++] += across[column] * factor;
    }
  }
  return values;
}

/** A small canvas with the placeholder, to be stretched over the photo's box; null without a hash. */
function placeholderOf(photo) {
  const image = decodeThumbHash(photo.thumb);
  if (!image) return null;
  const canvas = element("canvas", { className: "placeholder", width: image.width, height: image.height, "aria-hidden": "true" });
  canvas.getContext("2d").putImageData(new ImageData(image.rgba, image.width, image.height), 0, 0);
  return canvas;
}
