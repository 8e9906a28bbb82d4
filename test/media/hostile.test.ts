/** Files that are broken, lying or made to cost: each is refused or comes out clean, in bounded time and memory. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { deflateRawSync, deflateSync } from 'node:zlib';
import test, { type Test } from 'tap';
import { Refusal } from '../../src/base/errors.js';
import { bufferSource, readAll, type ByteSource } from '../../src/base/source.js';
import type { PictureType } from '../../src/media/media-type.js';
import { proveClean, scrub } from '../../src/media/scrubber.js';
import { exif } from './corpus/blocks.js';
import { corpus } from './corpus/corpus.js';
import { restartJpeg, segment } from './corpus/jpeg.js';
import { holdsPlanted, numbers, planted } from './corpus/plant.js';
import { assemble, chunksOf, SIGNATURE } from './corpus/png.js';
import { mutated } from './corpus/mutate.js';

const samples = await corpus();
const sample = (name: string): Buffer => samples.find((each) => each.name === name)!.bytes;

async function outcome(bytes: Buffer, type: PictureType): Promise<Buffer | 'refused'> {
  try {
    const source = bufferSource(bytes);
    return await readAll(await proveClean(await scrub(source, type), source));
  } catch (error) {
    if (error instanceof Refusal && (error.code === 'unreadable' || error.code === 'type-not-supported'))
      return 'refused';
    throw error;
  }
}

async function refuses(t: Test, name: string, bytes: Buffer, type: PictureType): Promise<void> {
  t.equal(await outcome(bytes, type), 'refused', name);
}

test.test('a file cut anywhere is refused or comes out clean', async (t) => {
  let [refused, total] = [0, 0];
  for (const name of [
    'jpeg-420-exif',
    'png-palette-alpha-everything',
    'gif-animated-comment',
    'webp-animated-in-frames',
  ]) {
    const { bytes, type } = samples.find((each) => each.name === name)!;
    for (let length = 0; length < bytes.length; length += length < 900 ? 1 : 37) {
      const out = await outcome(bytes.subarray(0, length), type);
      if (out === 'refused') refused++;
      else if (holdsPlanted(out)) t.fail(`${name} cut at ${length} still holds what was planted`);
      total++;
    }
  }
  t.ok(refused > total / 2, `${refused} of ${total} were refused`);
});

test.test('a JPEG that no decoder reads is refused', async (t) => {
  const clean = sample('jpeg-restart');
  const sof = clean.indexOf(Buffer.from([0xff, 0xc0]));
  const sos = clean.indexOf(Buffer.from([0xff, 0xda]));
  const with_ = (at: number, ...bytes: number[]): Buffer => {
    const copy = Buffer.from(clean);
    copy.set(bytes, at);
    return copy;
  };
  const frame = clean.subarray(sof, sos);
  const at = (where: number, what: Buffer): Buffer =>
    Buffer.concat([clean.subarray(0, where), what, clean.subarray(where)]);
  await refuses(t, 'nothing', Buffer.alloc(0), 'image/jpeg');
  await refuses(t, 'only a start', Buffer.from([0xff, 0xd8]), 'image/jpeg');
  await refuses(t, 'start and end', Buffer.from([0xff, 0xd8, 0xff, 0xd9]), 'image/jpeg');
  await refuses(t, 'no height', with_(sof + 5, 0, 0), 'image/jpeg');
  await refuses(t, 'no width', with_(sof + 7, 0, 0), 'image/jpeg');
  await refuses(t, 'five components', with_(sof + 9, 5), 'image/jpeg');
  await refuses(t, 'a segment of length 1', at(2, Buffer.from([0xff, 0xe1, 0, 1])), 'image/jpeg');
  await refuses(t, 'a second start', at(sos, Buffer.from([0xff, 0xd8])), 'image/jpeg');
  await refuses(t, 'a second frame', at(sos, frame), 'image/jpeg');
  await refuses(
    t,
    'a scan before its frame',
    Buffer.concat([clean.subarray(0, sof), clean.subarray(sos)]),
    'image/jpeg',
  );
  await refuses(t, 'a scan of an unknown component', with_(sos + 5, 9), 'image/jpeg');
  await refuses(t, 'a hierarchical picture', with_(sof + 1, 0xc5), 'image/jpeg');
  await refuses(
    t,
    'a Huffman table that says more than it has',
    at(sos, segment(0xc4, Buffer.alloc(17, 200))),
    'image/jpeg',
  );
  await refuses(t, 'a quantization table cut short', at(sos, segment(0xdb, Buffer.alloc(64))), 'image/jpeg');
  const scan = clean.subarray(sos);
  await refuses(t, '501 scans', at(sos, Buffer.concat(Array<Buffer>(500).fill(scan.subarray(0, -2)))), 'image/jpeg');
  t.not(
    await outcome(at(sos, Buffer.concat(Array<Buffer>(499).fill(scan.subarray(0, -2)))), 'image/jpeg'),
    'refused',
    '500 scans',
  );
});

test.test('all that decoders forgive in a JPEG comes out mended', async (t) => {
  const clean = sample('jpeg-420');
  t.same(await outcome(clean.subarray(0, -2), 'image/jpeg'), clean, 'EOI is written where it is missing');
  t.same(
    await outcome(Buffer.concat([clean.subarray(0, -2), Buffer.alloc(70_000, 255)]), 'image/jpeg'),
    clean,
    'fill bytes for an end',
  );
  t.same(await outcome(Buffer.concat([clean, clean]), 'image/jpeg'), clean, 'a second picture goes');
});

test.test('a run of FF, a marker or its length may lie across two windows', async (t) => {
  const clean = restartJpeg(40, 40, 3);
  const exact = await outcome(clean, 'image/jpeg');
  for (let step = -6; step <= 6; step++) {
    const filler = Buffer.concat([segment(0xfe, Buffer.alloc(65_000)), segment(0xfe, Buffer.alloc(500 + step))]);
    const padded = Buffer.concat([clean.subarray(0, 2), filler, clean.subarray(2)]);
    t.same(await outcome(padded, 'image/jpeg'), exact, `${step}`);
  }
  const pieces: ByteSource = {
    size: clean.length,
    read: (offset, length) => Promise.resolve(Buffer.from(clean.subarray(offset, offset + length))),
  };
  t.same(await readAll(await proveClean(await scrub(pieces, 'image/jpeg'), pieces)), exact);
});

test.test('a PNG that no decoder reads is refused', async (t) => {
  const clean = sample('png-rgb');
  const pieces = chunksOf(clean);
  const data = Buffer.concat(pieces.filter(({ type }) => type === 'IDAT').map(({ content }) => content));
  const header = pieces[0]!;
  const end = { type: 'IEND', content: Buffer.alloc(0) };
  const of = (...contents: Buffer[]): Buffer =>
    assemble([header, ...contents.map((content) => ({ type: 'IDAT', content })), end]);
  t.not(await outcome(of(data), 'image/png'), 'refused');
  t.not(await outcome(of(Buffer.alloc(0), data, Buffer.alloc(0)), 'image/png'), 'refused', 'empty chunks');
  await refuses(t, 'no data', of(), 'image/png');
  await refuses(t, 'empty data', of(Buffer.alloc(0)), 'image/png');
  await refuses(t, 'data cut short', of(data.subarray(0, -5)), 'image/png');
  await refuses(t, 'data without zlib', of(deflateRawSync(Buffer.alloc(71 * 3 * 53 + 53))), 'image/png');
  await refuses(t, 'rows missing', of(deflateSync(Buffer.alloc((71 * 3 + 1) * 52))), 'image/png');
  await refuses(t, 'one byte too many', of(deflateSync(Buffer.alloc((71 * 3 + 1) * 53 + 1))), 'image/png');
  t.not(await outcome(of(deflateSync(Buffer.alloc((71 * 3 + 1) * 53))), 'image/png'), 'refused', 'exactly the rows');
  await refuses(t, 'no end', clean.subarray(0, -12), 'image/png');
  const crc = Buffer.from(clean);
  crc[30] = (crc[30] ?? 0) ^ 1;
  await refuses(t, 'a wrong CRC in the header', crc, 'image/png');
  const late = Buffer.from(clean);
  late[clean.length - 20] = (late[clean.length - 20] ?? 0) ^ 1;
  await refuses(t, 'a wrong CRC in the data', late, 'image/png');
  await refuses(
    t,
    'an unknown critical chunk',
    assemble([header, { type: 'ABCD', content: data }, ...pieces.slice(1)]),
    'image/png',
  );
  await refuses(
    t,
    'a palette picture without palette',
    assemble([
      { type: 'IHDR', content: Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0]) },
      { type: 'IDAT', content: deflateSync(Buffer.alloc(2)) },
      end,
    ]),
    'image/png',
  );
  await refuses(
    t,
    'a depth that no type has',
    assemble([{ type: 'IHDR', content: Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 7, 0, 0, 0, 0]) }, ...pieces.slice(1)]),
    'image/png',
  );
});

/** Runs `work`, and fails where it takes longer than `seconds` of CPU or holds more than `megabytes` at its end. */
async function bounded(
  t: Test,
  name: string,
  seconds: number,
  megabytes: number,
  work: () => Promise<unknown>,
): Promise<void> {
  const before = process.memoryUsage();
  const cpu = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(cpu);
  const after = process.memoryUsage();
  const grown = (after.rss - before.rss) / 1e6;
  t.ok((user + system) / 1e6 < seconds, `${name}: ${((user + system) / 1e6).toFixed(2)} s`);
  t.ok(grown < megabytes, `${name}: ${grown.toFixed(0)} MB`);
}

