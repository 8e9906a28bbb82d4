import test from 'tap';
import { Refusal } from '../../../src/base/errors.js';
import { bufferSource, type ByteSource } from '../../../src/base/source.js';
import { Budget, MAX_BOXES } from '../../../src/media/mp4/budget.js';
import { scrubMp4 } from '../../../src/media/mp4/mp4.js';
import { box, fakeAudio, fakeSlices, fakeVideo, full, makeMp4, sampleOf, SECRET, sei, text, u32, u64 } from './make.js';
import { scrubbed } from './read.js';

test.setTimeout(240_000);

const secret = text(SECRET);
const NOTE = sei(5, Buffer.concat([Buffer.alloc(16, 9), secret]));

function good(): Buffer {
  const video = fakeVideo(30, 4, (index) => [NOTE, ...fakeSlices(index)]);
  return makeMp4([video, fakeAudio(30)], { dirty: true, gap: secret, inMovie: [box('udta', secret)] });
}

/** Milliseconds of this process's own: other work on the machine must not count. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Clean, or refused: never anything else. */
async function outcome(bytes: Buffer): Promise<'clean' | 'refused'> {
  try {
    const clean = await scrubbed(bytes);
    if (clean.bytes.includes(secret)) throw new Error('what was planted came out');
    return 'clean';
  } catch (error) {
    if (error instanceof Refusal) return 'refused';
    throw error;
  }
}

test.test('cut anywhere it is refused', async (t) => {
  const whole = good();
  for (let length = 0; length < whole.length; length += length < 2500 ? 1 : 97) {
    t.equal(await outcome(whole.subarray(0, length)), 'refused', `${length} bytes`);
  }
});

test.test('nested a thousand deep it is refused or clean', async (t) => {
  for (const type of ['moov', 'trak', 'mdia', 'stbl', 'udta', 'meta', 'moof', 'free', 'dinf']) {
    let nested = box(type, secret);
    for (let depth = 0; depth < 1000; depth++) nested = box(type, nested);
    t.equal(await outcome(nested), 'refused');
    const expected = type === 'trak' ? 'refused' : 'clean';
    t.equal(await outcome(makeMp4([fakeVideo(5)], { inMovie: [nested] })), expected, type);
  }
});

/** The file with the 32-bit number at `from` bytes behind the name of a box set to `value`. */
function withNumber(file: Buffer, type: string, from: number, value: number): Buffer {
  const changed = Buffer.from(file);
  changed.writeUInt32BE(value, changed.indexOf(type) + from);
  return changed;
}

const LIES: readonly (readonly [string, string, number, number])[] = [
  ['sizes for 2^32 - 1 samples', 'stsz', 12, 0xffffffff],
  ['2^32 - 1 samples of one size', 'stsz', 8, 1],
  ['times for 2^32 - 1 rows', 'stts', 8, 0xffffffff],
  ['2^32 - 1 sync samples', 'stss', 8, 0xffffffff],
  ['2^32 - 1 chunks', 'stco', 8, 0xffffffff],
  ['2^32 - 1 rows of chunks', 'stsc', 8, 0xffffffff],
  ['a chunk behind the end', 'stco', 12, 0x7fffffff],
  ['chunks that begin with none', 'stsc', 12, 0],
  ['a description that is not there', 'stsc', 20, 9],
  ['2^32 - 1 descriptions', 'stsd', 8, 0xffffffff],
  ['a box longer than its parent', 'stbl', -4, 0x7fffffff],
  ['a box of no length inside', 'minf', -4, 0],
  ['a box of 7 bytes', 'mdia', -4, 7],
  ['a movie whose time stands still', 'mvhd', 16, 0],
  ['a track whose time stands still', 'mdhd', 16, 0],
  ['references that do not end', 'dref', -4, 0x1fffffff],
];

for (const [name, type, from, value] of LIES) {
  test.test(`lies cost little: ${name}`, async (t) => {
    const before = process.memoryUsage().rss;
    const started = cpuTime();
    t.match(await outcome(withNumber(good(), type, from, value)), /clean|refused/);
    t.ok(cpuTime() - started < 2000, 'in bounded time');
    t.ok(process.memoryUsage().rss - before < 200 * 2 ** 20, 'in bounded memory');
  });
}

test.test('2^32 - 1 samples of one byte are refused without making a table of them', async (t) => {
  const file = withNumber(withNumber(good(), 'stsz', 8, 1), 'stsz', 12, 0xffffffff);
  t.equal(await outcome(file), 'refused');
});

test.test('samples that share their bytes do not make a larger file', async (t) => {
  const video = fakeVideo(3000, 4, () => fakeSlices(0));
  const file = makeMp4([video], { perChunk: 1 });
  const at = file.indexOf('stco') + 12;
  for (let chunk = 0; chunk < 3000; chunk++) file.writeUInt32BE(file.readUInt32BE(at), at + chunk * 4);
  const short = file.subarray(0, file.indexOf('mdat') + 4 + 200);
  short.writeUInt32BE(204, short.indexOf('mdat') - 4);
  t.equal(await outcome(short), 'refused');
});

