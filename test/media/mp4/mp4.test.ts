import test from 'tap';
import { Refusal } from '../../../src/base/errors.js';
import {
  avcC,
  avcEntry,
  aacEntry,
  box,
  esds,
  FAKE_PPS,
  FAKE_SPS,
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
  u16,
  u32,
  type MadeTrack,
  type Shape,
} from './make.js';
import { boxNames, boxesOf, find, nalsOf, samplesOf, scrubbed } from './read.js';

const secret = text(SECRET);
const uuid = box('uuid', Buffer.alloc(16, 7), secret);
const udta = box('udta', box('\xa9xyz', u16(20, 0x15c7), secret), box('\xa9too', u16(20, 0), secret), uuid);

/** Metadata of every kind, in every place. */
const DIRTY: Shape = {
  dirty: true,
  inFile: [box('free', secret), uuid, box('wide')],
  inMovie: [udta, box('meta', secret), box('XYZW', secret), box('free', secret), box('iods', secret)],
  gap: secret,
  tail: Buffer.concat([text('\xff\xd8\xff\xe0'), secret]),
};

function dirtyTracks(lengthSize: 1 | 2 | 4 = 4): MadeTrack[] {
  const note = sei(5, Buffer.concat([Buffer.alloc(16, 9), secret]));
  const video = fakeVideo(50, lengthSize, (index) => [nal(9, Buffer.from([0xf0])), note, ...fakeSlices(index)]);
  const entry = avcEntry(avcC(FAKE_SPS, FAKE_PPS, lengthSize, secret), 64, 48, SECRET, box('pasp', u32(1, 1)), uuid);
  return [
    { ...video, entry, inTrack: [udta, box('meta', secret), box('tref', box('cdsc', u32(2)))] },
    { ...fakeAudio(60), inTrack: [uuid, box('edts', full('elst', 0, 0, u32(1, 800, 1024, 0x10000)))] },
    { handler: 'meta', entry: box('gpmd', Buffer.alloc(8)), samples: [secret, secret], timescale: 600, delta: 600 },
    { handler: 'text', entry: box('text', Buffer.alloc(60)), samples: [secret], timescale: 600, delta: 600 },
    { handler: 'tmcd', entry: box('tmcd', Buffer.alloc(26)), samples: [secret], timescale: 600, delta: 600 },
  ];
}

const SHAPES: Readonly<Record<string, Shape>> = {
  'index first': {},
  'index last': { index: 'last' },
  'offsets of 64 bits': { offsets: 'co64' },
  'sizes of 16 bits': { sizes: 'stz2-16' },
  'a box with 64-bit size': { header: 'long' },
  'a last box to the end': { index: 'first', header: 'open', tail: Buffer.alloc(0) },
  'two media data boxes': { halves: true },
  'one sample a chunk': { perChunk: 1 },
  'one chunk a track': { perChunk: 1000 },
};

for (const [name, shape] of Object.entries(SHAPES)) {
  for (const lengthSize of [1, 2, 4] as const) {
    test.test(`nothing planted comes out and every slice does: ${name}, lengths of ${lengthSize}`, async (t) => {
      const dirty = makeMp4(dirtyTracks(lengthSize), { ...DIRTY, ...shape });
      t.ok(dirty.includes(secret));
      const clean = await scrubbed(dirty);
      t.notOk(clean.bytes.includes(secret), 'nothing planted');
      t.notOk(clean.bytes.includes(text('gpmd')));
      const video = samplesOf(clean.bytes, 0).map((sample) => nalsOf(sample, lengthSize));
      const expected = Array.from({ length: 50 }, (_, index) => [nal(9, Buffer.from([0xf0])), ...fakeSlices(index)]);
      t.strictSame(video, expected, 'slices bit for bit');
      t.strictSame(samplesOf(clean.bytes, 1), fakeAudio(60).samples, 'sound bit for bit');
      const again = await scrubbed(clean.bytes);
      t.ok(again.bytes.equals(clean.bytes), 'scrubbed twice is the same');
      t.equal(again.removed.size, 0, 'nothing is left to remove');
      t.equal(again.pieces > 0, true);
    });
  }
}

test.test('only boxes of the list come out, the index first', async (t) => {
  const { bytes } = await scrubbed(makeMp4(dirtyTracks(), DIRTY));
  const track = (kind: string, edits: readonly string[], syncs: readonly string[]): string[] => [
    'moov/trak',
    'moov/trak/tkhd',
    ...edits,
    'moov/trak/mdia',
    ...['mdhd', 'hdlr', 'minf', `minf/${kind}`, 'minf/dinf', 'minf/dinf/dref', 'minf/stbl', 'minf/stbl/stsd'].map(
      (type) => `moov/trak/mdia/${type}`,
    ),
    ...['stts', ...syncs, 'stsc', 'stsz', 'stco'].map((type) => `moov/trak/mdia/minf/stbl/${type}`),
  ];
  t.strictSame(boxNames(bytes), [
    ...['ftyp', 'moov', 'moov/mvhd'],
    ...track('vmhd', [], ['stss']),
    ...track('smhd', ['moov/trak/edts', 'moov/trak/edts/elst'], []),
    'mdat',
  ]);
});

