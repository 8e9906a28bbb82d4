/**
 * PDQ: 256 bits that say what a picture looks like. Two pictures that look alike differ in few bits.
 *
 * Construction: the algorithm published with the reference code of ThreatExchange (`pdq/`), unchanged and in the same
 * 32-bit floating point, so that the bits are those that hash-sharing programmes have in their lists: luma, two passes
 * of a box filter each way (Jarosz), 64x64 samples, the 16x16 lowest frequencies of a DCT, each compared with their
 * median. Layout: bit `16·row + column`, highest bit first, 32 bytes; as hexadecimal, the published notation.
 *
 * What holds: resizing, recompression, slight changes of light and colour change few bits.
 * What does not hold: it is no proof. Flat pictures (low quality) hash to noise; crops of more than a few per cent and
 * overlays change many bits; whoever has the algorithm can make a picture that avoids or hits a hash.
 * Knows nothing of: lists, verdicts.
 */
import type { Brand } from '../base/brand.js';

/** Bytes of a hash. */
export const PDQ_LENGTH = 32;
/** Below this side there is nothing to hash, as in the reference. */
const MIN_SIDE = 5;
const SIDE = 64;
const BAND = 16;
const PASSES = 2;

/** 32 bytes in the published order; never changed once made. */
export type PdqHash = Brand<Buffer, 'PdqHash'>;