test.test('bombs cost bounded time and memory', async (t) => {
  const png = sample('png-rgb');
  const [header, ...others] = chunksOf(png);
  const zeros = deflateSync(Buffer.alloc(64 << 20), { level: 9 });
  const bomb = (type: string, prefix: string): Buffer =>
    assemble([header!, { type, content: Buffer.concat([Buffer.from(prefix, 'latin1'), zeros]) }, ...others]);
  await bounded(t, 'a profile that inflates to 64 MiB', 1, 60, async () => {
    t.same(await outcome(bomb('iCCP', 'x\0\0'), 'image/png'), await outcome(png, 'image/png'));
  });
  await bounded(t, 'a text that inflates to 64 MiB', 1, 30, () => outcome(bomb('zTXt', 'x\0\0'), 'image/png'));
  const huge = Buffer.from(header!.content);
  huge.writeUInt32BE(0x7fff_ffff, 0);
  huge.writeUInt32BE(0x7fff_ffff, 4);
  await bounded(t, 'a picture of 2^62 pixels', 1, 30, () =>
    refuses(t, 'it', assemble([{ type: 'IHDR', content: huge }, ...others]), 'image/png'),
  );
  await bounded(t, 'image data that inflate to more than the picture', 1, 30, () =>
    refuses(
      t,
      'it',
      assemble([header!, { type: 'IDAT', content: zeros }, { type: 'IEND', content: Buffer.alloc(0) }]),
      'image/png',
    ),
  );
});

