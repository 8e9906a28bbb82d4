/**
 * `npm run attack`: every attack in full size, and the table of docs/ATTACKS.md. A few minutes; 10,000 connections need as many
 * open files (`ulimit -n`) for this process and for the server. Words name single attacks: `npm run attack -- idle`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { HOLDING } from './holding.js';
import { SHAPES } from './shapes.js';
import { rowOf, runSuite, tableOf } from './suite.js';

const BUILD = path.resolve(import.meta.dirname, '../..');
const words = process.argv.slice(2);
const attacks = [...HOLDING, ...SHAPES].filter(
  ({ name }) => words.length === 0 || words.some((word) => name.includes(word)),
);
const folder = await mkdtemp(path.join(BUILD, 'attack-'));
try {
  const result = await runSuite({
    folder,
    attacks,
    scale: Number(process.env['CHATPIC_ATTACK_SCALE'] ?? 1),
    hold: 8000,
    rest: 6000,
    settle: 20_000,
    least: 3,
    storeMegabytes: 2048,
    onResult: (result) => console.error(rowOf(result)),
  });
  console.log(tableOf(result));
  await writeFile(path.join(BUILD, 'attack.json'), JSON.stringify(result, null, 2));
} finally {
  await rm(folder, { recursive: true, force: true });
}
process.exit(0);
