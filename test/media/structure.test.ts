/** What a scrubbed picture consists of, part by part, where rendering it doesn't show the difference. */
import test from 'tap';
import { bufferSource, readAll } from '../../src/base/source.js';
import { reduceProfile } from '../../src/media/icc.js';
import type { PictureType } from '../../src/media/media-type.js';
import { Plan } from '../../src/media/plan.js';
import { proveClean, scrub } from '../../src/media/scrubber.js';
import { drawing, profileOf } from './corpus/base.js';
import { dirtyProfile, exif } from './corpus/blocks.js';
import { partsOf } from './corpus/gif.js';
import { restartJpeg, segment } from './corpus/jpeg.js';
import { animation, assemble, chunksOf, remainsInFrames } from './corpus/png.js';

async function scrubbed(bytes: Buffer, type: PictureType): Promise<Buffer> {
  const source = bufferSource(bytes);
  return readAll(await proveClean(await scrub(source, type), source));
}

const tagsOf = (profile: Buffer): string[] =>
  Array.from({ length: profile.readUInt32BE(128) }, (_, n) => profile.toString('latin1', 132 + n * 12, 136 + n * 12));

test.test(
  'a profile is reduced to its colours, whatever else it held, and reduced twice is reduced once',
  async (t) => {
    for (const name of ['p3', 'srgb', 'cmyk']) {
      const picture = drawing(8, 8, 3).withIccProfile(name);
      const profile = await profileOf(await (name === 'cmyk' ? picture.tiff() : picture.png()).toBuffer());
      const reduced = reduceProfile(profile)!;
      t.same(reduceProfile(reduced), reduced, name);
      t.same(reduceProfile(dirtyProfile(profile)), reduced, `${name}, dirty`);
      t.equal(reduced.readUInt32BE(0), reduced.length);
      t.equal(reduced.length % 4, 0);
      const kept = tagsOf(profile).filter((tag) =>
        /^(?:wtpt|bkpt|chad|[rgb]XYZ|[rgbk]TRC|A2B[012]|B2A[012])$/.test(tag),
      );
      t.strictSame(tagsOf(reduced).slice(2).sort(), kept.sort(), `${name} keeps all that make colours`);
      const unsaid = [
        ...reduced.subarray(4, 8),
        ...reduced.subarray(24, 36),
        ...reduced.subarray(40, 64),
        ...reduced.subarray(80, 128),
      ];
      t.ok(
        unsaid.every((byte) => byte === 0),
        'no maker, date, platform, model, creator, ID',
      );
    }
  },
);

test.test('what is no profile is none', async (t) => {
  const profile = await profileOf(await drawing(8, 8, 3).withIccProfile('p3').png().toBuffer());
  const broken = (change: (copy: Buffer) => unknown): Buffer => {
    const copy = Buffer.from(profile);
    change(copy);
    return copy;
  };
  t.equal(reduceProfile(Buffer.alloc(0)), null);
  t.equal(reduceProfile(profile.subarray(0, 131)), null);
  t.equal(reduceProfile(broken((copy) => copy.writeUInt32BE(copy.length + 1, 0))), null, 'larger than it is');
  t.equal(reduceProfile(broken((copy) => copy.write('none', 36, 'latin1'))), null, 'no signature');
  t.equal(reduceProfile(broken((copy) => copy.write('link', 12, 'latin1'))), null, 'a device link');
  t.equal(reduceProfile(broken((copy) => copy.writeUInt32BE(101, 128))), null, 'too many tags');
  t.equal(reduceProfile(broken((copy) => copy.writeUInt32BE(0xffff_fff0, 136))), null, 'a tag outside');
});

test.test('the chunks about colour come out of a PNG as they went in, and only in their place', async (t) => {
  const pieces = chunksOf(await drawing(9, 9, 3).png().toBuffer()).filter(({ type }) =>
    /^(?:IHDR|IDAT|IEND)$/.test(type),
  );
  const at = pieces.findIndex(({ type }) => type === 'IDAT');
  const colour = [
    { type: 'cICP', content: Buffer.from([9, 16, 0, 1]) },
    { type: 'mDCV', content: Buffer.alloc(24, 3) },
    { type: 'cLLI', content: Buffer.alloc(8, 2) },
    { type: 'gAMA', content: Buffer.from([0, 0, 0xb1, 0x8f]) },
    { type: 'cHRM', content: Buffer.alloc(32, 1) },
    { type: 'sRGB', content: Buffer.from([1]) },
    { type: 'tRNS', content: Buffer.from([0, 1, 0, 2, 0, 3]) },
  ];
  const clean = assemble([...pieces.slice(0, at), ...colour, ...pieces.slice(at)]);
  t.same(await scrubbed(clean, 'image/png'), clean);
  const twice = assemble([...pieces.slice(0, at), ...colour, ...colour, ...pieces.slice(at)]);
  t.same(await scrubbed(twice, 'image/png'), clean, 'the first of each counts');
  const late = assemble([...pieces.slice(0, -1), ...colour, ...pieces.slice(-1)]);
  t.same(await scrubbed(late, 'image/png'), assemble(pieces), 'behind the image data they mean nothing');
  for (const [index, each] of colour.entries()) {
    const longer = [...colour];
    longer[index] = { type: each.type, content: Buffer.concat([each.content, Buffer.from('x')]) };
    const wrong = assemble([...pieces.slice(0, at), ...longer, ...pieces.slice(at)]);
    const right = assemble([...pieces.slice(0, at), ...colour.filter((other) => other !== each), ...pieces.slice(at)]);
    t.same(await scrubbed(wrong, 'image/png'), right, `${each.type} of wrong length`);
  }
});

