/**
 * A writer of MP4 files in any shape that the format allows, and in some that it doesn't. Written apart from the code
 * under test, so that a mistake in one isn't made in the other too. Everything personal that it plants holds `SECRET`.
 */
export const SECRET = 'SeCrEt-48.8584N-serial-7731';

/** What must not stand in any clean file: what was planted, and how programs sign what they write. */
export const SIGNATURES = [SECRET, 'x264', 'Lavc', 'Lavf', 'VideoHandler', 'SoundHandler', '2024', 'fra'] as const;

export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, index) => bytes.writeUInt16BE(value, index * 2));
  return bytes;
}

export function u32(...values: readonly number[]): Buffer {
  return u32Table(values);
}

/** For tables too long to be arguments. */
export function u32Table(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeUInt32BE(value >>> 0, index * 4));
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

export function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(body.length + 8), text(type), body]);
}

export function full(type: string, version: number, flags: number, ...parts: readonly Buffer[]): Buffer {
  return box(type, u32(version * 2 ** 24 + flags), ...parts);
}

/** A NAL unit of a type with a payload that needs no emulation prevention. */
export function nal(type: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x60 | type]), payload]);
}

export function sei(type: number, payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from([6, type, payload.length]), payload, Buffer.from([0x80])]);
}

/** Bytes that look like nothing and are the same each time. Never 0, so that they need no emulation prevention. */
export function noise(length: number, seed: number): Buffer {
  let state = seed * 2654435761 + 1;
  const bytes = Buffer.alloc(length);
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    bytes[index] = (state >>> 16) | 1;
  }
  return bytes;
}

export interface MadeTrack {
  readonly handler: string;
  /** The sample description: a whole box. */
  readonly entry: Buffer;
  readonly samples: readonly Buffer[];
  readonly timescale: number;
  /** Of each sample. */
  readonly delta: number;
  readonly flags?: number;
  readonly group?: number;
  readonly width?: number;
  readonly height?: number;
  readonly matrix?: Buffer;
  /** Boxes more, in `trak` and in `stbl`. */
  readonly inTrack?: readonly Buffer[];
  readonly inTable?: readonly Buffer[];
  readonly dref?: Buffer;
}

export interface Shape {
  readonly index?: 'first' | 'last';
  readonly offsets?: 'stco' | 'co64';
  readonly sizes?: 'stsz' | 'stz2-16' | 'stz2-8';
  /** Samples in a chunk. */
  readonly perChunk?: number;
  /** Bytes between chunks that nothing refers to. */
  readonly gap?: Buffer;
  readonly header?: 'short' | 'long' | 'open';
  /** Spread the chunks over two `mdat` boxes. */
  readonly halves?: boolean;
  readonly dirty?: boolean;
  readonly inMovie?: readonly Buffer[];
  readonly inFile?: readonly Buffer[];
  readonly tail?: Buffer;
  readonly brand?: string;
}

const UNIT = u32(0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000);

/** An avcC for NAL units with lengths of `lengthSize` bytes. */
export function avcC(sps: Buffer, pps: Buffer, lengthSize: number, ...more: readonly Buffer[]): Buffer {
  const sets = [Buffer.from([0xe1]), u16(sps.length), sps, Buffer.from([1]), u16(pps.length), pps];
  return box('avcC', Buffer.from([1, sps[1]!, sps[2]!, sps[3]!, 0xfc | (lengthSize - 1)]), ...sets, ...more);
}

export function avcEntry(config: Buffer, width: number, height: number, name = '', ...more: readonly Buffer[]): Buffer {
  const label = Buffer.alloc(32);
  label[0] = name.length;
  label.write(name, 1);
  const size = Buffer.concat([u16(width, height), u32(0x480000, 0x480000, 0), u16(1)]);
  return box('avc1', Buffer.alloc(6), u16(1), Buffer.alloc(16), size, label, u16(24, 0xffff), config, ...more);
}

export function descriptor(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag, 0x80, 0x80, 0x80 | (body.length >>> 7), body.length & 0x7f]), body]);
}

export function esds(config: Buffer, objectType = 0x40): Buffer {
  const decoder = descriptor(4, Buffer.from([objectType, 0x15, 0, 0, 0]), u32(128000, 128000), descriptor(5, config));
  return full('esds', 0, 0, descriptor(3, u16(2), Buffer.from([0]), decoder, descriptor(6, Buffer.from([2]))));
}