/** A picture's luma, one byte a sample, row by row. Pictures are made at most 512 on a side before, as the reference does. */
export interface LumaPlane {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** The eight ways in which a picture can be turned and mirrored, in the reference's order and words. */
export const DIHEDRALS = [
  'original',
  'rotate90',
  'rotate180',
  'rotate270',
  'flipX',
  'flipY',
  'flipPlus1',
  'flipMinus1',
] as const;
export type Dihedral = (typeof DIHEDRALS)[number];

export interface PdqResult {
  readonly hash: PdqHash;
  /** 0 to 100: how much there is to see. Programmes drop hashes below 50. */
  readonly quality: number;
}

export interface PdqDihedralResult {
  readonly hashes: Readonly<Record<Dihedral, PdqHash>>;
  readonly quality: number;
}

/** The hash of a picture, or `null` where a side is below five samples. The plane is only read. */
export function pdqHash(plane: LumaPlane): PdqResult | null {
  const found = frequencies(plane);
  return found && { hash: bitsOf(found.bands), quality: found.quality };
}

/** The hashes of a picture and of its seven turned and mirrored selves, for little more than the price of one. */
export function pdqDihedral(plane: LumaPlane): PdqDihedralResult | null {
  const found = frequencies(plane);
  if (found === null) return null;
  const hashOf = (dihedral: Dihedral): [Dihedral, PdqHash] => [dihedral, bitsOf(turned(found.bands, dihedral))];
  const hashes = Object.fromEntries(DIHEDRALS.map(hashOf)) as Record<Dihedral, PdqHash>;
  return { hashes, quality: found.quality };
}

/** Luma as the algorithm defines it, from samples of red, green and blue. Rounded: a plane holds whole numbers. */
export function lumaOfRgb(rgb: Uint8Array, width: number, height: number): LumaPlane {
  const data = new Uint8Array(width * height);
  for (let at = 0, from = 0; at < data.length; at++, from += 3) {
    data[at] = Math.round(0.299 * (rgb[from] ?? 0) + 0.587 * (rgb[from + 1] ?? 0) + 0.114 * (rgb[from + 2] ?? 0));
  }
  return { width, height, data };
}

/** Reads the published notation: 64 hexadecimal digits, either case. `null` for anything else. */
export function parsePdqHash(text: string): PdqHash | null {
  return /^[0-9a-f]{64}$/i.test(text) ? (Buffer.from(text, 'hex') as PdqHash) : null;
}

/** Bits in which two hashes differ, 0 to 256. */
export function hammingDistance(a: PdqHash, b: PdqHash): number {
  let distance = 0;
  for (let at = 0; at < PDQ_LENGTH; at += 4) distance += popCount32(a.readUInt32LE(at) ^ b.readUInt32LE(at));
  return distance;
}

/** Bits set in a 32-bit integer. */
export function popCount32(value: number): number {
  let n = value - ((value >>> 1) & 0x55555555);
  n = (n & 0x33333333) + ((n >>> 2) & 0x33333333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

interface Frequencies {
  /** 16x16, row by row. */
  readonly bands: Float32Array;
  readonly quality: number;
}

function frequencies(plane: LumaPlane): Frequencies | null {
  const { width, height, data } = plane;
  if (width < MIN_SIDE || height < MIN_SIDE) return null;
  const samples = Float32Array.from(data.subarray(0, width * height));
  const scratch = new Float32Array(samples.length);
  for (let pass = 0; pass < PASSES; pass++) {
    boxAlongRows(samples, scratch, width, height, windowFor(width));
    boxAlongColumns(scratch, samples, width, height, windowFor(height));
  }
  const small = decimate(samples, width, height);
  const result = { bands: dct(small), quality: qualityOf(small) };
  for (const used of [samples, scratch, small]) used.fill(0);
  return result;
}

/** Half of a sample's block, rounded up: two passes of it cover the block. */
function windowFor(side: number): number {
  return Math.floor((side + 2 * SIDE - 1) / (2 * SIDE));
}

/** How a box of `window` moves over `length` samples: it grows over the edge, slides, and shrinks over the other edge. */
interface Phases {
  readonly before: number;
  readonly growing: number;
  readonly sliding: number;
  readonly shrinking: number;
}

function phasesOf(length: number, window: number): Phases {
  const half = Math.floor((window + 2) / 2);
  return { before: half - 1, growing: window - half + 1, sliding: length - window, shrinking: half - 1 };
}

// Sums run along as 32-bit floats, in the reference's order of additions: another order gives other bits now and then.

function boxAlongRows(from: Float32Array, to: Float32Array, width: number, height: number, window: number): void {
  const { before, growing, sliding, shrinking } = phasesOf(width, window);
  for (let row = 0; row < height; row++) {
    let left = row * width;
    let right = left;
    let out = left;
    let sum = 0;
    let size = before;
    for (let i = 0; i < before; i++) sum = Math.fround(sum + (from[right++] ?? 0));
    for (let i = 0; i < growing; i++) {
      sum = Math.fround(sum + (from[right++] ?? 0));
      to[out++] = sum / ++size;
    }
    for (let i = 0; i < sliding; i++) {
      sum = Math.fround(sum + (from[right++] ?? 0));
      sum = Math.fround(sum - (from[left++] ?? 0));
      to[out++] = sum / size;
    }
    for (let i = 0; i < shrinking; i++) {
      sum = Math.fround(sum - (from[left++] ?? 0));
      to[out++] = sum / --size;
    }
  }
}

/** All columns at once, row after row, so that memory is walked in order; each column's sum sees the same additions. */
function boxAlongColumns(from: Float32Array, to: Float32Array, width: number, height: number, window: number): void {
  const { before, growing, sliding, shrinking } = phasesOf(height, window);
  const sums = new Float32Array(width);
  let left = 0;
  let right = 0;
  let out = 0;
  let size = before;
  const add = (): void => {
    for (let x = 0; x < width; x++) sums[x] = (sums[x] ?? 0) + (from[right++] ?? 0);
  };
  const subtract = (): void => {
    for (let x = 0; x < width; x++) sums[x] = (sums[x] ?? 0) - (from[left++] ?? 0);
  };
  const write = (): void => {
    for (let x = 0; x < width; x++) to[out++] = (sums[x] ?? 0) / size;
  };
  for (let i = 0; i < before; i++) add();
  for (let i = 0; i < growing; i++) {
    add();
    size++;
    write();
  }
  for (let i = 0; i < sliding; i++) {
    add();
    subtract();
    write();
  }
  for (let i = 0; i < shrinking; i++) {
    subtract();
    size--;
    write();
  }
}

/** 64x64 samples, each from the middle of its block. */
function decimate(samples: Float32Array, width: number, height: number): Float32Array {
  const small = new Float32Array(SIDE * SIDE);
  for (let row = 0; row < SIDE; row++) {
    const line = Math.floor(((row + 0.5) * height) / SIDE) * width;
    for (let column = 0; column < SIDE; column++) {
      small[row * SIDE + column] = samples[line + Math.floor(((column + 0.5) * width) / SIDE)] ?? 0;
    }
  }
  return small;
}

/** Steps between neighbours that are large enough to be seen, scaled as in the reference. */
function qualityOf(small: Float32Array): number {
  let sum = 0;
  const step = (from: number, to: number): void => {
    const difference = Math.fround((small[from] ?? 0) - (small[to] ?? 0));
    sum += Math.abs(Math.trunc(Math.fround(Math.fround(difference * 100) / 255)));
  };
  for (let at = 0; at < SIDE * (SIDE - 1); at++) step(at, at + SIDE);
  for (let at = 0; at < SIDE * SIDE; at++) if (at % SIDE < SIDE - 1) step(at, at + 1);
  return Math.min(100, Math.floor(sum / 90));
}

/** Rows 1 to 16 of the DCT-II of 64 points. */
const DCT = ((): Float32Array => {
  const matrix = new Float32Array(BAND * SIDE);
  const scale = Math.fround(Math.sqrt(2 / SIDE));
  for (let i = 0; i < BAND; i++) {
    for (let j = 0; j < SIDE; j++) {
      matrix[i * SIDE + j] = scale * Math.cos((Math.PI / 2 / SIDE) * (i + 1) * (2 * j + 1));
    }
  }
  return matrix;
})();

/** DCT · small · DCTᵀ. */
function dct(small: Float32Array): Float32Array {
  const half = new Float32Array(BAND * SIDE);
  for (let i = 0; i < BAND; i++) {
    for (let j = 0; j < SIDE; j++) {
      let sum = 0;
      for (let k = 0; k < SIDE; k++) {
        sum = Math.fround(sum + Math.fround((DCT[i * SIDE + k] ?? 0) * (small[k * SIDE + j] ?? 0)));
      }
      half[i * SIDE + j] = sum;
    }
  }
  const bands = new Float32Array(BAND * BAND);
  for (let i = 0; i < BAND; i++) {
    for (let j = 0; j < BAND; j++) {
      let sum = 0;
      for (let k = 0; k < SIDE; k++) {
        sum = Math.fround(sum + Math.fround((half[i * SIDE + k] ?? 0) * (DCT[j * SIDE + k] ?? 0)));
      }
      bands[i * BAND + j] = sum;
    }
  }
  return bands;
}

/** What turning a picture does to its frequencies: swaps rows with columns, and changes signs by row, column or both. */
const TURNS: Readonly<Record<Dihedral, { swap: boolean; negative: (row: number, column: number) => boolean }>> = {
  original: { swap: false, negative: () => false },
  rotate90: { swap: true, negative: (_row, column) => column % 2 === 0 },
  rotate180: { swap: false, negative: (row, column) => (row + column) % 2 === 1 },
  rotate270: { swap: true, negative: (row) => row % 2 === 0 },
  flipX: { swap: false, negative: (row) => row % 2 === 0 },
  flipY: { swap: false, negative: (_row, column) => column % 2 === 0 },
  flipPlus1: { swap: true, negative: () => false },
  flipMinus1: { swap: true, negative: (row, column) => (row + column) % 2 === 1 },
};

function turned(bands: Float32Array, dihedral: Dihedral): Float32Array {
  const { swap, negative } = TURNS[dihedral];
  const out = new Float32Array(BAND * BAND);
  for (let row = 0; row < BAND; row++) {
    for (let column = 0; column < BAND; column++) {
      const value = bands[row * BAND + column] ?? 0;
      out[swap ? column * BAND + row : row * BAND + column] = negative(row, column) ? -value : value;
    }
  }
  return out;
}

/** One bit a frequency: above the median (the lower of the two in the middle) or not. */
function bitsOf(bands: Float32Array): PdqHash {
  const median = bands.toSorted()[(BAND * BAND) / 2 - 1] ?? 0;
  const hash = Buffer.alloc(PDQ_LENGTH);
  for (let bit = 0; bit < BAND * BAND; bit++) {
    const at = PDQ_LENGTH - 1 - (bit >> 3);
    if ((bands[bit] ?? 0) > median) hash[at] = (hash[at] ?? 0) | (1 << (bit & 7));
  }
  return hash as PdqHash;
}
