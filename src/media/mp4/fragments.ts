/**
 * Fragments: films that come in parts, each with a header of its own. They stay fragments, since players treat edit
 * lists of fragmented files differently; each comes out with its own media data behind it.
 *
 *     moof = mfhd(number) ‖ { traf = tfhd ‖ [tfdt] ‖ { trun } }                       ISO/IEC 14496-12, section 8.8
 *     tfhd = track(4) ‖ [base(8)] ‖ [description(4)] ‖ [duration(4)] ‖ [size(4)] ‖ [flags(4)]
 *     trun = count(4) ‖ [data offset(4)] ‖ [first flags(4)] ‖ { [duration] ‖ [size] ‖ [flags] ‖ [offset] }
 *
 * Written: the base is the fragment itself, sizes are told for each sample, decode times are 64 bits wide, fragments are
 * numbered from 1. Live recordings count decode times from 1970: whole seconds before the first sample are taken off.
 */
import { Reader } from '../../base/cursor.js';
import type { RemovedTally } from '../removed.js';
import { bodyOf, box, childrenOf, fields, fullBox, fullHeader, sizeOf } from './boxes.js';
import type { Box, Input, Parts } from './boxes.js';
import { countDropped } from './found.js';
import type { SampleDefaults } from './movie.js';
import { unreadable } from './refuse.js';
import { makeChunks, type Samples } from './samples.js';

const TFHD_BASE = 0x1;
const TFHD_DESCRIPTION = 0x2;
const TFHD_DURATION = 0x8;
const TFHD_SIZE = 0x10;
const TFHD_FLAGS = 0x20;
const TFHD_EMPTY = 0x10000;
const TFHD_BASE_IS_MOOF = 0x20000;

const TRUN_DATA_OFFSET = 0x1;
const TRUN_FIRST_FLAGS = 0x4;
const TRUN_DURATION = 0x100;
const TRUN_SIZE = 0x200;
const TRUN_FLAGS = 0x400;
const TRUN_OFFSET = 0x800;

/** One track's part of a fragment. */
export interface TrackFragment {
  readonly sourceId: number;
  /** Flags of its header that are kept. */
  readonly flags: number;
  readonly defaults: SampleDefaults;
  /** When its first sample is decoded, in the track's time; `null` where the one before says it. */
  readonly decodeTime: number | null;
  readonly runs: readonly Run[];
  /** All samples of its runs; one chunk a run. */
  readonly samples: Samples;
}

interface Run {
  readonly flags: number;
  readonly firstFlags: number;
  readonly count: number;
  /** For each sample, but sizes; empty where the flags say so. */
  readonly durations: Uint32Array;
  readonly sampleFlags: Uint32Array;
  readonly offsets: Uint32Array;
}

/** A run as it is read: with its sizes, and its place in the source. */
interface PlacedRun extends Run {
  readonly sizes: Uint32Array;
  readonly start: number;
}

const NO_DEFAULTS: SampleDefaults = { description: 1, duration: 0, size: 0, flags: 0 };

/**
 * The parts of the fragment `moof`, those of dropped tracks too: the data of one may begin where that of another ends.
 */
export async function readFragment(
  input: Input,
  moof: Box,
  defaults: ReadonlyMap<number, SampleDefaults>,
  tally: RemovedTally,
): Promise<TrackFragment[]> {
  const found: TrackFragment[] = [];
  let implicit = moof.start;
  for await (const child of childrenOf(input, moof)) {
    if (child.type === 'traf') {
      const { fragment, end } = await readTrackFragment(input, child, { moof: moof.start, implicit }, defaults, tally);
      implicit = end;
      found.push(fragment);
    } else if (child.type !== 'mfhd') await countDropped(input, child, tally);
  }
  return found;
}

/** Places that data offsets can count from. */
interface Bases {
  readonly moof: number;
  readonly implicit: number;
}

