/**
 * Finds which of up to millions of perceptual hashes are near a given one.
 *
 * Construction: multi-index hashing (Norouzi, Punjani, Fleet 2012). A hash is sixteen bands of 16 bits. Two hashes that
 * differ in at most 31 bits differ in at most one bit in some band (16 bands with two each would be 32), so looking up
 * each band as it is and with each single bit flipped, 272 look-ups, meets every hash within 31. Each candidate's true
 * distance is then counted.
 *
 * What holds: the answer is exact for every radius up to 31, for any list. Where a list is so lopsided that the
 * candidates would outnumber the list, it is scanned from end to end instead, so a look-up is never slower than that.
 * Memory: 32 bytes a hash, and above `SCAN_BELOW` hashes 64 more and 4 MiB for the bands.
 */
import { invariant } from '../base/errors.js';
import { PDQ_LENGTH, popCount32, type PdqHash } from './pdq.js';

/** The largest radius for which bands with one flipped bit meet everything; also the programmes' usual threshold. */
export const MAX_RADIUS = 31;
const BANDS = 16;
const BAND_BITS = 16;
const BUCKETS = 1 << BAND_BITS;
const WORDS = PDQ_LENGTH / 4;
/** Up to so many hashes a plain scan is as fast as the bands, and needs none of their memory. */
export const SCAN_BELOW = 4096;

/** Called for each hash within the radius; several times for the same one if it is met in several bands. */
export type Visit = (entry: number, distance: number) => void;

/** For one band: entries sorted by their value in it, and where each value's run starts. */
interface Band {
  readonly starts: Uint32Array;
  readonly entries: Uint32Array;
}

export class PdqIndex {
  readonly #words: Uint32Array;
  readonly #bands: readonly Band[];

  private constructor(words: Uint32Array, bands: readonly Band[]) {
    this.#words = words;
    this.#bands = bands;
  }

  /**
   * Indexes hashes that stand one after the other in `hashes`, which is copied. Lets other work run between bands: at
   * a million hashes each takes tens of milliseconds.
   */
  static async build(hashes: Uint8Array, between: () => Promise<void> = breathe): Promise<PdqIndex> {
    invariant(hashes.length % PDQ_LENGTH === 0, 'a list of hashes has whole hashes');
    const words = wordsOf(hashes);
    const count = words.length / WORDS;
    const bands: Band[] = [];
    for (let band = 0; count > SCAN_BELOW && band < BANDS; band++) {
      bands.push(sortBand(words, count, band));
      await between();
    }
    return new PdqIndex(words, bands);
  }

  /** An index that is only ever scanned: for a few hashes, at once. */
  static unsorted(hashes: Uint8Array): PdqIndex {
    return new PdqIndex(wordsOf(hashes), []);
  }

  get size(): number {
    return this.#words.length / WORDS;
  }

  /** Meets every hash within `radius` (0 to 31) of `hash`. */
  search(hash: PdqHash, radius: number, visit: Visit): void {
    invariant(radius >= 0 && radius <= MAX_RADIUS, 'a radius is from 0 to 31');
    const query = wordsOf(hash);
    if (this.#bands.length === 0 || this.#candidates(query) > this.size) this.#scan(query, radius, visit);
    else this.#probe(query, radius, visit);
  }

  #scan(query: Uint32Array, radius: number, visit: Visit): void {
    for (let entry = 0; entry < this.size; entry++) this.#compare(query, entry, radius, visit);
  }

  #probe(query: Uint32Array, radius: number, visit: Visit): void {
    for (const [band, { starts, entries }] of this.#bands.entries()) {
      for (const value of neighbours(bandOf(query, 0, band))) {
        const end = starts[value + 1] ?? 0;
        for (let at = starts[value] ?? 0; at < end; at++) this.#compare(query, entries[at] ?? 0, radius, visit);
      }
    }
  }

  #candidates(query: Uint32Array): number {
    let count = 0;
    for (const [band, { starts }] of this.#bands.entries()) {
      for (const value of neighbours(bandOf(query, 0, band))) count += (starts[value + 1] ?? 0) - (starts[value] ?? 0);
    }
    return count;
  }

  #compare(query: Uint32Array, entry: number, radius: number, visit: Visit): void {
    let distance = 0;
    const base = entry * WORDS;
    for (let word = 0; word < WORDS && distance <= radius; word++) {
      distance += popCount32((query[word] ?? 0) ^ (this.#words[base + word] ?? 0));
    }
    if (distance <= radius) visit(entry, distance);
  }
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  const copy = Uint8Array.from(bytes);
  return new Uint32Array(copy.buffer);
}

/** The 16 bits of `entry` in a band: half of a 32-bit word. */
function bandOf(words: Uint32Array, entry: number, band: number): number {
  return ((words[entry * WORDS + (band >> 1)] ?? 0) >>> (BAND_BITS * (band & 1))) & (BUCKETS - 1);
}

/** A band's value and the sixteen that differ from it in one bit. */
function neighbours(value: number): number[] {
  const found = [value];
  for (let bit = 0; bit < BAND_BITS; bit++) found.push(value ^ (1 << bit));
  return found;
}

/** Counting sort of all entries by their value in one band. */
function sortBand(words: Uint32Array, count: number, band: number): Band {
  const starts = new Uint32Array(BUCKETS + 1);
  for (let entry = 0; entry < count; entry++) {
    const next = bandOf(words, entry, band) + 1;
    starts[next] = (starts[next] ?? 0) + 1;
  }
  for (let value = 0; value < BUCKETS; value++) starts[value + 1] = (starts[value + 1] ?? 0) + (starts[value] ?? 0);
  const entries = new Uint32Array(count);
  const at = starts.slice();
  for (let entry = 0; entry < count; entry++) {
    const value = bandOf(words, entry, band);
    const slot = at[value] ?? 0;
    entries[slot] = entry;
    at[value] = slot + 1;
  }
  return { starts, entries };
}

function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
