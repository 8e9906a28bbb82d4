/** The real process under clocks that jump, stand still and are wrong: no share outlives its promise (libfaketime). */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { needs } from '../needs.js';
import { upload } from '../stories/appliance.js';
import { startProcess, type Life } from './process.js';

const LIBRARY = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find((file) => existsSync(file));

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Machine {
  /** Sets the wall clock off from the true one, as "+2h" or "-10d". The monotonic one goes on. */
  readonly set: (offset: string) => void;
  readonly start: (...args: string[]) => Life;
}

function machine(t: { teardown: (work: () => void) => void }): Machine {
  const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-clock-'));
  t.teardown(() => rmSync(dir, { recursive: true, force: true }));
  const offset = path.join(dir, 'offset');
  writeFileSync(offset, '+0s');
  const settings = {
    CHATPIC_DATA_DIR: path.join(dir, 'var'),
    CHATPIC_LISTEN: '127.0.0.1:0',
    CHATPIC_STORE_MB: '32',
    CHATPIC_ROLL_SECONDS: '1',
    LD_PRELOAD: LIBRARY ?? '',
    FAKETIME_TIMESTAMP_FILE: offset,
    FAKETIME_NO_CACHE: '1',
    DONT_FAKE_MONOTONIC: '1',
  };
  return {
    set: (text) => writeFileSync(offset, text),
    start: (...args) => startProcess(settings, [], { args }),
  };
}

/** Waits for the first units, which are filled in the background. */
async function readyToShare(life: Life): Promise<string> {
  const base = await life.ready;
  while ((await fetch(`${base}/`, { method: 'POST', body: new URLSearchParams({ note: 'x' }) })).status === 507)
    await pause(100);
  return base;
}

const statusOf = async (base: string, token: string): Promise<number> => (await fetch(`${base}/file/${token}`)).status;

test.test(
  'a clock that jumps forward and back, or was suspended, brings nothing back',
  needs('faketime'),
  async (t) => {
    const { set, start } = machine(t);
    const life = start();
    const base = await life.ready;
    const hour = await upload(base, null, { fields: { note: 'an hour', expiry: '1h' } });
    const day = await upload(base, null, { fields: { note: 'a day', expiry: '1d' } });
    const week = await upload(base, null, { fields: { note: 'a week', expiry: '1w' } });
    set('+2h');
    t.equal(await statusOf(base, hour.token), 404, 'at once, before any sweep');
    t.equal(await statusOf(base, day.token), 200);
    set('+0s');
    t.equal(await statusOf(base, hour.token), 404, 'set back, it stays gone');
    life.child.kill('SIGSTOP');
    await pause(200);
    set('+25h');
    life.child.kill('SIGCONT');
    t.equal(await statusOf(base, day.token), 404, 'the first answer after a suspension');
    await pause(4000);
    set('-3d');
    await life.kill();
    const next = start();
    const again = await next.ready;
    t.equal(await statusOf(again, hour.token), 404, 'after a kill and a start in the past');
    t.equal(await statusOf(again, day.token), 404);
    t.equal(await statusOf(again, week.token), 200, 'what should live does');
    t.equal(await next.stop(), 0);
  },
);

test.test('a clock set back before a start ends lives no later', needs('faketime'), async (t) => {
  const { set, start } = machine(t);
  const life = start();
  const base = await readyToShare(life);
  const hour = await upload(base, null, { fields: { note: 'an hour', expiry: '1h' } });
  t.equal(await life.stop(), 0);
  set('-10d');
  const wrong = start();
  t.equal(await statusOf(await wrong.ready, hour.token), 200, 'the clock on record holds');
  set('+61m');
  t.equal(await statusOf(await wrong.ready, hour.token), 404, 'and gone when it is set right');
  await wrong.kill();
});

test.test('a forward jump of more than a day at start asks before it drops anything', needs('faketime'), async (t) => {
  const { set, start } = machine(t);
  const life = start();
  const week = await upload(await readyToShare(life), null, { fields: { note: 'a week', expiry: '1w' } });
  await life.kill();
  set('+30d');
  const refused = start();
  await t.rejects(refused.ready);
  t.match(refused.output(), /clock/);
  t.equal(refused.child.exitCode, 1);
  set('+0s');
  const right = start();
  t.equal(await statusOf(await right.ready, week.token), 200, 'nothing was dropped');
  await right.kill();
  set('+30d');
  const accepted = start('--accept-clock');
  t.equal(await statusOf(await accepted.ready, week.token), 404, 'where the operator says so');
  t.equal(await accepted.stop(), 0);
});