async function readTrackFragment(
  input: Input,
  traf: Box,
  bases: Bases,
  defaults: ReadonlyMap<number, SampleDefaults>,
  tally: RemovedTally,
): Promise<{ fragment: TrackFragment; end: number }> {
  let header: TrackFragmentHeader | null = null;
  let decodeTime: number | null = null;
  const runs: PlacedRun[] = [];
  let end = bases.implicit;
  for await (const child of childrenOf(input, traf)) {
    if (child.type === 'tfhd') {
      header = readHeader(await bodyOf(input, child), bases, defaults);
      end = header.base;
    } else if (child.type === 'tfdt') {
      decodeTime = readDecodeTime(await bodyOf(input, child));
    } else if (child.type === 'trun') {
      if (header === null) return unreadable('a run of samples of no track');
      const run = readRun(await bodyOf(input, child), header, end, input);
      end = run.start + sum(run.sizes);
      runs.push(run);
    } else await countDropped(input, child, tally);
  }
  if (header === null) return unreadable('a part of a fragment that names no track');
  const { sourceId, flags, defaults: own } = header;
  return { fragment: { sourceId, flags, defaults: own, decodeTime, runs, samples: joined(runs, own, input) }, end };
}

interface TrackFragmentHeader {
  readonly sourceId: number;
  readonly flags: number;
  readonly base: number;
  readonly defaults: SampleDefaults;
}

function readHeader(body: Buffer, bases: Bases, known: ReadonlyMap<number, SampleDefaults>): TrackFragmentHeader {
  const reader = new Reader(body);
  const { flags } = fullHeader(reader);
  const sourceId = reader.u32();
  const defaults = known.get(sourceId) ?? NO_DEFAULTS;
  const told = (flag: number, otherwise: number): number => ((flags & flag) === 0 ? otherwise : reader.u32());
  const base = (flags & TFHD_BASE) === 0 ? implicitBase(flags, bases) : reader.u64();
  return {
    sourceId,
    flags: flags & (TFHD_DESCRIPTION | TFHD_DURATION | TFHD_FLAGS | TFHD_EMPTY),
    base,
    defaults: {
      description: told(TFHD_DESCRIPTION, defaults.description),
      duration: told(TFHD_DURATION, defaults.duration),
      size: told(TFHD_SIZE, defaults.size),
      flags: told(TFHD_FLAGS, defaults.flags),
    },
  };
}

function implicitBase(flags: number, { moof, implicit }: Bases): number {
  return (flags & TFHD_BASE_IS_MOOF) === 0 ? implicit : moof;
}

function readDecodeTime(body: Buffer): number {
  const reader = new Reader(body);
  return fullHeader(reader).version === 1 ? reader.u64() : reader.u32();
}

function readRun(body: Buffer, header: TrackFragmentHeader, end: number, input: Input): PlacedRun {
  const reader = new Reader(body);
  const { flags } = fullHeader(reader);
  const count = reader.u32();
  const start = (flags & TRUN_DATA_OFFSET) === 0 ? end : header.base + (reader.u32() | 0);
  const firstFlags = (flags & TRUN_FIRST_FLAGS) === 0 ? 0 : reader.u32();
  const columns = [TRUN_DURATION, TRUN_SIZE, TRUN_FLAGS, TRUN_OFFSET].map((flag) => (flags & flag) !== 0);
  input.budget.samples(count);
  input.budget.tables(count * 4 * (1 + columns.filter(Boolean).length));
  const [durations, sizes, sampleFlags, offsets] = columns.map((told) => new Uint32Array(told ? count : 0));
  const told = [durations, sizes, sampleFlags, offsets].filter((values) => values !== undefined && values.length > 0);
  for (let index = 0; index < count && told.length > 0; index++) {
    for (const values of told) if (values !== undefined) values[index] = reader.u32();
  }
  const none = new Uint32Array(0);
  return {
    flags: flags & (TRUN_FIRST_FLAGS | TRUN_DURATION | TRUN_FLAGS | TRUN_OFFSET),
    firstFlags,
    count,
    durations: durations ?? none,
    sampleFlags: sampleFlags ?? none,
    offsets: offsets ?? none,
    sizes: columns[1] === true ? (sizes ?? none) : new Uint32Array(count).fill(header.defaults.size),
    start,
  };
}

