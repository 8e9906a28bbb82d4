/** What the door promises of good pictures, and of bad ones. */
import type { Sharp } from 'sharp';
import sharp from 'sharp';
import test from 'tap';
import { bufferSource } from '../../../src/base/source.js';
import { SAMPLE_FRAMES, startDecoder } from '../../../src/media/decoder/decoder.js';
import { scaledSize } from '../../../src/media/decoder/reencode.js';
import { animation, encoded, flat, noise, pngBomb, TYPES } from './made.js';

// Each picture is a process: on a busy machine that adds up to more than tap waits for a file by itself.
test.setTimeout(240_000);

const decoder = startDecoder({ children: 2, warm: 1 });
test.teardown(() => decoder.close());

const unreadable = (reason: string) => ({ name: 'Refusal', code: 'unreadable', detail: { reason } });

test.test('facts are those of the pixels', async (t) => {
  for (const type of TYPES) {
    for (const [width, height] of [
      [1, 1],
      [513, 511],
      [1025, 7],
    ] as const) {
      const bytes = await encoded(noise(width, height), type);
      const { facts, preview, luma, frames, reencoded } = await decoder.decode(bufferSource(bytes), type, {});
      t.match(facts, { width, height, frames: 1 }, `${type} ${width}x${height}`);
      t.strictSame([preview, luma, frames, reencoded], [null, null, [], null], 'and nothing that was not asked for');
    }
  }
  for (const type of ['image/png', 'image/webp'] as const) {
    for (const channels of [3, 4] as const) {
      const bytes = await encoded(noise(20, 10, channels), type);
      t.equal((await decoder.decode(bufferSource(bytes), type, {})).facts.hasAlpha, channels === 4);
    }
  }
});

test.test('a preview is a small upright WebP in sRGB without metadata', async (t) => {
  const camera = { exif: { IFD0: { Make: 'planted-camera' } } };
  for (const type of ['image/jpeg', 'image/png', 'image/webp'] as const) {
    const picture = noise(800, 600).withMetadata({ orientation: 6 }).withExifMerge(camera.exif).withIccProfile('p3');
    const { facts, preview } = await decoder.decode(bufferSource(await encoded(picture, type)), type, {
      preview: { longSide: 320 },
    });
    t.match(facts, { width: 600, height: 800 }, `${type} as displayed`);
    const seen = await sharp(preview ?? Buffer.alloc(0)).metadata();
    t.match(seen, { format: 'webp', width: 240, height: 320, space: 'srgb' });
    for (const trace of ['exif', 'icc', 'xmp', 'iptc', 'orientation'] as const) t.notOk(trace in seen, trace);
    t.notOk(preview?.includes('planted-camera'));
  }
});

test.test('all eight orientations come out upright', async (t) => {
  // A dark top left corner, wherever the file has it, once the orientation is applied.
  const upright = await sharp({ create: { width: 64, height: 32, channels: 3, background: '#fff' } })
    .composite([{ input: { create: { width: 16, height: 8, channels: 3, background: '#000' } }, top: 0, left: 0 }])
    .png()
    .toBuffer();
  const turned: Record<number, (s: Sharp) => Sharp> = {
    1: (s) => s,
    2: (s) => s.flop(),
    3: (s) => s.rotate(180),
    4: (s) => s.flip(),
    5: (s) => s.rotate(270).flop(),
    6: (s) => s.rotate(270),
    7: (s) => s.rotate(90).flop(),
    8: (s) => s.rotate(90),
  };
  for (const [orientation, turn] of Object.entries(turned)) {
    const raw = await turn(sharp(upright)).png().toBuffer();
    const bytes = await sharp(raw)
      .withMetadata({ orientation: Number(orientation) })
      .jpeg({ quality: 95 })
      .toBuffer();
    const { facts, luma } = await decoder.decode(bufferSource(bytes), 'image/jpeg', { luma: true });
    t.match(facts, { width: 64, height: 32 }, `orientation ${orientation}`);
    t.ok((luma?.data[2 * 64 + 4] ?? 255) < 40, 'dark at the top left');
    t.ok((luma?.data[29 * 64 + 60] ?? 0) > 215, 'light at the bottom right');
  }
});

test.test('luma is the brightness of the picture, its long side at most 512', async (t) => {
  for (const [width, height, wide, high] of [
    [511, 100, 511, 100],
    [512, 512, 512, 512],
    [513, 100, 512, 100],
    [1024, 256, 512, 128],
    [30, 2000, 8, 512],
  ] as const) {
    const { luma } = await decoder.decode(bufferSource(await encoded(flat(width, height), 'image/png')), 'image/png', {
      luma: true,
      preview: { longSide: 700 },
    });
    t.match(luma, { width: wide, height: high });
    const expected = Math.round((299 * 0x88 + 587 * 0x44 + 114 * 0x22) / 1000);
    t.ok(luma?.data.every((value) => Math.abs(value - expected) <= 1));
  }
});

