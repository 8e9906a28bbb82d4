import test from 'tap';
import {
  box,
  fakeAudio,
  fakeSlices,
  fakeVideo,
  full,
  makeMp4,
  nal,
  sampleOf,
  SECRET,
  sei,
  text,
  u32,
  u64,
} from './make.js';
import { boxesOf, boxNames, find, nalsOf, scrubbed } from './read.js';

const secret = text(SECRET);
const note = sei(5, Buffer.concat([Buffer.alloc(16, 2), secret]));

/** The movie of a fragmented film: no samples, and defaults for each track. */
function initial(...more: readonly Buffer[]): Buffer {
  const tracks = [fakeVideo(0), { ...fakeAudio(0) }];
  const mvex = box('mvex', full('trex', 0, 0, u32(1, 1, 20, 0, 0x10000)), full('trex', 0, 0, u32(2, 1, 1024, 0, 0)));
  const whole = makeMp4(
    tracks.map((track) => ({ ...track, inTable: [] })),
    { inMovie: [mvex, ...more], dirty: true },
  );
  return whole.subarray(0, whole.length);
}

interface Part {
  readonly track: number;
  readonly samples: readonly Buffer[];
  readonly decodeTime?: number;
  /** Flags of the header and the fields that they stand for. */
  readonly header?: { readonly flags: number; readonly fields: Buffer };
  /** Say sizes in the run; else the header must. */
  readonly sized?: boolean;
  readonly offset?: boolean;
  readonly inTraf?: readonly Buffer[];
}

/** A fragment and its media data: the parts' samples one behind the other, after `gap`. */
function fragment(parts: readonly Part[], gap: Buffer = Buffer.alloc(0), start = 0): Buffer {
  const make = (data: number): Buffer => {
    let at = data;
    const trafs = parts.map((part) => {
      const flags = (part.sized === false ? 0 : 0x200) | (part.offset === false ? 0 : 1);
      const sizes = part.sized === false ? [] : part.samples.map(({ length }) => length);
      const offset = part.offset === false ? [] : [at];
      at += Buffer.concat(part.samples).length;
      const header = part.header ?? { flags: 0x20000, fields: Buffer.alloc(0) };
      return box(
        'traf',
        full('tfhd', 0, header.flags, u32(part.track), header.fields),
        part.decodeTime === undefined ? Buffer.alloc(0) : full('tfdt', 1, 0, u64(part.decodeTime)),
        ...(part.inTraf ?? []),
        full('trun', 0, flags, u32(part.samples.length, ...offset, ...sizes)),
      );
    });
    return box('moof', full('mfhd', 0, 0, u32(77)), ...trafs);
  };
  const size = make(0).length;
  const media = box('mdat', gap, ...parts.flatMap(({ samples }) => samples));
  return Buffer.concat([make(start + size + 8 + gap.length), media]);
}

const videoSample = (index: number): Buffer => sampleOf([note, ...fakeSlices(index)], 4);
const audioSample = (index: number): Buffer => fakeAudio(10).samples[index]!;

/** Samples of all fragments, by track number, read in the plainest way. */
function fragmentSamples(bytes: Buffer): Map<number, Buffer[]> {
  const samples = new Map<number, Buffer[]>();
  for (const { type, body, at } of boxesOf(bytes)) {
    if (type !== 'moof') continue;
    for (const traf of boxesOf(body).filter((child) => child.type === 'traf')) {
      const track = find(traf.body, 'tfhd').readUInt32BE(4);
      for (const trun of boxesOf(traf.body).filter((child) => child.type === 'trun')) {
        let offset = at + trun.body.readInt32BE(8);
        const count = trun.body.readUInt32BE(4);
        for (let index = 0; index < count; index++) {
          const size = trun.body.readUInt32BE(trun.body.length - (count - index) * 4);
          samples.set(track, [...(samples.get(track) ?? []), bytes.subarray(offset, offset + size)]);
          offset += size;
        }
      }
    }
  }
  return samples;
}

function film(start = 0): Buffer {
  return Buffer.concat([
    initial(box('udta', secret)),
    box('styp', text('msdh'), u32(0), secret),
    box('sidx', secret),
    box('prft', secret),
    fragment(
      [
        { track: 1, samples: [0, 1, 2].map(videoSample), decodeTime: start, inTraf: [box('uuid', secret)] },
        { track: 2, samples: [0, 1].map(audioSample), decodeTime: (start / 600) * 44100 },
      ],
      secret,
    ),
    box('emsg', secret),
    fragment([{ track: 1, samples: [3, 4].map(videoSample), decodeTime: start + 60 }]),
    fragment([{ track: 2, samples: [2, 3].map(audioSample), decodeTime: (start / 600) * 44100 + 2048 }], secret),
    box('mfra', secret),
  ]);
}

