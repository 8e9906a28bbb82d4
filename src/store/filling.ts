/**
 * Fills the arena with random bytes after it was made, from the beginning, in stretches.
 *
 * What holds, and why: a stretch is synced, then its record is durable, then its units are handed out. So a unit that a
 * share owns is never filled again after a crash, and a used one can't be told from a free one.
 */
import { fillRandom } from '../crypto/random.js';
import type { OpenFile } from './files.js';
import type { Geometry } from './geometry.js';

/** The first stretch is small, so that the first upload can begin at once; each is twice as long as the last. */
const FIRST_STRETCH = 4;
const LONGEST_STRETCH = 64;

export interface FillingParts {
  readonly file: OpenFile;
  readonly geometry: Geometry;
  readonly from: number;
  /** Makes it durable that the units below `filled` are filled, and hands them out. */
  readonly record: (filled: number) => Promise<void>;
  readonly onProgress: (filled: number, total: number) => void;
  readonly stopped: () => boolean;
}

/** Resolves when the arena is full of noise, or when it was stopped. Goes on from where an earlier life came to. */
export async function fillArena(parts: FillingParts): Promise<void> {
  const { file, geometry, record, onProgress, stopped } = parts;
  const noise = Buffer.from(new ArrayBuffer(geometry.unitBytes));
  let filled = parts.from;
  for (let stretch = FIRST_STRETCH; filled < geometry.units; stretch = Math.min(2 * stretch, LONGEST_STRETCH)) {
    const end = Math.min(filled + stretch, geometry.units);
    for (; filled < end; filled++) {
      if (stopped()) return;
      await file.write(fillRandom(noise), filled * geometry.unitBytes);
    }
    await file.sync();
    if (stopped()) return;
    await record(filled);
    onProgress(filled, geometry.units);
  }
}