test.test('every frame of an animation is seen, and the odd one is among the samples', async (t) => {
  for (const type of ['gif', 'webp'] as const) {
    const bytes = await animation(type, 60, 120, 80, (frame) => (frame === 41 ? 240 : 30));
    const { facts, frames, preview } = await decoder.decode(bufferSource(bytes), `image/${type}`, {
      luma: true,
      preview: { longSide: 64 },
    });
    t.match(facts, { width: 120, height: 80, frames: 60 }, type);
    t.ok(frames.length <= SAMPLE_FRAMES);
    t.ok(
      frames.some(({ data }) => (data[40 * 120 + 60] ?? 0) > 200),
      'frame 41',
    );
    t.ok((frames[0]?.data[40 * 120 + 60] ?? 255) < 60, 'the first one first');
    t.equal((await sharp(preview ?? Buffer.alloc(0)).metadata()).pages ?? 1, 1, 'a preview is a still');
  }
});

test.test('a picture that ends early is refused', async (t) => {
  for (const type of TYPES) {
    const bytes = await encoded(noise(200, 150), type);
    for (const cut of [20, bytes.length >> 1, bytes.length - 20]) {
      const short = bufferSource(bytes.subarray(0, bytes.length - cut));
      await t.rejects(decoder.decode(short, type, {}), unreadable('undecodable'), `${type} without its last ${cut}`);
    }
  }
  const half = pngBomb(64, 64, 32);
  await t.rejects(decoder.decode(bufferSource(half), 'image/png', {}), unreadable('undecodable'), 'rows are missing');
});

test.test('damage that browsers shrug at passes', async (t) => {
  const jpeg = await encoded(noise(200, 150), 'image/jpeg');
  const end = jpeg.subarray(-2);
  const table: [string, Buffer][] = [
    ['zeros before the end', Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(100), end])],
    ['fill bytes', Buffer.concat([jpeg.subarray(0, 2), Buffer.from([0xff, 0xff]), jpeg.subarray(2)])],
    ['bytes behind the end', Buffer.concat([jpeg, Buffer.from('behind')])],
  ];
  for (const [name, bytes] of table) {
    t.match((await decoder.decode(bufferSource(bytes), 'image/jpeg', {})).facts, { width: 200, height: 150 }, name);
  }
});

test.test('a file of another type than it was said to be is refused', async (t) => {
  const small = flat(64, 64);
  const foreign: [string, Buffer][] = [
    ['AVIF', await small.clone().avif().toBuffer()],
    ['TIFF', await small.clone().tiff().toBuffer()],
    [
      'SVG',
      Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'),
    ],
    ['text', Buffer.from('not a picture at all, just text')],
    ['nothing', Buffer.alloc(0)],
  ];
  for (const type of ['image/jpeg', 'image/png'] as const) {
    for (const [name, bytes] of foreign) {
      await t.rejects(decoder.decode(bufferSource(bytes), type, {}), unreadable('undecodable'), `${name} as ${type}`);
    }
  }
  for (const [index, type] of TYPES.entries()) {
    const other = TYPES[(index + 1) % TYPES.length]!;
    const bytes = await encoded(small.clone(), other);
    await t.rejects(decoder.decode(bufferSource(bytes), type, {}), unreadable('undecodable'), `${other} as ${type}`);
  }
});

test.test('a hard scrub makes a picture anew, smaller and without a trace', async (t) => {
  const marks = { IFD0: { Make: 'planted-camera' } };
  for (const type of TYPES) {
    const planted = noise(800, 600).withMetadata({ density: 301 }).withExifMerge(marks).withIccProfile('p3');
    const bytes = await encoded(planted, type);
    const { reencoded } = await decoder.decode(bufferSource(bytes), type, { reencode: { type } });
    const seen = await sharp(reencoded ?? Buffer.alloc(0)).metadata();
    t.equal(`image/${seen.format}`, type);
    t.ok(seen.width >= 744 && seen.width <= 784, `${type} is resampled: ${seen.width}`);
    t.ok(Math.abs(seen.width * 600 - seen.height * 800) <= 800, 'in its proportions');
    for (const trace of ['exif', 'icc', 'xmp', 'iptc', 'orientation'] as const) t.notOk(trace in seen, trace);
    t.not(seen.density, 301, 'not even its density');
    t.notOk(reencoded?.includes('planted-camera'));
    t.ok(await decoder.decode(bufferSource(reencoded ?? Buffer.alloc(0)), type, {}), 'and it decodes');
  }
});

