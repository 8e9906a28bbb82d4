/** Deterministic pictures for the tests of this room: a generator anyone can run again, and luma planes of discs. */
import type { LumaPlane } from '../../src/moderation/pdq.js';

/** xorshift32 (Marsaglia): whole numbers below 2^32, the same for the same seed everywhere. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Twelve discs of random grey on a grey ground. */
export function discs(width: number, height: number, seed: number): LumaPlane {
  const next = generator(seed);
  const data = new Uint8Array(width * height);
  const drawn = Array.from({ length: 12 }, () => {
    const [x, y] = [next() % width, next() % height];
    return { x, y, radius: 1 + (next() % Math.max(1, (width + height) >> 2)), grey: next() & 255 };
  });
  data.fill(next() & 255);
  for (const { x, y, radius, grey } of drawn) {
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        if ((column - x) ** 2 + (row - y) ** 2 < radius * radius) data[row * width + column] = grey;
      }
    }
  }
  return { width, height, data };
}