test.test('frames are numbered without gaps after chunks fell out', async (t) => {
  const film = await animation(20, 20, 5);
  const numbers = chunksOf(await scrubbed(remainsInFrames(film), 'image/png'))
    .filter(({ type }) => type === 'fcTL' || type === 'fdAT')
    .map(({ content }) => content.readUInt32BE(0));
  t.strictSame(numbers, Array.from(numbers.keys()));
  t.same(await scrubbed(remainsInFrames(film), 'image/png'), await scrubbed(film, 'image/png'));
  const late = chunksOf(await scrubbed(await animation(20, 20, 2, 3), 'image/png'));
  t.equal(late.filter(({ type }) => type === 'fcTL').length, 2, 'frames that the animation does not count go');
});

test.test('codes of a GIF that go on when the picture is full are cut, and ended', async (t) => {
  const gif = Buffer.from(await drawing(40, 40, 3).gif().toBuffer());
  const { head, blocks } = partsOf(gif);
  const image = blocks.find(({ kind }) => kind === 0x2c)!;
  const start = gif.indexOf(image.bytes, head.length);
  gif.writeUInt16LE(13, start + 7); // The frame is 13 rows high; its codes go on for 40.
  const out = await scrubbed(gif, 'image/gif');
  t.ok(out.length < gif.length - 900, `${gif.length} to ${out.length} bytes`);
  const drawn = async (bytes: Buffer): Promise<Buffer> => (await import('sharp')).default(bytes).raw().toBuffer();
  t.same(await drawn(out), await drawn(gif));
});

test.test('EXIF that comes out says the orientation and nothing else', async (t) => {
  const jpeg = await drawing(8, 8, 3).jpeg().toBuffer();
  const out = await scrubbed(
    Buffer.concat([jpeg.subarray(0, 2), segment(0xe1, 'Exif\0\0', exif(8)), jpeg.subarray(2)]),
    'image/jpeg',
  );
  const at = out.indexOf('Exif\0\0', 0, 'latin1');
  t.equal(
    out.subarray(at, at + 32).toString('hex'),
    '4578696600004d4d002a00000008000101120003000000010008000000000000',
  );
});

test.test('more segments than any picture has are refused', async (t) => {
  const jpeg = await drawing(8, 8, 3).jpeg().toBuffer();
  const with_ = (count: number): Buffer =>
    Buffer.concat([
      jpeg.subarray(0, 2),
      ...Array<Buffer>(count).fill(segment(0xdd, Buffer.from([0, 0]))),
      jpeg.subarray(2),
    ]);
  t.ok(await scrubbed(with_(9_900), 'image/jpeg'));
  await t.rejects(scrubbed(with_(10_001), 'image/jpeg'), { code: 'unreadable' });
});

test.test('a result that is not clean is not handed out', async (t) => {
  const jpeg = await drawing(8, 8, 3).jpeg().toBuffer();
  const dirty = Buffer.concat([jpeg.subarray(0, 2), segment(0xfe, 'PLANTED'), jpeg.subarray(2)]);
  const source = bufferSource(dirty);
  const scrubbing = await scrub(source, 'image/jpeg');
  const lazy = { ...scrubbing, plan: new Plan().copy(0, dirty.length) };
  await t.rejects(proveClean(lazy, source), { code: 'unreadable' }, 'a plan that copies everything');
  const other = bufferSource(Buffer.concat([jpeg, Buffer.alloc(11)]));
  await t.rejects(proveClean(scrubbing, other), { code: 'unreadable' }, 'a source that changed');
});

test.test(
  'frames of other codings keep their segments: arithmetic with conditioning, lossless, twelve bits',
  async (t) => {
    const baseline = restartJpeg(6, 5, 0);
    const frame = baseline.indexOf(Buffer.from([0xff, 0xc0]));
    const scan = baseline.indexOf(Buffer.from([0xff, 0xda]));
    for (const [code, precision] of [
      [0xc9, 8],
      [0xcb, 8],
      [0xc3, 8],
      [0xc1, 12],
      [0xc2, 8],
    ] as const) {
      const changed = Buffer.from(baseline);
      changed[frame + 1] = code;
      changed[frame + 4] = precision;
      const conditioning = segment(0xcc, Buffer.from([0, 0x10, 0x10, 5]));
      const whole = Buffer.concat([changed.subarray(0, scan), conditioning, changed.subarray(scan)]);
      const dirty = Buffer.concat([
        whole.subarray(0, scan),
        segment(0xfe, 'PLANTED'),
        whole.subarray(scan),
        Buffer.from('x'),
      ]);
      if (code !== 0xc2) t.same(await scrubbed(dirty, 'image/jpeg'), whole, code.toString(16));
      else
        await t.rejects(
          scrubbed(dirty, 'image/jpeg'),
          { code: 'unreadable' },
          'sequential codes under a progressive frame',
        );
    }
  },
);
