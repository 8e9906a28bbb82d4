/**
 * The tables of a track that say where its samples are and when they play, read from `stbl` and written anew.
 *
 *     stsz = size(4) ‖ count(4) ‖ { size(4) }            stz2 = 0(3) ‖ bits(1) ‖ count(4) ‖ { size(4, 8, 16 bits) }
 *     stsc = count(4) ‖ { first chunk(4) ‖ samples per chunk(4) ‖ description(4) }
 *     stco = count(4) ‖ { offset(4) }                    co64 = count(4) ‖ { offset(8) }
 *     stts = count(4) ‖ { samples(4) ‖ duration(4) }     ctts = count(4) ‖ { samples(4) ‖ offset(4) }
 *     stss = count(4) ‖ { sample(4) }                    source: ISO/IEC 14496-12, section 8.6 and 8.7
 *
 * Each count is checked against the bytes that are there before anything is made of it, and nothing is written that
 * speaks of samples that don't exist: tables can't carry bytes of their own.
 */
import { Reader } from '../../base/cursor.js';
import { bodyOf, box, fields, fullBox, type Box, type Input, type Parts } from './boxes.js';
import type { Budget } from './budget.js';
import { unreadable } from './refuse.js';
import { firstChunks, makeChunks, type Chunks, type Samples } from './samples.js';

export interface SampleTable {
  readonly samples: Samples;
  /** Rows of (samples, duration), counted from the first sample; their sum is no more than the samples. */
  readonly durations: Uint32Array;
  /** Rows of (samples, offset as written); `null` where pictures are shown in the order in which they are coded. */
  readonly offsets: Uint32Array | null;
  /** Are offsets signed? Only then, so says the format, version 1. */
  readonly signedOffsets: boolean;
  /** Samples that stand alone, counted from 1; `null` if all do. */
  readonly syncs: Uint32Array | null;
}

/** Boxes of `stbl` by their type. Of two alike the first counts. */
export type TableBoxes = ReadonlyMap<string, Box>;

export async function readSampleTable(input: Input, boxes: TableBoxes): Promise<SampleTable> {
  const sizes = await readSizes(input, boxes);
  const samples = await readChunks(input, boxes, sizes);
  const count = samples.sizes.length;
  const durations = await readRows(input, boxes.get('stts'), count);
  const offsets = await readRows(input, boxes.get('ctts'), count);
  return {
    samples,
    durations: durations ?? new Uint32Array(0),
    offsets,
    signedOffsets: offsets?.some((value, index) => index % 2 === 1 && value >= 2 ** 31) ?? false,
    syncs: await readSyncs(input, boxes.get('stss'), count),
  };
}

/** The sum of all samples' durations, in the track's own time. */
export function durationOf(table: SampleTable): number {
  let sum = 0;
  for (let row = 0; row < table.durations.length; row += 2) {
    sum += (table.durations[row] ?? 0) * (table.durations[row + 1] ?? 0);
  }
  return sum;
}

async function readSizes(input: Input, boxes: TableBoxes): Promise<Uint32Array> {
  const stsz = boxes.get('stsz');
  if (stsz !== undefined) return equalOrListed(await bodyOf(input, stsz), input.budget);
  const stz2 = boxes.get('stz2');
  if (stz2 !== undefined) return compactSizes(await bodyOf(input, stz2), input.budget);
  return unreadable('a track without sample sizes');
}

function equalOrListed(body: Buffer, budget: Budget): Uint32Array {
  const reader = new Reader(body);
  reader.skip(4);
  const all = reader.u32();
  const count = reader.u32();
  budget.samples(count);
  budget.tables(count * 4);
  if (all !== 0) return new Uint32Array(count).fill(all);
  return column(reader.bytes(count * 4));
}

function compactSizes(body: Buffer, budget: Budget): Uint32Array {
  const reader = new Reader(body);
  reader.skip(7);
  const bits = reader.u8();
  const count = reader.u32();
  if (bits !== 4 && bits !== 8 && bits !== 16) return unreadable('sample sizes of an unknown width');
  const packed = reader.bytes(Math.ceil((count * bits) / 8));
  budget.tables(count * 4);
  return Uint32Array.from({ length: count }, (_, index) => {
    if (bits === 16) return packed.readUInt16BE(index * 2);
    if (bits === 8) return packed[index] ?? 0;
    const pair = packed[index >>> 1] ?? 0;
    return index % 2 === 0 ? pair >>> 4 : pair & 15;
  });
}

/** Big-endian 32-bit numbers as a column. */
function column(bytes: Buffer): Uint32Array {
  const values = new Uint32Array(bytes.length >>> 2);
  for (let index = 0; index < values.length; index++) values[index] = bytes.readUInt32BE(index * 4);
  return values;
}

async function readChunks(input: Input, boxes: TableBoxes, sizes: Uint32Array): Promise<Samples> {
  const offsets = await readOffsets(input, boxes);
  const stsc = boxes.get('stsc');
  if (stsc === undefined) return unreadable('a track that does not say which samples its chunks hold');
  const reader = new Reader(await bodyOf(input, stsc));
  reader.skip(4);
  const rows = column(reader.bytes(reader.u32() * 12));
  const chunks = makeChunks(offsets.length, input.budget);
  return fillChunks(chunks, offsets, rows, sizes);
}