test.test('what was removed is counted by kind', async (t) => {
  const { removed } = await scrubbed(makeMp4(dirtyTracks(), DIRTY));
  t.equal(removed.get('hidden-track'), 3);
  t.equal(removed.get('location'), 2);
  t.equal(removed.get('date'), 10, 'two each in the movie, two kept tracks and their media');
  t.equal(removed.get('encoder-note'), 50);
  t.equal(removed.get('trailing-data'), 1);
  t.equal(removed.get('unknown-block'), 2, 'one in the movie, one in the sample description');
  t.equal(removed.get('software'), 5, 'two handlers, a compressor, a tag in the movie and one in a track');
  t.notOk(JSON.stringify([...removed]).includes('SeCrEt'));
});

test.test('gaps in the media data are counted where all tracks are kept', async (t) => {
  const clean = makeMp4([fakeVideo(20), fakeAudio(20)]);
  t.equal((await scrubbed(clean)).removed.size, 0);
  const gaps = makeMp4([fakeVideo(20), fakeAudio(20)], { gap: secret });
  t.strictSame([...(await scrubbed(gaps)).removed], [['unreferenced-data', 1]]);
});

test.test('times are zero, names empty, languages undefined', async (t) => {
  const { bytes } = await scrubbed(makeMp4(dirtyTracks(), DIRTY));
  t.strictSame(find(bytes, 'moov/mvhd').subarray(0, 12), Buffer.alloc(12));
  for (const trak of [0, 1]) {
    t.strictSame(find(bytes, 'moov/trak/tkhd', trak).subarray(4, 12), Buffer.alloc(8));
    t.strictSame(find(bytes, 'moov/trak/mdia/mdhd', trak).subarray(0, 12), Buffer.alloc(12));
    t.equal(find(bytes, 'moov/trak/mdia/mdhd', trak).readUInt16BE(20), 0x55c4);
    t.strictSame(find(bytes, 'moov/trak/mdia/hdlr', trak).subarray(12), Buffer.alloc(13));
  }
});

test.test('times in headers of 64 bits are zero too', async (t) => {
  const base = makeMp4([fakeVideo(5)]);
  const mvhd = find(base, 'moov/mvhd');
  const long = full('mvhd', 1, 0, Buffer.alloc(16, 0x41), u32(600), Buffer.alloc(8), mvhd.subarray(20));
  const moov = box(
    'moov',
    long,
    ...boxesOf(find(base, 'moov'))
      .slice(1)
      .map(({ type, body }) => box(type, body)),
  );
  const mdat = find(base, 'mdat');
  const grown = Buffer.concat([moov, box('mdat', mdat)]);
  // The index grew and the file type went: the one chunk moves by both.
  const chunk = grown.indexOf('stco') + 12;
  grown.writeUInt32BE(moov.length + 8, chunk);
  const { bytes, removed } = await scrubbed(grown);
  t.equal(removed.get('date'), 2);
  t.notOk(bytes.includes('AAAA'));
  t.equal(samplesOf(bytes).length, 5);
});

test.test('rotation, edits, shape and colour are kept', async (t) => {
  const matrix = u32(0, 0x10000, 0, 0xffff0000, 0, 0, 48 * 65536, 0, 0x40000000);
  const edits = box('edts', full('elst', 0, 0, u32(2, 30, 0xffffffff, 0x10000, 300, 40, 0x10000)));
  const nclx = box('colr', text('nclx'), u16(1, 1, 1), Buffer.from([0x80]));
  const icc = box('colr', text('prof'), secret);
  const shape = [box('pasp', u32(4, 3)), box('clap', u32(64, 1, 48, 1, 0, 1, 0, 1)), box('fiel', Buffer.from([2, 9]))];
  const entry = avcEntry(avcC(FAKE_SPS, FAKE_PPS, 4), 64, 48, '', nclx, icc, ...shape, box('btrt', u32(1, 2, 3)));
  const source = makeMp4([{ ...fakeVideo(12), entry, matrix, inTrack: [edits] }]);
  const { bytes, width, height, removed } = await scrubbed(source);
  t.strictSame(find(bytes, 'moov/trak/tkhd').subarray(40, 76), matrix);
  t.strictSame(find(bytes, 'moov/trak/edts'), find(source, 'moov/trak/edts'));
  const stsd = find(bytes, 'moov/trak/mdia/minf/stbl/stsd');
  for (const kept of [nclx, ...shape]) t.ok(stsd.includes(kept));
  t.notOk(stsd.includes('btrt'));
  t.strictSame({ width, height }, { width: 48, height: 64 }, 'a quarter turn swaps the sides');
  t.strictSame([...removed], [['colour-profile-detail', 1]]);
});

