/**
 * A photo of 12 megapixels, scrubbed, proved clean and read out in memory, as it is on its way in; against one process of
 * exiftool from file to file. The time on the wall of both, since nothing tells the processor time of a child.
 */
import { spawn, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { bufferSource, readInOrder } from '../src/base/source.js';
import { proveClean, scrub } from '../src/media/scrubber.js';
import { rounds, seconds, type Bench, type Benchmark } from './benchmark.js';
import { rowOf, type Result } from './row.js';
import { photo } from './samples.js';
import { finish } from './servers/server.js';

const ROUNDS = 15;

async function scrubAll(bytes: Buffer): Promise<void> {
  const source = bufferSource(bytes);
  const clean = await proveClean(await scrub(source, 'image/jpeg'), source);
  for await (const piece of readInOrder(clean)) piece.fill(0);
}

async function exiftool(from: string, to: string): Promise<void> {
  rmSync(to, { force: true });
  await finish(spawn('exiftool', ['-q', '-all=', '-o', to, from], { stdio: 'ignore' }));
}

export const scrubbing: Benchmark = {
  name: 'scrub',
  async run({ folder, cache }: Bench): Promise<readonly Result[]> {
    const name = 'scrub a 12-megapixel JPEG';
    if (spawnSync('exiftool', ['-ver']).status !== 0) return [{ name, skipped: 'exiftool is not installed' }];
    const from = path.join(folder, 'photo.jpg');
    const to = path.join(folder, 'clean.jpg');
    const bytes = await photo(cache);
    writeFileSync(from, bytes);
    const { ours, limit } = await rounds(
      ROUNDS,
      () => seconds(() => scrubAll(bytes)),
      () => seconds(() => exiftool(from, to)),
    );
    const rate = (values: readonly number[]): number[] => values.map((value) => 1 / value);
    return [
      rowOf(
        {
          name,
          unit: 'files/s',
          against: 'one `exiftool -all=` process',
          goal: { of: 'ratio', at: 'least', value: 100 },
        },
        rate(ours),
        rate(limit),
      ),
    ];
  },
};
