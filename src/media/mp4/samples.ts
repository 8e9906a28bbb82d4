/**
 * Samples as places in the source, and the walk that carries them into the new media data.
 *
 * A track's samples stand in chunks: rows of samples one behind the other. Chunks of all kept tracks are taken in the
 * order in which they stand in the file, so the source is read once, forwards, and whatever no chunk covers stays behind.
 */
import type { Plan } from '../plan.js';
import type { Budget } from './budget.js';
import { unreadable } from './refuse.js';
import type { Window } from './window.js';

/** Writes one sample to `out` as it is to come out. */
export interface SampleScrubber {
  scrub(window: Window, offset: number, size: number, out: Plan): Promise<void>;
}

/** Rows of samples. Columns, not objects: a long film has some hundred thousand chunks. */
export interface Chunks {
  /** Where each chunk begins in the source. */
  readonly offsets: Float64Array;
  /** How many samples there are up to and with each chunk. */
  readonly ends: Uint32Array;
  /** Which sample description each uses, counted from 1. */
  readonly descriptions: Uint32Array;
  /** Where each begins in the new media data; filled in by `scrubMedia`. */
  readonly targets: Float64Array;
}

/** Bytes of one row of `Chunks`. */
const CHUNK_BYTES = 8 + 4 + 4 + 8;

export interface Samples {
  /** Bytes of each sample; `scrubMedia` replaces them with those of the new samples. */
  readonly sizes: Uint32Array;
  readonly chunks: Chunks;
}

export function makeChunks(count: number, budget: Budget): Chunks {
  budget.tables(count * CHUNK_BYTES);
  return {
    offsets: new Float64Array(count),
    ends: new Uint32Array(count),
    descriptions: new Uint32Array(count),
    targets: new Float64Array(count),
  };
}

/** The first `count` chunks. */
export function firstChunks(chunks: Chunks, count: number): Chunks {
  return {
    offsets: chunks.offsets.subarray(0, count),
    ends: chunks.ends.subarray(0, count),
    descriptions: chunks.descriptions.subarray(0, count),
    targets: chunks.targets.subarray(0, count),
  };
}

/** Samples with one scrubber for each of their track's descriptions. */
export interface MediaPart {
  readonly samples: Samples;
  readonly scrubbers: readonly SampleScrubber[];
}

/**
 * Carries the samples of `parts` to `out` in file order. Sizes and targets of the samples are those of the new data
 * afterwards; targets count from `out`'s size at the call. Gives the bytes of the source that samples covered.
 */
export async function scrubMedia(
  window: Window,
  budget: Budget,
  parts: readonly MediaPart[],
  out: Plan,
): Promise<number> {
  const base = out.size;
  let covered = 0;
  for (const { part, chunk } of inFileOrder(parts)) {
    part.samples.chunks.targets[chunk] = out.size - base;
    covered += await scrubChunk(window, budget, part, chunk, out);
  }
  return covered;
}

async function scrubChunk(window: Window, budget: Budget, part: MediaPart, chunk: number, out: Plan): Promise<number> {
  const { sizes, chunks } = part.samples;
  const scrubber = part.scrubbers[(chunks.descriptions[chunk] ?? 0) - 1];
  if (scrubber === undefined) return unreadable('a sample of a kind that its track does not describe');
  const start = chunks.offsets[chunk] ?? 0;
  let at = start;
  for (let index = chunks.ends[chunk - 1] ?? 0; index < (chunks.ends[chunk] ?? 0); index++) {
    const size = sizes[index] ?? 0;
    budget.media(size);
    if (at + size > window.size) unreadable('a sample lies outside the file');
    const before = out.size;
    await scrubber.scrub(window, at, size, out);
    sizes[index] = out.size - before;
    at += size;
  }
  return at - start;
}

interface Turn {
  readonly part: MediaPart;
  readonly order: Uint32Array;
  next: number;
}

/** All chunks of all parts, by their place in the source; among equals the earlier part's first. */
function* inFileOrder(parts: readonly MediaPart[]): Generator<{ part: MediaPart; chunk: number }, void, undefined> {
  const turns = parts.map((part): Turn => ({ part, order: ascending(part.samples.chunks.offsets), next: 0 }));
  for (;;) {
    let first: Turn | null = null;
    let least = Infinity;
    for (const turn of turns) {
      const offset = turn.part.samples.chunks.offsets[turn.order[turn.next] ?? -1] ?? Infinity;
      if (offset < least) {
        least = offset;
        first = turn;
      }
    }
    if (first === null) return;
    yield { part: first.part, chunk: first.order[first.next] ?? 0 };
    first.next++;
  }
}

/** The order of chunks by offset. Nearly every file has them in order already. */
function ascending(offsets: Float64Array): Uint32Array {
  const order = Uint32Array.from(offsets, (_, index) => index);
  const sorted = offsets.every((offset, index) => index === 0 || (offsets[index - 1] ?? 0) <= offset);
  return sorted ? order : order.sort((a, b) => (offsets[a] ?? 0) - (offsets[b] ?? 0) || a - b);
}
