import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { commitProbe, wellness } from '../../src/cli/well.js';
import { startAppliance } from '../stories/appliance.js';

test.test('an appliance is well while its store can commit', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const well = wellness(appliance.app, 60);
  t.equal(await well(), true);
  appliance.clock.forward(1000);
  t.equal(await well(), true, 'again, with nothing else going on');
  await appliance.app.store.panic();
  t.equal(await well(), false, 'a store that has ended commits nothing');
});

test.test('a round that is long overdue is not well, though commits go through', async (t) => {
  const round = { dirtySince: 0 };
  const store = { proveCommit: () => Promise.resolve(), stats: () => round, ledger: { now: () => 130_000 } };
  const app = { store } as unknown as Parameters<typeof wellness>[0];
  t.equal(await wellness(app, 60)(), false);
  t.equal(await wellness(app, 71)(), true);
});

test.test('a commit that hangs is not well, and is waited for by all who ask', async (t) => {
  let commits = 0;
  let done: () => void = () => undefined;
  const probe = commitProbe(() => {
    commits++;
    return new Promise((resolve) => (done = resolve));
  }, 50);
  t.strictSame(await Promise.all([probe(), probe()]), [false, false]);
  t.equal(await probe(), false);
  t.equal(commits, 1, 'a disk that does not answer is not asked again and again');
  const asked = probe();
  done();
  t.equal(await asked, true, 'until it answers');
  await sleep(1);
  void probe();
  t.equal(commits, 2);
  done();
});

test.test('a commit that fails is not well', async (t) => {
  t.equal(await commitProbe(() => Promise.reject(new Error('no')))(), false);
});
