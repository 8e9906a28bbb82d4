import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'tap';
import { MAIN, startProcess, type Life } from '../recovery/process.js';
import { needs } from '../needs.js';
import { SimulatedTpm } from '../store/simulated-tpm.js';
import { picture, upload } from '../stories/appliance.js';

const run = promisify(execFile);

async function running(scope: { teardown: (end: () => void) => unknown }): Promise<{ dir: string; life: Life }> {
  const dir = mkdtempSync(path.join(tmpdir(), 'panic-'));
  scope.teardown(() => rmSync(dir, { recursive: true }));
  const life = startProcess({ ...settings(path.join(dir, 'var')), CHATPIC_CONTROL: 'off' });
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
  t.equal(await Promise.race([ended, sleep(5000, 'still running')]), 0, 'as ordered: nothing starts it again');
  const again = startProcess(settings(path.join(dir, 'var')));
  t.teardown(() => again.child.kill('SIGKILL'));
  await t.rejects(again.ready, /opens with this root key/);
});

test.test(
  'with its slots in a TPM it outlives being killed with the power, and panic ends it',
  needs('swtpm'),
  async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'panic-'));
    const tpm = new SimulatedTpm(dir);
    t.teardown(async () => {
      await tpm.kill();
      rmSync(dir, { recursive: true });
    });
    await tpm.start();
    const env = { ...settings(path.join(dir, 'var')), CHATPIC_CONTROL: 'off', CHATPIC_SLOT: `tpm:${tpm.socket}` };
    const first = startProcess(env);
    t.teardown(() => first.child.kill('SIGKILL'));
    const { url } = await upload(await first.ready, await picture(1));
    await Promise.all([first.kill(), tpm.kill()]);
    await tpm.start();
    const life = startProcess(env);
    t.teardown(() => life.child.kill('SIGKILL'));
    t.equal((await fetch(new URL(new URL(url).pathname, await life.ready))).status, 200);

    const chatpic = (...args: string[]) =>
      run(process.execPath, [MAIN, ...args], { env: { PATH: process.env['PATH'], ...env } });
    const doctor = (await chatpic('doctor', '--json').catch((error: unknown) => error)) as { readonly stdout: string };
    const { findings } = JSON.parse(doctor.stdout) as { readonly findings: { readonly name: string }[] };
    t.match(
      findings.find(({ name }) => name === 'slots'),
      { state: 'warn', says: /^IBM is a program/ },
      'doctor knows a simulator',
    );
    const ended = new Promise((resolve) => life.child.once('exit', resolve));
    t.match((await chatpic('panic', '--yes', '--json')).stdout, '"destroyed":true');
    t.not(await Promise.race([ended, sleep(5000, 'still running')]), 'still running');
    t.match(life.output(), /Panic, as ordered/);
    await t.rejects(startProcess(env).ready, /the TPM holds no slots/);
  },
);