test.test('composition offsets and sync samples are kept, and speak of no samples that are not there', async (t) => {
  const ctts = full('ctts', 0, 0, u32(3, 4, 40, 0, 7, 1000, 0xfffffff0));
  const stss = full('stss', 0, 0, u32(4, 1, 6, 6, 99));
  const { bytes } = await scrubbed(makeMp4([{ ...fakeVideo(12), inTable: [ctts, stss] }]));
  const at = 'moov/trak/mdia/minf/stbl';
  t.strictSame(find(bytes, `${at}/ctts`), Buffer.concat([u32(0x1000000), u32(2, 4, 40, 8, 0xfffffff0)]));
  t.strictSame(find(bytes, `${at}/stss`), Buffer.concat([u32(0), u32(2, 1, 6)]));
});

test.test('a QuickTime file of H.264 and AAC comes out as MP4', async (t) => {
  const wave = box('wave', box('frma', text('mp4a')), esds(Buffer.from([0x12, 0x10])), box('\0\0\0\0'));
  const numbers = Buffer.concat([u16(2, 16), u32(0), u32(44100 * 65536), u32(1024, 0, 0, 2)]);
  const entry = box('mp4a', Buffer.alloc(6), u16(1), u16(1, 0), text('appl'), numbers, wave);
  const alis = full('alis', 0, 1);
  const tracks = [fakeVideo(20), { ...fakeAudio(20), entry, dref: alis }];
  const { bytes } = await scrubbed(makeMp4(tracks, { brand: 'qt  ', index: 'last' }));
  t.equal(bytes.toString('latin1', 8, 12), 'isom');
  t.ok(
    find(bytes, 'moov/trak/mdia/minf/stbl/stsd', 1).includes(
      aacEntry(Buffer.from([0x12, 0x10]), 2, 44100).subarray(8, 36),
    ),
  );
  t.notOk(bytes.includes('appl'));
  t.strictSame(samplesOf(bytes, 1), fakeAudio(20).samples);
});

test.test('several tracks of each kind are kept, numbered anew', async (t) => {
  const gone: MadeTrack = { handler: 'sbtl', entry: box('tx3g', secret), samples: [secret], timescale: 600, delta: 60 };
  const { bytes } = await scrubbed(makeMp4([gone, fakeVideo(12), fakeAudio(9), gone, { ...fakeAudio(7), flags: 2 }]));
  const ids = [0, 1, 2].map((trak) => find(bytes, 'moov/trak/tkhd', trak).readUInt32BE(12));
  t.strictSame(ids, [1, 2, 3]);
  t.equal(find(bytes, 'moov/trak/tkhd', 2).readUInt32BE(0), 2, 'not enabled as before');
  t.equal(find(bytes, 'moov/mvhd').readUInt32BE(96), 4, 'the next number');
});

test.test('chunks that a track has out of order are carried over in the order of the file', async (t) => {
  const samples = Array.from({ length: 20 }, (_, index) => sampleOf([nal(1, Buffer.alloc(50, index + 1))], 4));
  const source = makeMp4([{ ...fakeVideo(20), samples }]);
  const at = source.indexOf('stco') + 12;
  const [first, second] = [source.readUInt32BE(at), source.readUInt32BE(at + 4)];
  source.writeUInt32BE(second, at);
  source.writeUInt32BE(first, at + 4);
  const { bytes } = await scrubbed(source);
  t.strictSame(find(bytes, 'mdat'), find(source, 'mdat'), 'media data as it stands');
  t.strictSame(samplesOf(bytes), [...samples.slice(5, 10), ...samples.slice(0, 5), ...samples.slice(10)]);
});

test.test('an H.264 configuration holds parameter sets only', async (t) => {
  const note = nal(6, secret);
  const lists = [Buffer.from([0xe2]), u16(FAKE_SPS.length), FAKE_SPS, u16(note.length), note];
  const more = [Buffer.from([2]), u16(note.length), note, u16(FAKE_PPS.length), FAKE_PPS];
  const config = box('avcC', Buffer.from([1, FAKE_SPS[1]!, FAKE_SPS[2]!, FAKE_SPS[3]!, 0xff]), ...lists, ...more);
  const { bytes, removed } = await scrubbed(makeMp4([{ ...fakeVideo(5), entry: avcEntry(config, 64, 48) }]));
  t.ok(bytes.includes(avcC(FAKE_SPS, FAKE_PPS, 4)));
  t.notOk(bytes.includes(secret));
  t.equal(removed.get('encoder-note'), 2);
});

