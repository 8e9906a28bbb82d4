/**
 * `npm run soak -- MINUTES`: mixed load with rounds and expiries, an hour unless said otherwise. Prints the drift, and writes
 * `build/soak.json` and `build/soak.png`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { drawSoak } from './graph.js';
import { soak } from './soak.js';

const BUILD = path.resolve(import.meta.dirname, '../..');
const minutes = Number(process.argv[2] ?? 60);
const folder = await mkdtemp(path.join(BUILD, 'soak-'));
try {
  const result = await soak({
    folder,
    seconds: 60 * minutes,
    every: Math.max(2, minutes / 4),
    visitors: 6,
    onSample: ({ at, memory, handles, deeds, middle, slow, cost }) =>
      console.error(
        `${at} s: ${memory.toFixed(0)} MB, ${handles} handles, ${deeds} deeds, ${middle.toFixed(0)} and ${slow.toFixed(0)} ms, ${cost.toFixed(1)} ms of CPU each`,
      ),
  });
  await writeFile(path.join(BUILD, 'soak.json'), JSON.stringify(result));
  await writeFile(path.join(BUILD, 'soak.png'), await drawSoak(result.samples));
  console.log(JSON.stringify({ drift: result.drift, failures: result.failures }, null, 2));
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