/** The samples of all runs as one table, a chunk for each run that has any. */
function joined(runs: readonly PlacedRun[], { description }: SampleDefaults, input: Input): Samples {
  const count = runs.reduce((total, run) => total + run.count, 0);
  input.budget.tables(count * 4);
  const sizes = new Uint32Array(count);
  const chunks = makeChunks(runs.length, input.budget);
  let end = 0;
  for (const [index, run] of runs.entries()) {
    sizes.set(run.sizes, end);
    end += run.count;
    chunks.offsets[index] = run.start;
    chunks.ends[index] = end;
    chunks.descriptions[index] = description;
  }
  return { sizes, chunks };
}

/** How long the samples of a part play, in the track's time. */
export function playedBy({ runs, defaults }: TrackFragment): number {
  return runs.reduce((total, run) => {
    return total + ((run.flags & TRUN_DURATION) === 0 ? run.count * defaults.duration : sum(run.durations));
  }, 0);
}

function sum(values: Uint32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

/** A kept part with the number of its track in the new file, and how much earlier it is decoded there. */
export interface RenumberedFragment {
  readonly fragment: TrackFragment;
  readonly id: number;
  readonly earlier: number;
}

/** The fragment anew, as number `sequence`, with data that begins `mediaHeader` bytes behind it. */
export function encodeFragment(parts: readonly RenumberedFragment[], sequence: number, mediaHeader: number): Parts {
  const size = sizeOf(encodeAt(parts, sequence, 0));
  return encodeAt(parts, sequence, size + mediaHeader);
}

function encodeAt(parts: readonly RenumberedFragment[], sequence: number, data: number): Parts {
  const mfhd = fullBox(
    'mfhd',
    0,
    0,
    fields(4, (out) => out.u32(sequence)),
  );
  return box(
    'moof',
    mfhd,
    parts.flatMap((part) => encodeTrackFragment(part, data)),
  );
}

function encodeTrackFragment({ fragment, id, earlier }: RenumberedFragment, data: number): Parts {
  const { decodeTime, runs, samples } = fragment;
  const tfdt =
    decodeTime === null
      ? []
      : fullBox(
          'tfdt',
          1,
          0,
          fields(8, (out) => out.u64(Math.max(0, decodeTime - earlier))),
        );
  const truns = runs.flatMap((run, index) => {
    const sizes = samples.sizes.subarray(samples.chunks.ends[index - 1] ?? 0, samples.chunks.ends[index]);
    return encodeRun(run, sizes, data + (samples.chunks.targets[index] ?? 0));
  });
  return box('traf', encodeHeader(fragment, id), tfdt, truns);
}

function encodeHeader({ flags, defaults }: TrackFragment, id: number): Parts {
  const told = [
    ...((flags & TFHD_DESCRIPTION) === 0 ? [] : [defaults.description]),
    ...((flags & TFHD_DURATION) === 0 ? [] : [defaults.duration]),
    ...((flags & TFHD_FLAGS) === 0 ? [] : [defaults.flags]),
  ];
  const body = fields(4 + told.length * 4, (out) => {
    out.u32(id);
    for (const value of told) out.u32(value);
  });
  return fullBox('tfhd', 0, flags | TFHD_BASE_IS_MOOF, body);
}

function encodeRun(run: Run, sizes: Uint32Array, data: number): Parts {
  if (data >= 2 ** 31) unreadable('a fragment that is longer than its own offsets can say');
  const { durations, sampleFlags, offsets } = run;
  const columns = [durations, sizes, sampleFlags, offsets].filter((values) => values.length > 0);
  const first = (run.flags & TRUN_FIRST_FLAGS) === 0 ? [] : [run.firstFlags];
  const body = fields(8 + first.length * 4 + columns.length * run.count * 4, (out) => {
    out.u32(run.count).u32(data);
    for (const value of first) out.u32(value);
    for (let index = 0; index < run.count; index++) for (const values of columns) out.u32(values[index] ?? 0);
  });
  const version = offsets.some((offset) => offset >= 2 ** 31) ? 1 : 0;
  return fullBox('trun', version, run.flags | TRUN_DATA_OFFSET | TRUN_SIZE, body);
}
