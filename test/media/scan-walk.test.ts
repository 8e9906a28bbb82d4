/** Where a JPEG's codes end: whatever stands behind them goes, and not a byte of them, in every coding that libvips writes. */
import sharp, { type JpegOptions, type Sharp } from 'sharp';
import test from 'tap';
import { bufferSource, readAll } from '../../src/base/source.js';
import { proveClean, scrub } from '../../src/media/scrubber.js';
import { drawing } from './corpus/base.js';
import { restartJpeg } from './corpus/jpeg.js';
import { numbers } from './corpus/plant.js';

const TEXT = Buffer.from('PLANTED behind the codes, where no decoder looks');
const CODINGS: readonly JpegOptions[] = [
  {},
  { chromaSubsampling: '4:4:4', quality: 97 },
  { progressive: true },
  { progressive: true, chromaSubsampling: '4:4:4', quality: 98 },
  { mozjpeg: true, quality: 30 },
  { quality: 100, optimiseCoding: false },
];

async function scrubbed(jpeg: Buffer): Promise<Buffer> {
  const source = bufferSource(jpeg);
  return readAll(await proveClean(await scrub(source, 'image/jpeg'), source));
}

const beforeEnd = (jpeg: Buffer, what: Buffer): Buffer =>
  Buffer.concat([jpeg.subarray(0, -2), what, jpeg.subarray(-2)]);

async function encodings(): Promise<Buffer[]> {
  const all: Buffer[] = [restartJpeg(9, 7, 4), restartJpeg(30, 1, 1), restartJpeg(5, 5, 0)];
  for (const [width, height] of [
    [1, 1],
    [7, 9],
    [16, 16],
    [17, 33],
    [200, 131],
  ] as const) {
    for (const options of CODINGS) {
      all.push(await drawing(width, height, 3).jpeg(options).toBuffer());
      all.push(await drawing(width, height, 1).toColourspace('b-w').jpeg(options).toBuffer());
      all.push(await drawing(width, height, 3).toColourspace('cmyk').jpeg(options).toBuffer());
    }
  }
  return all;
}

test.test('what stands behind the last code goes, be it text, zeros or noise', async (t) => {
  const dice = numbers(7);
  const noise = Buffer.from(Array.from({ length: 300 }, () => dice(255)));
  let wrong = 0;
  for (const jpeg of await encodings()) {
    const clean = await scrubbed(jpeg);
    const scanKept = clean.subarray(-40).equals(jpeg.subarray(-40)) || clean.length < 60;
    if (!scanKept) wrong++;
    for (const what of [TEXT, Buffer.alloc(100), noise, Buffer.from([1])]) {
      if (!(await scrubbed(beforeEnd(jpeg, what))).equals(clean)) wrong++;
    }
  }
  t.equal(wrong, 0);
});

test.test('in a file of more than 512 KiB text behind the codes goes too, across pieces of the file', async (t) => {
  const dice = numbers(3);
  const pixels = Buffer.from(Array.from({ length: 1500 * 700 * 3 }, () => dice(256)));
  const noisy = (): Sharp => sharp(pixels, { raw: { width: 1500, height: 700, channels: 3 } });
  for (const options of [{ quality: 90 }, { quality: 90, progressive: true }]) {
    const jpeg = await noisy().jpeg(options).toBuffer();
    t.ok(jpeg.length > 600_000, `${jpeg.length} bytes`);
    t.same(await scrubbed(beforeEnd(jpeg, TEXT)), await scrubbed(jpeg));
  }
});

test.test('a scan whose codes end too early is refused', async (t) => {
  const jpeg = await drawing(100, 100, 3).jpeg().toBuffer();
  await t.rejects(scrubbed(Buffer.concat([jpeg.subarray(0, -40), jpeg.subarray(-2)])), { code: 'unreadable' });
});
