/**
 * The benchmarks: each figure as a ratio to a limit that is measured in the same run, or as a figure of its own.
 *
 *     npm run bench                     all of them
 *     npm run bench -- upload page      some of them
 *     npm run bench -- --scale          the second table: cost as work grows (minutes, and gigabytes of disk)
 *
 * Prints a table and writes `build/bench.json`. What it needs on the disk (up to 5 GB) lies below `build/` while it runs;
 * CHATPIC_BENCH_DIR names another place.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Bench, Benchmark } from './benchmark.js';
import { links } from './links.js';
import { memory } from './memory.js';
import { pages, trickles } from './page.js';
import type { Result } from './row.js';
import { scale, scaleOfLinks } from './scale.js';
import { scrubbing } from './scrub.js';
import { sealing } from './seal.js';
import { jsonOf, tableOf } from './table.js';
import { downloads, uploads } from './transfer.js';

const FIRST: readonly Benchmark[] = [uploads, downloads, pages, trickles, scrubbing, sealing, memory, links];
const SECOND: readonly Benchmark[] = [scale, scaleOfLinks];
const BUILD = path.resolve(import.meta.dirname, '..');

function chosen(args: readonly string[]): readonly Benchmark[] {
  const names = args.filter((arg) => !arg.startsWith('--'));
  const all = [...FIRST, ...SECOND];
  const unknown = names.filter((name) => !all.some((benchmark) => benchmark.name === name));
  if (unknown.length > 0) {
    throw new Error(`no benchmark ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`);
  }
  if (names.length > 0) return all.filter(({ name }) => names.includes(name));
  return args.includes('--scale') ? SECOND : FIRST;
}

async function runAll(benchmarks: readonly Benchmark[], bench: Bench): Promise<Result[]> {
  const results: Result[] = [];
  for (const benchmark of benchmarks) {
    const start = performance.now();
    results.push(...(await benchmark.run(bench)));
    console.error(`${benchmark.name}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
  }
  return results;
}

const place = process.env['CHATPIC_BENCH_DIR'] ?? BUILD;
mkdirSync(place, { recursive: true });
const folder = mkdtempSync(path.join(place, 'bench-run-'));
try {
  const results = await runAll(chosen(process.argv.slice(2)), { folder, cache: path.join(BUILD, 'bench-cache') });
  console.log(tableOf(results));
  writeFileSync(path.join(BUILD, 'bench.json'), jsonOf(results));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
