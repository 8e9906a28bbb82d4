import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'tap';
import { Activity } from '../../src/janitor/activity.js';
import { startAppliance, upload } from '../stories/appliance.js';

test.test('idle is when nothing was under way for a while, and is told twice for each time', (t) => {
  const activity = new Activity();
  const told = (count: number): (string | null)[] => Array.from({ length: count }, () => activity.takeIdle());
  const quiet = [null, 'brief', 'long', null, null];
  t.strictSame(told(5), quiet, 'after the start');
  const [first, second] = [activity.begin(), activity.begin()];
  first();
  first();
  t.strictSame(told(3), [null, null, null], 'one is still under way');
  second();
  t.strictSame(told(1), [null], 'it ended only now');
  activity.begin()();
  t.strictSame(told(5), quiet, 'another one came in between');
  activity.begin()();
  t.strictSame(told(2), quiet.slice(0, 2));
  activity.begin()();
  t.strictSame(told(5), quiet, 'one that comes before the last begins it anew');
  activity.left();
  t.strictSame(told(5), quiet, 'a connection without a request');
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
