import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'tap';
import { Activity } from '../../src/janitor/activity.js';
import { startAppliance, upload } from '../stories/appliance.js';

test.test('idle is when everything under way has ended, and is told once for each time', (t) => {
  const activity = new Activity();
  t.ok(activity.takeIdle(), 'after the start');
  t.notOk(activity.takeIdle(), 'nothing was under way since');
  const [first, second] = [activity.begin(), activity.begin()];
  first();
  first();
  t.notOk(activity.takeIdle(), 'one is still under way');
  second();
  t.ok(activity.takeIdle());
  t.notOk(activity.takeIdle());
  activity.begin()();
  t.notOk(activity.takeIdle(), 'one began since it was asked');
  activity.begin()();
  t.notOk(activity.takeIdle(), 'and another');
  t.ok(activity.takeIdle(), 'none began since');
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
  await new Promise((resolve) => setTimeout(resolve, 1200));
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
  for (let waited = 0; collections === 0 && waited < 100; waited++)
    await new Promise((resolve) => setTimeout(resolve, 100));
  await new Promise((resolve) => setTimeout(resolve, 2200));
  t.equal(during, 0, 'not while a request is under way');
  t.equal(collections, 1, 'once when all are over');
});