test.test('a last sample that begins in the file and ends behind it is refused', async (t) => {
  const file = makeMp4([{ ...fakeVideo(1), samples: [sampleOf(fakeSlices(0), 4)] }], {
    inFile: [box('free', Buffer.alloc(900))],
  });
  const media = file.indexOf('mdat') + 4;
  const longer = file.length - media + 100;
  file.writeUInt32BE(longer - 4, media);
  t.equal(await outcome(withNumber(file, 'stsz', 16, longer)), 'refused');
});

test.test('NAL units that are longer than their sample are refused', async (t) => {
  for (const length of [0xffffffff, 0x7fffffff, 1000]) {
    const sample = Buffer.concat([u32(length), Buffer.alloc(40, 0x41)]);
    t.equal(await outcome(makeMp4([{ ...fakeVideo(1), samples: [sample] }])), 'refused');
  }
  const padded = Buffer.concat([sampleOf(fakeSlices(1), 4), Buffer.alloc(3)]);
  t.equal(
    await outcome(makeMp4([{ ...fakeVideo(1), samples: [padded] }])),
    'clean',
    'zeros behind the last are padding',
  );
});

test.test('many small boxes cost little, and their number has an end', async (t) => {
  const started = cpuTime();
  const free = Buffer.alloc(100_000 * 8, box('free'));
  t.equal(await outcome(Buffer.concat([makeMp4([fakeVideo(5)]), free])), 'clean');
  // Promises are slow under tap's hooks: four million boxes are counted here without a file.
  t.ok(cpuTime() - started < 10_000);
  const budget = new Budget(0);
  for (let count = 0; count < MAX_BOXES; count++) budget.box();
  t.throws(() => {
    budget.box();
  }, Refusal);
});

/** A source of any size: `parts` at their offsets, and between them whatever `fill` says. */
function sparse(
  size: number,
  parts: readonly (readonly [number, Buffer])[],
  fill: number,
): ByteSource & { asked: number } {
  return {
    size,
    asked: 0,
    read(offset, length) {
      const out = Buffer.alloc(Math.max(0, Math.min(length, size - offset)), fill);
      this.asked += out.length;
      for (const [start, bytes] of parts) {
        const from = Math.max(start, offset);
        const to = Math.min(start + bytes.length, offset + out.length);
        if (from < to) bytes.copy(out, from - offset, from - start, to - start);
      }
      return Promise.resolve(out);
    },
  };
}

test.test('a film of 12 GB needs little memory and little reading, and gets offsets of 64 bits', async (t) => {
  // Three samples of 4,000,000,000 bytes, each one slice: the index stands behind them.
  const length = 4_000_000_000;
  const slice = Buffer.concat([u32(length - 4), Buffer.from([0x65])]);
  const table = makeMp4([{ ...fakeVideo(3), samples: [0, 1, 2].map(() => Buffer.alloc(8)) }], {
    offsets: 'co64',
    perChunk: 1,
  });
  const moov = Buffer.from(table.subarray(table.indexOf('moov') - 4, table.indexOf('mdat') - 4));
  const ftyp = table.subarray(0, table.indexOf('moov') - 4);
  const media = ftyp.length + 16;
  for (let index = 0; index < 3; index++) {
    moov.writeUInt32BE(length, moov.indexOf('stsz') + 16 + index * 4);
    u64(media + index * length).copy(moov, moov.indexOf('co64') + 12 + index * 8);
  }
  const header = Buffer.concat([u32(1), text('mdat'), u64(16 + 3 * length)]);
  const parts: (readonly [number, Buffer])[] = [
    [0, Buffer.concat([ftyp, header])],
    ...[0, 1, 2].map((index) => [media + index * length, slice] as const),
    [media + 3 * length, moov],
  ];
  const source = sparse(media + 3 * length + moov.length, parts, 0x55);
  const before = process.memoryUsage().rss;
  const { plan } = await scrubMp4(source);
  t.ok(process.memoryUsage().rss - before < 40 * 2 ** 20);
  t.ok(source.asked < 4 * 2 ** 20, 'slices are passed over');
  t.ok(plan.size > 3 * length);
  t.equal(plan.pieces.filter(({ kind }) => kind === 'copy').length, 1, 'one piece of 12 GB');
  const head = Buffer.concat(plan.pieces.flatMap((piece) => (piece.kind === 'bytes' ? [piece.bytes] : [])));
  t.ok(head.includes('co64'));
  t.equal(Number(head.readBigUInt64BE(head.indexOf('co64') + 20)), head.length + length, 'the second chunk');
});