export function aacEntry(config: Buffer, channels: number, rate: number): Buffer {
  const numbers = Buffer.concat([u16(channels, 16), u32(0), u32(rate * 65536)]);
  return box('mp4a', Buffer.alloc(6), u16(1), Buffer.alloc(8), numbers, esds(config));
}

/** NAL units as one sample. */
export function sampleOf(nals: readonly Buffer[], lengthSize: number): Buffer {
  const framed = nals.flatMap((unit) => {
    const length = Buffer.alloc(lengthSize);
    length.writeUIntBE(unit.length, 0, lengthSize);
    return [length, unit];
  });
  return Buffer.concat(framed);
}

interface Placed {
  readonly track: number;
  readonly samples: readonly Buffer[];
}

/** The whole file. */
export function makeMp4(tracks: readonly MadeTrack[], shape: Shape = {}): Buffer {
  const ftyp = box('ftyp', text(shape.brand ?? 'mp42'), u32(0), text('mp42isom'));
  const chunks = interleaved(tracks, shape.perChunk ?? 5);
  const firstSize = ftyp.length + Buffer.concat([...(shape.inFile ?? [])]).length;
  const moovSize = moov(tracks, chunks, shape, () => 0).length;
  const before = firstSize + (shape.index === 'last' ? 0 : moovSize);
  const media = mediaOf(chunks, shape, before);
  const index = moov(tracks, chunks, shape, (chunk) => media.offsets[chunk]!);
  const order = shape.index === 'last' ? [media.bytes, index] : [index, media.bytes];
  return Buffer.concat([ftyp, ...(shape.inFile ?? []), ...order, shape.tail ?? Buffer.alloc(0)]);
}

function interleaved(tracks: readonly MadeTrack[], perChunk: number): Placed[] {
  const placed: Placed[] = [];
  const most = Math.max(...tracks.map(({ samples }) => Math.ceil(samples.length / perChunk)));
  for (let round = 0; round < most; round++) {
    tracks.forEach(({ samples }, track) => {
      const row = samples.slice(round * perChunk, (round + 1) * perChunk);
      if (row.length > 0) placed.push({ track, samples: row });
    });
  }
  return placed;
}

function mediaOf(chunks: readonly Placed[], shape: Shape, start: number): { bytes: Buffer; offsets: number[] } {
  const cut = shape.halves === true ? chunks.length >>> 1 : chunks.length;
  const offsets: number[] = [];
  const boxes: Buffer[] = [];
  let at = start;
  for (const part of [chunks.slice(0, cut), chunks.slice(cut)]) {
    if (part.length === 0) continue;
    const header = shape.header === 'long' ? 16 : 8;
    const body: Buffer[] = [];
    let inside = at + header;
    for (const { samples } of part) {
      const gap = shape.gap ?? Buffer.alloc(0);
      const bytes = Buffer.concat(samples);
      offsets.push(inside + gap.length);
      body.push(gap, bytes);
      inside += gap.length + bytes.length;
    }
    boxes.push(mdat(Buffer.concat(body), shape));
    at = inside;
  }
  return { bytes: Buffer.concat(boxes), offsets };
}

function mdat(body: Buffer, { header }: Shape): Buffer {
  if (header === 'long') return Buffer.concat([u32(1), text('mdat'), u64(body.length + 16), body]);
  if (header === 'open') return Buffer.concat([u32(0), text('mdat'), body]);
  return box('mdat', body);
}

const DATE = 3_800_000_000;

function moov(
  tracks: readonly MadeTrack[],
  chunks: readonly Placed[],
  shape: Shape,
  offsetOf: (chunk: number) => number,
): Buffer {
  const date = shape.dirty === true ? DATE : 0;
  const length = Math.max(
    ...tracks.map((track) => Math.round((track.samples.length * track.delta * 600) / track.timescale)),
  );
  const header = full('mvhd', 0, 0, u32(date, date, 600, length, 0x10000), u16(0x100), Buffer.alloc(10), UNIT);
  const mvhd = Buffer.concat([header, Buffer.alloc(24), u32(tracks.length + 1)]);
  mvhd.writeUInt32BE(mvhd.length);
  const traks = tracks.map((track, index) => {
    const own = chunks.flatMap((chunk, at) => (chunk.track === index ? [{ chunk, offset: offsetOf(at) }] : []));
    return trak(track, index + 1, own, shape, date);
  });
  return box('moov', mvhd, ...traks, ...(shape.inMovie ?? []));
}

