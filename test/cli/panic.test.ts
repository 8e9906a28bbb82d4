import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'tap';
import { MAIN, startProcess, type Life } from '../recovery/process.js';
import { picture, upload } from '../stories/appliance.js';

const run = promisify(execFile);

async function running(scope: { teardown: (end: () => void) => unknown }): Promise<{ dir: string; life: Life }> {
  const dir = mkdtempSync(path.join(tmpdir(), 'panic-'));
  scope.teardown(() => rmSync(dir, { recursive: true }));
  const life = startProcess({ ...settings(path.join(dir, 'var')), CHATPIC_HEALTH_LISTEN: 'off' });
  scope.teardown(() => life.child.kill('SIGKILL'));
  await upload(await life.ready, await picture(1));
  return { dir, life };
}

function settings(data: string): Record<string, string> {
  return { CHATPIC_DATA_DIR: data, CHATPIC_LISTEN: '127.0.0.1:0', CHATPIC_STORE_MB: '64' };
}

test.test('panic ends an appliance that knows the store under another name, and nothing opens it again', async (t) => {
  const { dir, life } = await running(t);
  // As under systemd: /var/lib/chatpic leads to /var/lib/private/chatpic, which is what the service has open.
  const alias = path.join(dir, 'alias');
  symlinkSync(path.join(dir, 'var'), alias);
  const ended = new Promise((resolve) => life.child.once('exit', resolve));
  const env = { PATH: process.env['PATH'], ...settings(alias) };
  const { stdout } = await run(process.execPath, [MAIN, 'panic', '--yes', '--json'], { env });
  t.strictSame(JSON.parse(stdout), { destroyed: true, stopped: 1 });
  t.not(await Promise.race([ended, sleep(5000, 'still running')]), 'still running');
  const again = startProcess(settings(path.join(dir, 'var')));
  t.teardown(() => again.child.kill('SIGKILL'));
  await t.rejects(again.ready, /opens with this root key/);
});
