/** When sealing rounds come. */
import test from 'tap';
import { Rounds } from '../../src/shred/rounds.js';

function bench() {
  const state = { now: 1_000_000, dirtySince: null as number | null, rolled: 0 };
  const waiting: (() => void)[] = [];
  const rounds = new Rounds(
    {
      ledger: { now: () => state.now },
      stats: () => ({ epoch: 1, dirty: state.dirtySince !== null, dirtySince: state.dirtySince, rounds: 0, live: 0 }),
      roll: () => {
        state.rolled++;
        state.dirtySince = null;
        return new Promise((resolve) => waiting.push(resolve));
      },
    },
    60,
  );
  const finish = (): void => {
    for (const done of waiting.splice(0)) done();
  };
  return { state, rounds, finish };
}

test.test('no round comes while nothing was shredded', async (t) => {
  const { state, rounds } = bench();
  state.now += 1e9;
  await rounds.tick();
  t.equal(state.rolled, 0);
});

test.test('a round comes at the latest the interval after the first shred, one at a time', async (t) => {
  const { state, rounds, finish } = bench();
  state.dirtySince = state.now;
  state.now += 58_999;
  await rounds.tick();
  t.equal(state.rolled, 0);
  state.now += 1;
  const first = rounds.tick();
  state.dirtySince = state.now;
  state.now += 1e6;
  const second = rounds.tick();
  t.equal(state.rolled, 1, 'one is under way');
  finish();
  await Promise.all([first, second]);
  const third = rounds.tick();
  t.equal(state.rolled, 2);
  finish();
  await third;
});
