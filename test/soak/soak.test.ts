/** The soak in small: `npm run soak` is the hour of it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { soak } from './soak.js';

test.test('under mixed load with rounds nothing fails, and memory and handles stay flat', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'chatpic-soak-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const { samples, failures, drift } = await soak({ folder, seconds: 32, every: 2, visitors: 3 });
  t.strictSame(failures, []);
  t.ok(samples.reduce((sum, { deeds }) => sum + deeds, 0) > 3, 'there was load');
  t.ok(drift.memory < 1.6, `memory: ${drift.memory.toFixed(2)}`);
  t.ok(drift.handles < 1.3, `handles: ${drift.handles.toFixed(2)}`);
});