test.test('files of nothing but small parts cost bounded time and memory', async (t) => {
  const megabytes = process.env['CHATPIC_HOSTILE_MB'] ?? '20';
  // In a process of its own, where nothing else is counted and no test framework watches every promise.
  const child = path.join(import.meta.dirname, 'corpus/small-parts.js');
  const { stdout } = await promisify(execFile)(process.execPath, [child, megabytes]);
  const costs = JSON.parse(stdout) as { name: string; seconds: number; grown: number }[];
  t.ok(costs.length > 10);
  for (const { name, seconds, grown } of costs) {
    t.ok(seconds < 3 + Number(megabytes) / 10, `${name}: ${seconds.toFixed(2)} s`);
    t.ok(grown < 120, `${name}: ${grown.toFixed(0)} MB`);
  }
});

test.test('EXIF that points at itself, or nowhere, ends', async (t) => {
  const clean = sample('jpeg-420');
  const block = exif(1);
  for (let at = 0; at + 4 <= block.length; at += 2) {
    const broken = Buffer.from(block);
    broken.writeUInt32BE(at % 3 === 0 ? 8 : 0xffff_fff0 - at, at);
    const dirty = Buffer.concat([clean.subarray(0, 2), segment(0xe1, 'Exif\0\0', broken), clean.subarray(2)]);
    const out = await outcome(dirty, 'image/jpeg');
    if (out === 'refused' || holdsPlanted(out)) t.fail(`at ${at}`);
  }
});

