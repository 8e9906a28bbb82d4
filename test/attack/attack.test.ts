/** The attack suite in small, for every run of the tests: `npm run attack` is the full one. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { HOLDING } from './holding.js';
import { SHAPES } from './shapes.js';
import { runSuite, SLACK_MB } from './suite.js';

/** Those that a server without bounds does not survive; the others are for `npm run attack`. */
const CHOSEN =
  /^(idle|slow bodies of uploads|slow readers|pages of an album|pipelined|half-closed|idle TLS|multipart bombs|request smuggling|Host)/;
/** Far above any honest peak, far below what an unbounded attack takes. */
const MOST_MB = 700;

const ATTACKS = [...HOLDING, ...SHAPES].filter(({ name }) => CHOSEN.test(name));

test.test('under each attack a normal share goes through, nothing breaks, and memory comes back', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'chatpic-attack-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const options = {
    folder,
    storeMegabytes: 256,
    attacks: ATTACKS,
    scale: 0.1,
    hold: 1000,
    rest: 0,
    settle: 10_000,
    least: 1,
  };
  const { idle, attacks } = await runSuite(options);
  for (const { name, held, shares, failures, peak, after, wrong } of attacks) {
    t.ok(shares >= 1, `${name}: ${held}`);
    t.strictSame(failures, [], `${name}: every share goes through`);
    t.strictSame(wrong, [], `${name}: every answer is right`);
    t.ok(peak < MOST_MB, `${name}: at most ${Math.round(peak)} MB`);
    t.ok(after <= idle + SLACK_MB, `${name}: ${Math.round(idle)} MB before, ${Math.round(after)} MB after`);
  }
});