test.test('chapters go, whatever they are coded in', async (t) => {
  const chapters = { ...fakeVideo(3), flags: 2 };
  const film = { ...fakeVideo(12), inTrack: [box('tref', box('chap', u32(2)))] };
  const { bytes, removed } = await scrubbed(makeMp4([film, chapters]));
  t.equal(removed.get('hidden-track'), 1);
  t.throws(() => find(bytes, 'moov/trak', 1));
});

test.test('a sample of which nothing is left keeps its place', async (t) => {
  const note = sei(5, Buffer.alloc(40, 1));
  const video = fakeVideo(6, 4, (index) => (index === 3 ? [note] : fakeSlices(index)));
  const { bytes } = await scrubbed(makeMp4([video]));
  t.strictSame(samplesOf(bytes)[3], sampleOf([Buffer.from([9, 0xf0])], 4));
  t.equal(samplesOf(bytes).length, 6);
});

const other = (handler: string, codec: string, group = 0): MadeTrack => ({
  handler,
  entry: box(codec, Buffer.alloc(78)),
  samples: [secret],
  timescale: 600,
  delta: 20,
  group,
});

const NOT_SUPPORTED: readonly (readonly [string, readonly MadeTrack[]])[] = [
  ['HEVC video', [other('vide', 'hvc1'), fakeAudio(5)]],
  ['HEVC video', [other('vide', 'hev1')]],
  ['HEVC video', [fakeVideo(5), other('vide', 'hvc1')]],
  ['AV1 video', [other('vide', 'av01')]],
  ['VP9 video', [other('vide', 'vp09')]],
  ['ProRes video', [other('vide', 'apcn')]],
  ['MPEG-4 Part 2 video', [other('vide', 'mp4v')]],
  ['encrypted video', [other('vide', 'encv')]],
  ['encrypted sound', [fakeVideo(5), other('soun', 'enca')]],
  ['Dolby Digital sound', [fakeVideo(5), other('soun', 'ac-3')]],
  ['Dolby Digital sound', [fakeVideo(5), fakeAudio(5), other('soun', 'ac-3')]],
  ['video of an unknown kind', [other('vide', 'SeCr')]],
  ['a file without video', [fakeAudio(5)]],
  ['MP3 sound', [fakeVideo(5), { ...fakeAudio(5), entry: mp4aOf(0x6b) }]],
  ['sound that is not AAC', [fakeVideo(5), { ...fakeAudio(5), entry: mp4aOf(0xa5) }]],
  [
    'AAC sound of a rare kind',
    [fakeVideo(5), { ...fakeAudio(5), entry: aacEntry(Buffer.from([0xf9, 0x40, 0x40]), 2, 44100) }],
  ],
];

function mp4aOf(objectType: number): Buffer {
  return box('mp4a', Buffer.alloc(6), u16(1), Buffer.alloc(20), esds(Buffer.from([0x12, 0x10]), objectType));
}

for (const [seems, tracks] of NOT_SUPPORTED) {
  const codecs = tracks.map(({ entry }) => entry.toString('latin1', 4, 8)).join(', ');
  test.test(`refused as ${seems}: ${codecs}`, async (t) => {
    const refusal = await refusalOf(makeMp4(tracks));
    t.equal(refusal.code, 'type-not-supported');
    t.strictSame(refusal.detail, { seems });
  });
}

test.test('another rendering of kept sound can be missed', async (t) => {
  const { removed } = await scrubbed(makeMp4([fakeVideo(5), { ...fakeAudio(5), group: 1 }, other('soun', 'apac', 1)]));
  t.strictSame([...removed], [['hidden-track', 1]]);
});

test.test('a picture in the same boxes is named', async (t) => {
  const heic = Buffer.concat([box('ftyp', text('heic'), u32(0), text('mif1heic')), box('meta', Buffer.alloc(40))]);
  t.strictSame((await refusalOf(heic)).detail, { seems: 'HEIC picture' });
});

test.test('samples in another file are refused, not followed', async (t) => {
  const refusal = await refusalOf(
    makeMp4([{ ...fakeVideo(5), dref: full('url ', 0, 0, text('http://127.0.0.1/x\0')) }]),
  );
  t.equal(refusal.code, 'unreadable');
});

async function refusalOf(bytes: Buffer): Promise<Refusal> {
  try {
    await scrubbed(bytes);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('expected a refusal');
}
