import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { serviceManager, watchdogInterval } from '../../src/cli/service-manager.js';

interface Scope {
  readonly teardown: (end: () => void) => unknown;
}

/** Stands in for `systemd-notify`: writes down what it is told, and where it would send it. */
function listener(scope: Scope): { file: string; heard: () => string[] } {
  const folder = mkdtempSync(path.join(tmpdir(), 'notify-'));
  scope.teardown(() => rmSync(folder, { recursive: true }));
  const [file, notes] = [path.join(folder, 'notify'), path.join(folder, 'notes')];
  writeFileSync(file, `#!/bin/sh\necho "$NOTIFY_SOCKET $1" >> '${notes}'\n`);
  chmodSync(file, 0o700);
  return { file, heard: () => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : []) };
}

/** However long the processes that say it take on a busy machine. */
async function until(is: () => boolean): Promise<void> {
  for (let n = 0; n < 1000 && !is(); n++) await sleep(20);
}

/** What was heard once nothing new has come for half a second. */
async function settled(heard: () => string[]): Promise<string[]> {
  for (let before = -1; before !== heard().length;) {
    before = heard().length;
    await sleep(500);
  }
  return heard();
}

const PATH = process.env['PATH'];

test.test('the watchdog is fed while the appliance is well, and only then', async (t) => {
  const { file, heard } = listener(t);
  const environment = { NOTIFY_SOCKET: '/run/n', WATCHDOG_USEC: '100000', WATCHDOG_PID: '7', PATH };
  const manager = serviceManager(environment, 7, file);
  let well = true;
  manager.ready(() => Promise.resolve(well));
  await until(() => heard().length >= 4);
  well = false;
  const fed = await settled(heard);
  t.equal(fed[0], '/run/n READY=1');
  t.ok(fed.slice(1).every((line) => line === '/run/n WATCHDOG=1'));
  await sleep(300);
  t.equal(heard().length, fed.length, 'a store that can not commit is not fed');
  well = true;
  await until(() => heard().length > fed.length);
  manager.stopping();
  await until(() => heard().includes('/run/n STOPPING=1'));
  t.pass('until it can again, and is told of the end');
});

test.test('without a manager nothing is run', async (t) => {
  const { file, heard } = listener(t);
  const manager = serviceManager({ PATH, WATCHDOG_USEC: '1000' }, 7, file);
  manager.ready(() => Promise.resolve(true));
  manager.stopping();
  await sleep(100);
  t.strictSame(heard(), []);
});

test.test('a missing systemd-notify is no failure of ours', async (t) => {
  const manager = serviceManager({ NOTIFY_SOCKET: '/run/n' }, 7, '/nowhere/systemd-notify');
  manager.ready(() => Promise.resolve(true));
  manager.stopping();
  await sleep(100);
  t.pass();
});

test.test('the watchdog is fed at half its time, if it is ours', (t) => {
  const of = (usec?: string, pid?: string): number | null =>
    watchdogInterval({ WATCHDOG_USEC: usec, WATCHDOG_PID: pid }, 7);
  t.equal(of('60000000', '7'), 30_000);
  t.equal(of('60000000'), 30_000);
  t.equal(of('1'), 1);
  for (const usec of [undefined, '', '0', '-1', 'x', '1.5']) t.equal(of(usec, '7'), null, String(usec));
  t.equal(of('60000000', '8'), null);
  t.end();
});