function trak(
  track: MadeTrack,
  id: number,
  own: readonly { chunk: Placed; offset: number }[],
  shape: Shape,
  date: number,
): Buffer {
  const length = track.samples.length * track.delta;
  const shown = Math.round((length * 600) / track.timescale);
  const place = Buffer.concat([
    u16(0, track.group ?? 0, track.handler === 'soun' ? 0x100 : 0, 0),
    track.matrix ?? UNIT,
  ]);
  const size = u32((track.width ?? 0) * 65536, (track.height ?? 0) * 65536);
  const tkhd = full('tkhd', 0, track.flags ?? 3, u32(date, date, id, 0, shown, 0, 0), place, size);
  const language = shape.dirty === true ? 0x1e4e : 0x55c4;
  const mdhd = full('mdhd', 0, 0, u32(date, date, track.timescale, length), u16(language, 0));
  const name = text(shape.dirty === true ? `${SECRET}\0` : '\0');
  const hdlr = full('hdlr', 0, 0, u32(0), text(track.handler), Buffer.alloc(12), name);
  const kinds: Record<string, Buffer> = { vide: full('vmhd', 0, 1, Buffer.alloc(8)), soun: full('smhd', 0, 0, u32(0)) };
  const dref = full('dref', 0, 0, u32(1), track.dref ?? full('url ', 0, 1));
  const minf = box('minf', kinds[track.handler] ?? full('nmhd', 0, 0), box('dinf', dref), stbl(track, own, shape));
  return box('trak', tkhd, ...(track.inTrack ?? []), box('mdia', mdhd, hdlr, minf));
}

function stbl(track: MadeTrack, own: readonly { chunk: Placed; offset: number }[], shape: Shape): Buffer {
  const rows = own.flatMap(({ chunk }, index) => [index + 1, chunk.samples.length, 1]);
  const offsets =
    shape.offsets === 'co64'
      ? full('co64', 0, 0, u32(own.length), ...own.map(({ offset }) => u64(offset)))
      : full('stco', 0, 0, u32Table([own.length, ...own.map(({ offset }) => offset)]));
  return box(
    'stbl',
    full('stsd', 0, 0, u32(1), track.entry),
    full('stts', 0, 0, u32(1, track.samples.length, track.delta)),
    ...(track.inTable ?? []),
    full('stsc', 0, 0, u32Table([own.length, ...rows])),
    sizesOf(track.samples, shape),
    offsets,
  );
}

function sizesOf(samples: readonly Buffer[], { sizes }: Shape): Buffer {
  const lengths = samples.map(({ length }) => length);
  if (sizes === 'stz2-16') return full('stz2', 0, 0, u32(16, lengths.length), u16(...lengths));
  if (sizes === 'stz2-8') return full('stz2', 0, 0, u32(8, lengths.length), Buffer.from(lengths));
  return full('stsz', 0, 0, u32Table([0, lengths.length, ...lengths]));
}

/** A small film that no decoder has seen, for everything that can be told from bytes alone. */
export const FAKE_SPS = Buffer.from([0x67, 0x42, 0xc0, 0x1e, 0xda, 0x02, 0x80, 0xbf, 0xe5]);
export const FAKE_PPS = Buffer.from([0x68, 0xce, 0x3c, 0x80]);

/** Slices of a sample of the fake film: what must come out bit for bit. */
export function fakeSlices(index: number, largest = 200): Buffer[] {
  return [nal(index % 10 === 0 ? 5 : 1, noise(20 + ((index * 37) % (largest - 20)), index))];
}

export function fakeVideo(
  count: number,
  lengthSize = 4,
  nalsOf: (index: number) => readonly Buffer[] = fakeSlices,
): MadeTrack {
  const samples = Array.from({ length: count }, (_, index) => sampleOf(nalsOf(index), lengthSize));
  const syncs = Array.from({ length: Math.ceil(count / 10) }, (_, index) => index * 10 + 1);
  return {
    handler: 'vide',
    entry: avcEntry(avcC(FAKE_SPS, FAKE_PPS, lengthSize), 64, 48),
    samples,
    timescale: 600,
    delta: 20,
    width: 64,
    height: 48,
    inTable: [full('stss', 0, 0, u32Table([syncs.length, ...syncs]))],
  };
}

/** Frames of AAC that begin with a channel pair, as nearly all do. */
export function fakeAudio(count: number): MadeTrack {
  const samples = Array.from({ length: count }, (_, index) =>
    Buffer.concat([Buffer.from([0x21]), noise(30 + ((index * 13) % 60), 5000 + index)]),
  );
  return {
    handler: 'soun',
    entry: aacEntry(Buffer.from([0x12, 0x10]), 2, 44100),
    samples,
    timescale: 44100,
    delta: 1024,
  };
}
