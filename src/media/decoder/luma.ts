/** Brightness planes for perceptual hashes, and the choice of frames that stand for an animation. */
import type { Colour, Luma } from './decoder.js';

/** Raw pixels, 8 bits a channel, rows without gaps: grey, grey and alpha, RGB or RGBA. */
export interface Raster {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Buffer;
}

/**
 * Luma by ITU-R BT.601, `(299 R + 587 G + 114 B) / 1000` rounded, as PDQ and its kin have it. What is transparent is seen
 * on white, like on the page.
 */
export function lumaOf(raster: Raster): Luma {
  const { width, height, channels, data } = raster;
  const out = Buffer.from(new ArrayBuffer(width * height));
  const colours = channels >= 3;
  const alphaAt = channels === 4 ? 3 : channels === 2 ? 1 : -1;
  for (let pixel = 0, at = 0; pixel < out.length; pixel++, at += channels) {
    const first = data[at] ?? 0;
    const luma = colours ? (299 * first + 587 * (data[at + 1] ?? 0) + 114 * (data[at + 2] ?? 0)) / 1000 : first;
    const alpha = alphaAt < 0 ? 255 : (data[at + alphaAt] ?? 255);
    out[pixel] = Math.round((luma * alpha + 255 * (255 - alpha)) / 255);
  }
  return { width, height, data: out };
}

/** Red, green and blue of each pixel; what is transparent is seen on white. */
export function colourOf({ width, height, channels, data }: Raster): Colour {
  const out = Buffer.from(new ArrayBuffer(3 * width * height));
  const alphaAt = channels === 4 ? 3 : channels === 2 ? 1 : -1;
  const step = channels >= 3 ? 1 : 0;
  for (let to = 0, at = 0; to < out.length; to += 3, at += channels) {
    const alpha = alphaAt < 0 ? 255 : (data[at + alphaAt] ?? 255);
    for (let channel = 0; channel < 3; channel++) {
      out[to + channel] = Math.round(((data[at + channel * step] ?? 0) * alpha + 255 * (255 - alpha)) / 255);
    }
  }
  return { width, height, data: out };
}

const SIGNATURE_SIDE = 8;

/** The mean of each channel on a grid of 8x8: enough to tell frames apart. */
function signatureOf({ width, height, data }: Luma | Colour, channels: 1 | 3): Float64Array {
  const cells = SIGNATURE_SIDE * SIGNATURE_SIDE;
  const sums = new Float64Array(cells * channels);
  const counts = new Float64Array(cells);
  for (let y = 0, at = 0; y < height; y++) {
    const row = Math.floor((y * SIGNATURE_SIDE) / height) * SIGNATURE_SIDE;
    for (let x = 0; x < width; x++) {
      const cell = row + Math.floor((x * SIGNATURE_SIDE) / width);
      counts[cell] = (counts[cell] ?? 0) + 1;
      for (let plane = cell; plane < sums.length; plane += cells, at++)
        sums[plane] = (sums[plane] ?? 0) + (data[at] ?? 0);
    }
  }
  return sums.map((sum, at) => sum / Math.max(1, counts[at % cells] ?? 1));
}

function distance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let cell = 0; cell < a.length; cell++) sum += ((a[cell] ?? 0) - (b[cell] ?? 0)) ** 2;
  return sum;
}

/**
 * Indexes of at most `count` frames that stand for all: the first, then always the frame that is least like those chosen
 * so far. One odd frame among two thousand is among them, which an even spread would miss. In order of time. Of frames in
 * colour those that differ in colour alone are told apart too.
 */
export function chooseFrames(frames: readonly (Luma | Colour)[], count: number, channels: 1 | 3 = 1): number[] {
  const signatures = frames.map((frame) => signatureOf(frame, channels));
  const chosen: number[] = [];
  const nearest = new Float64Array(frames.length).fill(Infinity);
  for (let next = 0; chosen.length < count && next >= 0;) {
    chosen.push(next);
    const newest = signatures[next];
    if (newest === undefined) return [];
    next = -1;
    let farthest = 0;
    for (const [index, signature] of signatures.entries()) {
      const near = Math.min(nearest[index] ?? Infinity, distance(signature, newest));
      nearest[index] = near;
      if (near > farthest) [next, farthest] = [index, near];
    }
  }
  return chosen.sort((a, b) => a - b);
}