test.test('a hard scrub keeps frames and their timing, and the bound on pixels', async (t) => {
  for (const type of ['gif', 'webp'] as const) {
    const bytes = await animation(type, 6, 100, 80, (frame) => 40 * frame);
    const { reencoded } = await decoder.decode(bufferSource(bytes), `image/${type}`, {
      reencode: { type: `image/${type}`, maxPixels: 2000 },
    });
    const seen = await sharp(reencoded ?? Buffer.alloc(0), { animated: true }).metadata();
    t.match(seen, { pages: 6, delay: [70, 70, 70, 70, 70, 70], loop: 0 }, type);
    t.ok(seen.width * (seen.pageHeight ?? 0) <= 2000);
  }
});

test.test('the size of a hard scrub: within its bound, never zero, never the same', (t) => {
  const facts = { width: 4000, height: 3000, frames: 1, hasAlpha: false };
  t.strictSame(scaledSize(facts, 0, 0), { width: 3720, height: 2790 });
  t.strictSame(scaledSize(facts, 12_000_000, 1), { width: 3920, height: 2940 });
  t.strictSame(scaledSize({ ...facts, width: 1, height: 1 }, 1, 0), { width: 1, height: 1 });
  for (let chance = 0; chance <= 1; chance += 0.125) {
    const { width, height } = scaledSize(facts, 3_000_000, chance);
    t.ok(width * height < 3_000_000 && width * height > 2_500_000);
  }
  t.end();
});

test.test('a failure of the source comes through as it is, and costs one child', async (t) => {
  const broken = { size: 10, read: () => Promise.reject(new Error('the store is broken')) };
  await t.rejects(decoder.decode(broken, 'image/png', {}), { message: 'the store is broken' });
  t.ok(await decoder.decode(bufferSource(await encoded(flat(9, 9), 'image/png')), 'image/png', {}));
});

test.test('the bytes of the source are wiped when they have passed', async (t) => {
  const bytes = await encoded(noise(600, 600), 'image/png');
  const handed: Buffer[] = [];
  const source = {
    size: bytes.length,
    read(offset: number, length: number): Promise<Buffer> {
      const piece = Buffer.from(bytes.subarray(offset, offset + length));
      handed.push(piece);
      return Promise.resolve(piece);
    },
  };
  await decoder.decode(source, 'image/png', {});
  t.ok(handed.length > 1, 'in pieces');
  t.ok(handed.every((piece) => piece.every((byte) => byte === 0)));
});

test.test(
  'colour comes with each plane of brightness, small, upright and on white, and only where it is asked for',
  async (t) => {
    const half = { create: { width: 300, height: 400, channels: 3, background: '#0000ff' } } as const;
    const picture = sharp({ create: { width: 600, height: 400, channels: 3, background: '#ff0000' } })
      .composite([{ input: half, left: 300, top: 0 }])
      .withMetadata({ orientation: 3 });
    const { colours, luma } = await decoder.decode(bufferSource(await encoded(picture, 'image/png')), 'image/png', {
      luma: true,
      colour: true,
    });
    t.match(luma, { width: 512 });
    t.match(colours, [{ width: 320, height: 213 }]);
    const at = (x: number): number[] => [...(colours[0]?.data.subarray(3 * x, 3 * x + 3) ?? [])];
    t.strictSame(
      [at(10), at(310)],
      [
        [0, 0, 255],
        [255, 0, 0],
      ],
    );
    const clear = sharp({
      create: { width: 9, height: 9, channels: 4, background: { r: 255, g: 0, b: 0, alpha: 0.5 } },
    });
    const seen = await decoder.decode(bufferSource(await encoded(clear, 'image/png')), 'image/png', {
      luma: true,
      colour: true,
    });
    t.strictSame([...(seen.colours[0]?.data.subarray(0, 3) ?? [])], [255, 127, 127]);
    const plain = await decoder.decode(bufferSource(await encoded(clear, 'image/png')), 'image/png', { luma: true });
    t.strictSame(plain.colours, []);
    const without = await decoder.decode(bufferSource(await encoded(clear, 'image/png')), 'image/png', {
      colour: true,
    });
    t.strictSame([without.luma, without.colours], [null, []]);
  },
);

test.test('of an animation, frames that differ in colour alone are told apart where colour is asked for', async (t) => {
  // Green and red of the same brightness.
  const colours = [
    [0, 130, 0],
    [0, 130, 0],
    [255, 0, 0],
    [0, 130, 0],
  ];
  const [width, height] = [32, 24];
  const data = Buffer.concat(colours.map((colour) => Buffer.alloc(3 * width * height, Buffer.from(colour))));
  const roll = { width, height: height * colours.length, channels: 3, pageHeight: height } as const;
  const bytes = await sharp(data, { raw: roll })
    .webp({ lossless: true, delay: [90, 91, 92, 93] })
    .toBuffer();
  const seen = await decoder.decode(bufferSource(bytes), 'image/webp', { luma: true, colour: true });
  t.equal(seen.colours.length, 1 + seen.frames.length);
  t.ok(seen.colours.some(({ data: [red = 0, green = 0] }) => red > 250 && green < 5));
});
