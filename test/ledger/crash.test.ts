/** The crash model. CHATPIC_CRASH_RUNS sets how many runs of four lives, CHATPIC_CRASH_SEED where they begin. */
import test from 'tap';
import { loadModules } from './bench-store.js';
import { failuresIn, runModel } from './crash-model.js';

const RUNS = Number(process.env['CHATPIC_CRASH_RUNS'] ?? 60);
const SEED = Number(process.env['CHATPIC_CRASH_SEED'] ?? 1);

test.test('whatever the power failing leaves, nothing acknowledged is lost and nothing gone comes back', async (t) => {
  const counters = await runModel(await loadModules(), { runs: RUNS, seed: SEED, verbose: true });
  t.comment(JSON.stringify(counters));
  t.strictSame(failuresIn(counters), {});
  t.ok(counters.crashesInStart > RUNS / 8, 'starts were cut off too');
  t.ok(counters.acknowledged > RUNS * 10, 'a good deal was acknowledged');
});
