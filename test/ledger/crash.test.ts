/** The crash model. CHATPIC_CRASH_RUNS sets how many runs of four lives, CHATPIC_CRASH_SEED where they begin. */
import test from 'tap';
import { loadModules } from './bench-store.js';
import { failuresIn, runModel, type Counters } from './crash-model.js';

const RUNS = Number(process.env['CHATPIC_CRASH_RUNS'] ?? 60);
const SEED = Number(process.env['CHATPIC_CRASH_SEED'] ?? 1);

const modules = await loadModules();
const counters = await runModel(modules, { runs: RUNS, seed: SEED, verbose: true });
const inTpm = await runModel(modules, { runs: Math.ceil(RUNS / 3), seed: SEED + 1, tpm: true, verbose: true });

/** Each invariant of the design that a power failure could break, and what counts its breaches. */
const INVARIANTS: Readonly<Record<string, readonly (keyof Counters)[]>> = {
  'an upload that was answered is readable after any crash until it expires, burns or is deleted': [
    'lost',
    'wrongSecret',
    'wrongContent',
    'wrongViews',
  ],
  'a burn or deletion that was answered never comes back': ['back'],
  'of N openers of a last view one gets content': ['wrongWinners'],
  'the clock never goes back': ['clockWentBack'],
  'after a round, root key and every byte of the disk do not open what was gone before it': ['secretOnDisk'],
  'at most one epoch can acknowledge': ['twoEpochs'],
  'no (key, nonce) ever seals two plaintexts, across crashes': ['nonceReused'],
  'start-up gives the acknowledged state or refuses': ['refused', 'wrongBook'],
  'after init the names, sizes and number of files never change': ['namesChanged'],
  'a unit is in one share, and is not written over under a reader': ['sharedUnits', 'unitsLost'],
  'held evidence is there, with its content, until it is let go, and not after': ['evidenceLost', 'evidenceBack'],
};

for (const [sentence, names] of Object.entries(INVARIANTS)) {
  test.test(`whatever the power failing leaves: ${sentence}`, (t) => {
    for (const name of names) t.equal(counters[name], 0, name);
    t.end();
  });
}

test.test('whatever the power failing leaves of a store with its slots in a TPM: all of these sentences', (t) => {
  t.comment(JSON.stringify(inTpm));
  t.strictSame(failuresIn(inTpm), {});
  t.ok(inTpm.crashes > RUNS / 3 && inTpm.crashesInStart > RUNS / 24);
  t.end();
});

test.test('the model did what it should: many crashes, starts cut off too, a good deal acknowledged', (t) => {
  t.comment(JSON.stringify(counters));
  t.strictSame(failuresIn(counters), {});
  t.ok(counters.crashesInStart > RUNS / 8);
  t.ok(counters.acknowledged > RUNS * 10);
  t.end();
});
