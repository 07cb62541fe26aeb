// The opponent of `cargo xtask bench pixel`: sharp at its best. One decode to 2048 pixels, everything else from raw buffers.
//
// node job.js THREADS ROUNDS OUT jpeg|webp QUALITY PHOTO...   prints one line of JSON.
//
// With USUAL=1 as its documentation has it: a pipeline from the file for each.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const sharp = require('sharp');

const [threads, rounds, out, format, quality, ...photos] = process.argv.slice(2);
// As many photos as there are threads, each on one: faster than libvips' own threads on one photo at a time.
sharp.concurrency(1);
sharp.cache(false);
fs.mkdirSync(out, { recursive: true });

const encoded = (image) =>
  format === 'webp'
    ? image.webp({ quality: +quality, effort: +(process.env.EFFORT ?? 4) })
    : image.jpeg({ quality: +quality, chromaSubsampling: '4:2:0' });
const extension = format === 'webp' ? 'webp' : 'jpg';
const usual = process.env.USUAL === '1';
const grey = { r: 114, g: 114, b: 114 };

async function work(photo) {
  const stem = path.basename(photo, path.extname(photo));
  const target = (name) => path.join(out, `${stem}_${name}`);
  const raw = (image) => image.raw().toBuffer({ resolveWithObject: true });
  const from = ({ data, info }) =>
    sharp(data, { raw: { width: info.width, height: info.height, channels: info.channels } });
  const write = (image, name) => encoded(image).toFile(target(`${name}.${extension}`));
  const tensor = async (image, name) => fs.promises.writeFile(target(name), await image.raw().toBuffer());

  const whole = () => sharp(photo).autoOrient();
  const inside = (image, edge) => image.resize(edge, edge, { fit: 'inside', withoutEnlargement: true });
  // Each from the file, or 2048 from that and the others from 1024.
  const kept = async (image) => (usual ? null : raw(image));
  const large = await kept(inside(whole(), 2048));
  const middle = await kept(usual ? whole() : inside(from(large), 1024));
  const source = () => (usual ? whole() : from(middle));
  const files = [write(usual ? inside(whole(), 2048) : from(large), '2048')];
  files.push(write(usual ? inside(whole(), 1024) : from(middle), '1024'));
  files.push(write(inside(source(), 512), '512'));
  if (format !== 'webp') files.push(write(source().resize(256, 256, { fit: 'cover' }), '256'));
  files.push(tensor(source().resize(640, 640, { fit: 'contain', background: grey }), '640.rgb'));
  files.push(tensor(source().resize(224, 224, { fit: 'cover' }), '224.rgb'));
  await Promise.all(files);
}

async function main() {
  const total = photos.length * +rounds;
  let next = 0;
  const start = process.hrtime.bigint();
  const worker = async () => {
    while (next < total) await work(photos[next++ % photos.length]);
  };
  await Promise.all(Array.from({ length: +threads }, worker));
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const peak = process.resourceUsage().maxRSS * 1024;
  const cpu = process.cpuUsage();
  const cpuSeconds = +((cpu.user + cpu.system) / 1e6).toFixed(2);
  console.log(JSON.stringify({ images: total, seconds: +seconds.toFixed(4), cpu_seconds: cpuSeconds, peak_rss_bytes: peak }));
}

main();
