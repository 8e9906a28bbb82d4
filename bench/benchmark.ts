/** What a benchmark is given, and what it is. */
import type { Result } from './row.js';

export interface Bench {
  /** A folder of this run, on a disk, gone afterwards. */
  readonly folder: string;
  /** A folder that stays, for files that take long to make. */
  readonly cache: string;
}

export interface Benchmark {
  readonly name: string;
  run(bench: Bench): Promise<readonly Result[]>;
}

/** Runs `ours` and `limit` by turns, `count` times each, after `warm` turns that aren't counted. */
export async function rounds<T, U>(
  count: number,
  ours: () => Promise<T>,
  limit: () => Promise<U>,
  warm = 1,
): Promise<{ ours: T[]; limit: U[] }> {
  const result: { ours: T[]; limit: U[] } = { ours: [], limit: [] };
  for (let round = -warm; round < count; round++) {
    const one = await ours();
    const other = await limit();
    if (round < 0) continue;
    result.ours.push(one);
    result.limit.push(other);
  }
  return result;
}

/** Seconds that `work` takes on the wall. */
export async function seconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return (performance.now() - start) / 1000;
}
