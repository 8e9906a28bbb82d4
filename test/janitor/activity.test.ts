import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'tap';
import { Activity } from '../../src/janitor/activity.js';
import { startAppliance, upload } from '../stories/appliance.js';

test.test('idle is when nothing was under way for a while, and is told twice for each time', (t) => {
  const activity = new Activity();
  t.notOk(activity.takeIdle(), 'the start has only just ended');
  t.ok(activity.takeIdle(), 'after the start');
  t.ok(activity.takeIdle(), 'and once more');
  t.notOk(activity.takeIdle(), 'nothing was under way since');
  const [first, second] = [activity.begin(), activity.begin()];
  first();
  first();
  t.notOk(activity.takeIdle(), 'one is still under way');
  second();
  t.notOk(activity.takeIdle(), 'it ended only now');
  activity.begin()();
  t.notOk(activity.takeIdle(), 'another one came in between');
  t.ok(activity.takeIdle());
  t.ok(activity.takeIdle());
  t.notOk(activity.takeIdle());
  activity.left();
  t.strictSame(
    [1, 2, 3, 4].map(() => activity.takeIdle()),
    [false, true, true, false],
    'a connection without a request',
  );
  t.end();
});

test.test('what requests left behind is collected soon after the last of them', async (t) => {
  setFlagsFromString('--expose-gc');
  globalThis.gc ??= runInNewContext('gc') as NodeJS.GCFunction;
  const real = globalThis.gc;
  let collections = 0;
  globalThis.gc = (() => {
    collections++;
  }) as unknown as NodeJS.GCFunction;
  t.teardown(() => (globalThis.gc = real));
  const appliance = await startAppliance();
  await new Promise((resolve) => setTimeout(resolve, 4200));
  collections = 0;
  t.teardown(() => appliance.stop());
  const shared = await upload(appliance.base, null, { fields: { note: 'words', expiry: 'burn' } });
  const reading = new AbortController();
  const picture = await fetch(`${appliance.base}/progress/${'a'.repeat(22)}.gif`, { signal: reading.signal });
  await (await fetch(shared.fileUrl, { method: 'POST' })).text();
  await new Promise((resolve) => setTimeout(resolve, 3200));
  const during = collections;
  reading.abort();
  await picture.body?.cancel().catch(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 4200));
  t.equal(during, 0, 'not while a request is under way');
  t.equal(collections, 4, 'twice, in two steps each, when all are over');
});