test.test('a film of 60,000 samples, a note in each picture, costs seconds, and memory by its samples', async (t) => {
  const note = sei(5, Buffer.alloc(24, 9));
  const mixed = Buffer.concat([sei(6, Buffer.from([0x84])).subarray(0, 4), note.subarray(1)]);
  const video = fakeVideo(30_000, 4, (index) => [index % 2 === 0 ? note : mixed, ...fakeSlices(index % 50)]);
  const film = bufferSource(makeMp4([video, fakeAudio(30_000)], { perChunk: 2 }));
  const before = process.memoryUsage.rss();
  let most = 0;
  const watched: ByteSource = {
    size: film.size,
    read: (offset, length) => {
      most = Math.max(most, process.memoryUsage.rss() - before);
      return film.read(offset, length);
    },
  };
  const started = cpuTime();
  const { plan } = await scrubMp4(watched);
  const spent = cpuTime() - started;
  t.ok(most < 256 * 2 ** 20, `${Math.round(most / 2 ** 20)} MiB more than before`);
  t.ok(spent < 5000, `${Math.round(spent)} ms`);
  t.ok(plan.pieces.filter(({ kind }) => kind === 'bytes').length > 15_000, 'a piece for each changed sample');
});

test.test('a box that claims 2^63 bytes is refused or passed over', async (t) => {
  const huge = Buffer.concat([u32(1), text('free'), Buffer.alloc(8, 0x7f)]);
  t.equal(await outcome(Buffer.concat([makeMp4([fakeVideo(5)]), huge])), 'clean');
  const inside = makeMp4([fakeVideo(5)], { inMovie: [Buffer.concat([u32(1), text('udta'), Buffer.alloc(8, 0xff)])] });
  t.match(await outcome(inside), /clean|refused/);
});

test.test('brands and other boxes of nothing', async (t) => {
  for (const file of [
    Buffer.alloc(0),
    Buffer.alloc(7),
    box('ftyp'),
    box('moov'),
    Buffer.concat([box('ftyp'), box('moov')]),
  ]) {
    t.equal(await outcome(file), 'refused');
  }
  t.equal(
    await outcome(makeMp4([fakeVideo(5), fakeVideo(5)], { inMovie: Array.from({ length: 70 }, () => box('trak')) })),
    'refused',
  );
  t.equal(await outcome(makeMp4([fakeVideo(5)], { inMovie: [full('mvhd', 0, 0)] })), 'refused');
});

/** Numbers that are the same each time. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const INTERESTING = [0, 1, 2, 7, 8, 15, 16, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** One to eight changes: numbers that mean something, bytes at random, pieces taken out, doubled or swapped. */
function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let change = 1 + random(8); change > 0; change--) {
    const at = random(Math.max(1, Math.min(out.length - 8, random(2) === 0 ? 2500 : out.length)));
    const length = 1 + random(64);
    switch (random(5)) {
      case 0:
        out.writeUInt32BE(INTERESTING[random(INTERESTING.length)]!, at);
        break;
      case 1:
        out[at] = random(256);
        break;
      case 2:
        out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
        break;
      case 3:
        out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
        break;
      default:
        out.copyWithin(at, random(out.length), random(out.length));
    }
    if (out.length < 64) return out;
  }
  return out;
}

const RUNS = Number(process.env['CHATPIC_FUZZ_RUNS'] ?? 1500);

test.test(`${RUNS} changed files end in a refusal or a file of which a second scrubbing changes nothing`, async (t) => {
  const random = generator(20_240_607);
  const seeds = [good(), fragmented()];
  let clean = 0;
  for (let run = 0; run < RUNS; run++) {
    const bytes = mutated(seeds[run % seeds.length]!, random);
    const started = cpuTime();
    try {
      const first = await scrubbed(bytes);
      const second = await scrubbed(first.bytes);
      if (!second.bytes.equals(first.bytes)) t.fail(`run ${run}: a second scrubbing changes it`);
      if (second.removed.size > 0) t.fail(`run ${run}: something was left to remove`);
      if (first.bytes.length > bytes.length * 2 + 65536) t.fail(`run ${run}: it grew`);
      clean++;
    } catch (error) {
      if (!(error instanceof Refusal)) t.fail(`run ${run}: ${String(error)}`, { error });
    }
    if (cpuTime() - started > 5000) t.fail(`run ${run}: took too long`);
  }
  t.ok(clean > RUNS / 20, `${clean} came out clean`);
});

function fragmented(): Buffer {
  const mvex = box('mvex', full('trex', 0, 0, u32(1, 1, 20, 0, 0)));
  const parts = [makeMp4([{ ...fakeVideo(0), inTable: [] }], { inMovie: [mvex, box('udta', secret)] })];
  for (let index = 0; index < 4; index++) {
    const samples = [0, 1, 2].map((sample) => sampleOf([NOTE, ...fakeSlices(sample)], 4));
    const sizes = samples.map(({ length }) => length);
    const moof = (offset: number): Buffer => {
      const traf = [full('tfhd', 0, 0x20000, u32(1)), full('tfdt', 0, 0, u32(index * 60))];
      return box(
        'moof',
        full('mfhd', 0, 0, u32(1)),
        box('traf', ...traf, full('trun', 0, 0x201, u32(3, offset, ...sizes))),
      );
    };
    parts.push(moof(moof(0).length + 8), box('mdat', ...samples));
  }
  return Buffer.concat(parts);
}