async function readOffsets(input: Input, boxes: TableBoxes): Promise<Float64Array> {
  const stco = boxes.get('stco');
  const co64 = boxes.get('co64');
  const table = stco ?? co64;
  if (table === undefined) return unreadable('a track that does not say where its chunks are');
  const reader = new Reader(await bodyOf(input, table));
  reader.skip(4);
  const count = reader.u32();
  const width = stco === undefined ? 8 : 4;
  const bytes = new Reader(reader.bytes(count * width));
  input.budget.tables(count * 8);
  return Float64Array.from({ length: count }, () => (width === 8 ? bytes.u64() : bytes.u32()));
}

/** Deals the samples out to chunks. Chunks without samples, and samples without a chunk, are left out. */
function fillChunks(chunks: Chunks, offsets: Float64Array, rows: Uint32Array, sizes: Uint32Array): Samples {
  let used = 0;
  let dealt = 0;
  for (let row = 0; row < rows.length && dealt < sizes.length; row += 3) {
    const first = rows[row] ?? 0;
    const next = row + 3 < rows.length ? (rows[row + 3] ?? 0) : offsets.length + 1;
    if (first < 1 || next <= first || (row === 0 && first !== 1)) unreadable('its chunks are not in order');
    const each = rows[row + 1] ?? 0;
    for (let chunk = first; chunk < next && chunk <= offsets.length && each > 0 && dealt < sizes.length; chunk++) {
      dealt = Math.min(dealt + each, sizes.length);
      chunks.offsets[used] = offsets[chunk - 1] ?? 0;
      chunks.ends[used] = dealt;
      chunks.descriptions[used] = rows[row + 2] ?? 0;
      used++;
    }
  }
  return { sizes: sizes.subarray(0, dealt), chunks: firstChunks(chunks, used) };
}

/** Rows of (samples, value) up to `count` samples. Rows of no samples are left out. */
async function readRows(input: Input, table: Box | undefined, count: number): Promise<Uint32Array | null> {
  if (table === undefined) return null;
  const reader = new Reader(await bodyOf(input, table));
  reader.skip(4);
  const rows = column(reader.bytes(reader.u32() * 8));
  input.budget.tables(rows.byteLength);
  let kept = 0;
  let left = count;
  for (let row = 0; row < rows.length && left > 0; row += 2) {
    const samples = Math.min(rows[row] ?? 0, left);
    if (samples === 0) continue;
    rows[kept] = samples;
    rows[kept + 1] = rows[row + 1] ?? 0;
    kept += 2;
    left -= samples;
  }
  return rows.subarray(0, kept);
}

async function readSyncs(input: Input, table: Box | undefined, count: number): Promise<Uint32Array | null> {
  if (table === undefined) return null;
  const reader = new Reader(await bodyOf(input, table));
  reader.skip(4);
  const listed = column(reader.bytes(reader.u32() * 4));
  input.budget.tables(listed.byteLength);
  let last = 0;
  return listed.filter((sample) => {
    const next = sample > last && sample <= count;
    if (next) last = sample;
    return next;
  });
}

/** The tables anew, in the order of the standard, with chunk offsets that count from `base`. */
export function encodeSampleTable(descriptions: Parts, table: SampleTable, base: number, wide: boolean): Parts {
  const { samples, durations, offsets, signedOffsets, syncs } = table;
  return box(
    'stbl',
    descriptions,
    fullBox('stts', 0, 0, counted(durations, 2)),
    offsets === null ? [] : fullBox('ctts', signedOffsets ? 1 : 0, 0, counted(offsets, 2)),
    syncs === null ? [] : fullBox('stss', 0, 0, counted(syncs, 1)),
    fullBox('stsc', 0, 0, counted(chunkRows(samples.chunks), 3)),
    encodeSizes(samples.sizes),
    encodeOffsets(samples.chunks.targets, base, wide),
  );
}

/** A count of rows and the rows: `width` numbers each. */
function counted(values: Uint32Array, width: number): Buffer {
  return fields(4 + values.length * 4, (out) => {
    out.u32(values.length / width);
    for (const value of values) out.u32(value);
  });
}

/** Runs of chunks with the same number of samples and the same description. */
function chunkRows(chunks: Chunks): Uint32Array {
  const rows: number[] = [];
  for (let chunk = 0; chunk < chunks.ends.length; chunk++) {
    const samples = (chunks.ends[chunk] ?? 0) - (chunks.ends[chunk - 1] ?? 0);
    const description = chunks.descriptions[chunk] ?? 0;
    if (rows.at(-2) !== samples || rows.at(-1) !== description) rows.push(chunk + 1, samples, description);
  }
  return Uint32Array.from(rows);
}

function encodeSizes(sizes: Uint32Array): Parts {
  const head = fields(4, (out) => out.u32(0));
  return fullBox('stsz', 0, 0, head, counted(sizes, 1));
}

function encodeOffsets(targets: Float64Array, base: number, wide: boolean): Parts {
  const width = wide ? 8 : 4;
  const table = fields(4 + targets.length * width, (out) => {
    out.u32(targets.length);
    for (const target of targets) {
      if (wide) out.u64(base + target);
      else out.u32(base + target);
    }
  });
  return fullBox(wide ? 'co64' : 'stco', 0, 0, table);
}