test.test('a fragmented film stays one, with every slice and nothing planted', async (t) => {
  const { bytes } = await scrubbed(film());
  t.notOk(bytes.includes(secret));
  const samples = fragmentSamples(bytes);
  t.strictSame(
    samples.get(1)?.map((sample) => nalsOf(sample)),
    [0, 1, 2, 3, 4].map((index) => fakeSlices(index)),
  );
  t.strictSame(samples.get(2), [0, 1, 2, 3].map(audioSample));
  const top = boxNames(bytes).filter((name) => !name.includes('/'));
  t.strictSame(top, ['ftyp', 'moov', 'moof', 'mdat', 'moof', 'mdat', 'moof', 'mdat']);
  const numbers = boxesOf(bytes)
    .filter(({ type }) => type === 'moof')
    .map(({ body }) => find(body, 'mfhd').readUInt32BE(4));
  t.strictSame(numbers, [1, 2, 3]);
  const again = await scrubbed(bytes);
  t.ok(again.bytes.equals(bytes), 'scrubbed twice is the same');
  t.equal(again.removed.size, 0);
});

test.test('the movie says how long all fragments are', async (t) => {
  const { bytes } = await scrubbed(film());
  t.equal(Number(find(bytes, 'moov/mvex/mehd').readBigUInt64BE(4)), 100, '5 frames of 20 in 600');
});

test.test('decode times that count from 1970 begin in the first second', async (t) => {
  const { bytes } = await scrubbed(film(600 * 1_700_000_000 + 30));
  const times = boxesOf(bytes).flatMap(({ type, body }) => {
    if (type !== 'moof') return [];
    return boxesOf(body).flatMap((traf) =>
      traf.type === 'traf' ? [Number(find(traf.body, 'tfdt').readBigUInt64BE(4))] : [],
    );
  });
  t.strictSame(times, [30, 2205, 90, 4253]);
});

test.test('samples are found by each of the ways to say where they are', async (t) => {
  const samples = [0, 1, 2].map(videoSample);
  const expected = [0, 1, 2].map((index) => fakeSlices(index));
  const head = initial();
  const whole = head.length;
  const absolute = { flags: 1, fields: u64(0) };
  const equal = [0, 1, 2].map((index) => sampleOf([nal(1, Buffer.alloc(30, index + 1))], 4));
  const ways: Readonly<Record<string, readonly [Buffer, readonly (readonly Buffer[])[]]>> = {
    'from the fragment': [fragment([{ track: 1, samples }]), expected],
    'from the file': [fragment([{ track: 1, samples, header: absolute }], Buffer.alloc(0), whole), expected],
    'from the fragment, untold': [
      fragment([{ track: 1, samples, header: { flags: 0, fields: Buffer.alloc(0) } }]),
      expected,
    ],
    'sizes of the header': [
      fragment([{ track: 1, samples: equal, sized: false, header: { flags: 0x20010, fields: u32(35) } }]),
      equal.map((sample) => nalsOf(sample)),
    ],
  };
  for (const [name, [bytes, nals]] of Object.entries(ways)) {
    const clean = await scrubbed(Buffer.concat([head, bytes]));
    t.strictSame(
      fragmentSamples(clean.bytes)
        .get(1)
        ?.map((sample) => nalsOf(sample)),
      nals,
      name,
    );
  }
});

test.test('a part that begins where that of a dropped track ends is found', async (t) => {
  const gone = { handler: 'meta', entry: box('mett', Buffer.alloc(8)), samples: [], timescale: 600, delta: 1 };
  const mvex = box('mvex', full('trex', 0, 0, u32(1, 1, 20, 0, 0)), full('trex', 0, 0, u32(2, 1, 20, 0, 0)));
  const head = makeMp4([gone, { ...fakeVideo(0), inTable: [] }], { inMovie: [mvex] });
  const untold = { flags: 0, fields: Buffer.alloc(0) };
  const parts: Part[] = [
    { track: 1, samples: [secret, secret], header: untold },
    { track: 2, samples: [0, 1].map(videoSample), header: untold, offset: false },
  ];
  const { bytes } = await scrubbed(Buffer.concat([head, fragment(parts)]));
  t.notOk(bytes.includes(secret));
  t.strictSame(
    fragmentSamples(bytes)
      .get(1)
      ?.map((sample) => nalsOf(sample)),
    [0, 1].map((index) => fakeSlices(index)),
  );
});

test.test('runs that lie about their number are refused before anything is made of them', async (t) => {
  const lies = [
    full('trun', 0, 0x200, u32(0xffffffff)),
    full('trun', 0, 0, u32(0xffffffff)),
    full('trun', 0, 0, u32(8_000_000)),
    full('trun', 0, 0x201, u32(2, 0, 10)),
  ];
  for (const trun of lies) {
    const moof = box('moof', box('traf', full('tfhd', 0, 0x20010, u32(1, 0)), trun));
    await t.rejects(scrubbed(Buffer.concat([initial(), moof])), {
      name: 'Refusal',
      code: 'unreadable',
    });
  }
});
