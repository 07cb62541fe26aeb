// The opponent of `cargo xtask bench gallery`: sharp makes the files of a pipeline, and nothing else.
//
// node sharp.js best|usual reception|portraits THREADS OUT PHOTO...
// usual: a pipeline for each file, as its documentation has it. best: one decode for each photo, everything else from raw buffers.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const sharp = require('sharp');

const [way, pipeline, threads, out, ...photos] = process.argv.slice(2);
// As many photos as there are threads, each on one: faster than libvips' own threads on one photo at a time.
sharp.concurrency(1);
sharp.cache(false);
fs.mkdirSync(out, { recursive: true });

const isPortrait = pipeline === 'portraits';
const [jpeg, webp] = isPortrait ? [90, 88] : [82, 80];
const edges = [2048, 1024, 512];
const inside = (edge) => [edge, edge, { fit: 'inside', withoutEnlargement: true }];
const square = [256, 256, { fit: 'cover' }];

async function work(photo) {
  const stem = path.basename(photo, path.extname(photo));
  const target = (name) => path.join(out, `${stem}_${name}`);
  const kept = (image) => (isPortrait ? image.keepExif() : image);
  const write = (from, name) => [
    kept(from().jpeg({ quality: jpeg, chromaSubsampling: '4:2:0' })).toFile(target(`${name}.jpg`)),
    ...(name === 'square-256' ? [] : [kept(from().webp({ quality: webp })).toFile(target(`${name}.webp`))]),
  ];
  const full = (from) => kept(from().jpeg({ quality: 92, chromaSubsampling: '4:4:4' })).toFile(target('full.jpg'));
  const open = () => sharp(photo).autoOrient();
  if (way === 'usual') {
    const files = edges.flatMap((edge) => write(() => open().resize(...inside(edge)), edge));
    files.push(...write(() => open().resize(...square), 'square-256'));
    if (isPortrait) files.push(full(open));
    return Promise.all(files);
  }
  const raw = (image) => image.raw().toBuffer({ resolveWithObject: true });
  const from = ({ data, info: { width, height, channels } }) => () => sharp(data, { raw: { width, height, channels } });
  const files = [];
  let image = open;
  if (isPortrait) {
    image = from(await raw(open()));
    files.push(full(image));
  }
  for (const edge of edges) {
    image = from(await raw(image().resize(...inside(edge))));
    files.push(...write(image, edge));
  }
  files.push(...write(() => image().resize(...square), 'square-256'));
  return Promise.all(files);
}

let next = 0;
const worker = async () => {
  while (next < photos.length) await work(photos[next++]);
};
Promise.all(Array.from({ length: +threads }, worker)).catch((error) => {
  console.error(error);
  process.exit(1);
});
