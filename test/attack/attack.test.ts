/** The attack suite in small, for every run of the tests: `npm run attack` is the full one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { HOLDING } from './holding.js';
import { SHAPES } from './shapes.js';
import { runSuite, SLACK_MB } from './suite.js';

/** Far above any honest peak, far below what an unbounded attack takes. */
const MOST_MB = 700;

test.test('under each attack a normal share goes through, nothing breaks, and memory comes back', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'chatpic-attack-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const options = { folder, attacks: [...HOLDING, ...SHAPES], scale: 0.1, hold: 1000, settle: 15_000 };
  const { idle, attacks } = await runSuite(options);
  for (const { name, held, shares, failures, peak, after, wrong } of attacks) {
    t.ok(shares >= 3, `${name}: ${held}`);
    t.strictSame(failures, [], `${name}: every share goes through`);
    t.strictSame(wrong, [], `${name}: every answer is right`);
    t.ok(peak < MOST_MB, `${name}: at most ${Math.round(peak)} MB`);
    t.ok(after <= idle + SLACK_MB, `${name}: ${Math.round(idle)} MB before, ${Math.round(after)} MB after`);
  }
});