test.test('a file is what its bytes say: mislabelled ones are refused', async (t) => {
  for (const [name, type] of [
    ['jpeg-420', 'image/png'],
    ['png-rgb', 'image/gif'],
    ['gif-still', 'image/webp'],
    ['webp-lossy', 'image/jpeg'],
  ] as const) {
    await refuses(t, name, sample(name), type);
  }
});

test.test('of two files in one only the picture comes out', async (t) => {
  const zip = Buffer.from(`PK\x03\x04${planted('zip')}`, 'latin1');
  for (const name of ['jpeg-420', 'png-rgb', 'gif-still', 'webp-lossy']) {
    const { bytes, type } = samples.find((each) => each.name === name)!;
    const alone = await outcome(bytes, type);
    t.same(await outcome(Buffer.concat([bytes, zip]), type), alone, name);
  }
  const inside = Buffer.concat([SIGNATURE, Buffer.from(planted('no chunk'))]);
  await refuses(t, 'a signature and something else', inside, 'image/png');
});

test.test('mutated files are refused or come out clean, and clean is a fixed point', async (t) => {
  const runs = Number(process.env['CHATPIC_FUZZ_RUNS'] ?? 1500);
  const seed = Number(process.env['CHATPIC_FUZZ_SEED'] ?? 1);
  // Tables that a mutation brings into use are part of the coded picture, whatever stands in them.
  const small = samples.filter(({ bytes, name }) => bytes.length < 12_000 && !name.endsWith('unused-tables'));
  const dice = numbers(seed);
  let [refused, clean, swallowed] = [0, 0, 0];
  const left: string[] = [];
  for (let run = 0; run < runs; run++) {
    const { name, bytes, type } = small[dice(small.length)]!;
    const dirty = mutated(bytes, dice);
    const out = await outcome(dirty, type);
    if (out === 'refused') refused++;
    else {
      clean++;
      if (!holdsPlanted(out)) continue;
      if (isPartOfCodes(out)) swallowed++;
      else left.push(`${name} in run ${run} of seed ${seed}`);
    }
  }
  t.ok(refused > 0 && clean > 0, `${refused} refused, ${clean} clean`);
  t.strictSame(left, []);
  t.ok(swallowed <= runs / 500, `in ${swallowed} a part of the codes was lost, and what followed took its place`);
});

/**
 * Whether what was planted stands where only a decoder could tell it from codes: in a quantization table that lost its
 * own bytes, or, cut to a few characters, at the end of a WebP picture.
 */
function isPartOfCodes(out: Buffer): boolean {
  if (out.toString('latin1', 8, 12) === 'WEBP') return !/PLANTED[-\w]{9}/.test(out.toString('latin1'));
  const text = out.toString('latin1');
  return text.startsWith('\xff\xd8') && !holdsPlanted(Buffer.from(text.replace(/\xff\xdb\0C[^]{65}/g, ''), 'latin1'));
}
