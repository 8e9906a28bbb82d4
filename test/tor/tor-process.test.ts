/** The real tor, kept off the network: it starts, answers on its control socket, and publishes nothing. */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { silentLogger, type LogEvent } from '../../src/base/log.js';
import { addClient, issueClientKey, parseClientName } from '../../src/tor/client-auth.js';
import { ControlPort, ControlRefusal } from '../../src/tor/control-port.js';
import type { CircuitId } from '../../src/tor/circuit-line.js';
import { findTor } from '../../src/tor/tor-binary.js';
import { torFolder, type TorFolder } from '../../src/tor/tor-folder.js';
import { reloadTor, startTor, type GuardableService, type TorParts } from '../../src/tor/tor-process.js';
import { PUBLIC_SERVICE, STAFF_SERVICE } from '../../src/tor/torrc.js';
import { needs } from '../needs.js';

interface Scope {
  readonly teardown: (end: () => void) => unknown;
}

function senders(folder: TorFolder): GuardableService {
  return { folder: folder.senders, socket: folder.webSocket, circuitIds: true, guarded: false, ...PUBLIC_SERVICE };
}

function staff(folder: TorFolder): GuardableService {
  return { folder: folder.staff, socket: folder.deskSocket, circuitIds: false, guarded: true, ...STAFF_SERVICE };
}

/** A folder whose tor stays off the network. */
function offline(scope: Scope, extra = ''): TorFolder {
  const root = mkdtempSync(path.join(tmpdir(), 'tor-'));
  scope.teardown(() => rmSync(root, { recursive: true, force: true }));
  const folder = torFolder(path.join(root, 'tor'));
  mkdirSync(folder.root);
  writeFileSync(folder.extra, `DisableNetwork 1\n${extra}`);
  return folder;
}

async function parts(folder: TorFolder, more: Partial<TorParts> = {}): Promise<TorParts> {
  const tor = await findTor(process.env['PATH'] ?? '');
  return { tor, folder, services: [senders(folder)], log: silentLogger, clock: systemClock, ...more };
}

function torPid(folder: TorFolder): Promise<number> {
  return ControlPort.connect(folder.control, folder.cookie).then(async (port) => {
    const pid = Number(await port.getInfo('process/pid'));
    port.close();
    return pid;
  });
}

const runs = (pid: number): boolean =>
  existsSync(`/proc/${pid}`) && !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));

async function gone(pid: number, within: number): Promise<boolean> {
  for (const end = Date.now() + within; Date.now() < end && runs(pid);) await sleep(50);
  return !runs(pid);
}

test.test('tor starts beside us, serves the predicted address, and stops with us', needs('tor'), async (t) => {
  const folder = offline(t);
  const running = await startTor(await parts(folder));
  const pid = await torPid(folder);
  t.ok(runs(pid));
  t.equal(
    readFileSync(path.join(folder.senders, 'hostname'), 'utf8').trim(),
    running.addresses[0],
    "tor's own reading",
  );
  for (const each of [folder.root, folder.data, folder.senders]) t.equal(statSync(each).mode & 0o777, 0o700, each);
  await running.stop();
  t.notOk(runs(pid));
  await running.stop();
  const again = await startTor(await parts(folder));
  t.strictSame(again.addresses, running.addresses, 'the keys are kept');
  await again.stop();
});

test.test('the control port answers, refuses and ends circuits', needs('tor'), async (t) => {
  const folder = offline(t);
  const running = await startTor(await parts(folder));
  const port = await ControlPort.connect(folder.control, folder.cookie);
  t.match(await port.getInfo('version'), /^0\.4\./);
  t.match(await port.getInfo('config/names'), /HiddenServiceOptions/, 'an answer of many lines');
  t.equal(await port.closeCircuit(4_000_000_000 as CircuitId), false, 'a circuit that is not there');
  await t.rejects(port.command('NONSENSE'), ControlRefusal);
  await t.rejects(port.command('GETINFO version\r\nSIGNAL HALT'), /invariant/, 'one line only');
  running.closeCircuit(4_000_000_000 as CircuitId);
  await t.rejects(ControlPort.connect(folder.control), ControlRefusal, 'not without the cookie');
  t.ok(await reloadTor(folder));
  await running.stop();
  await port.closed;
  await t.rejects(port.getInfo('version'), { name: 'TorFault' });
  t.notOk(await reloadTor(folder));
});

test.test('a tor that dies is started again', needs('tor'), async (t) => {
  const folder = offline(t);
  const events: LogEvent[] = [];
  const running = await startTor(await parts(folder, { log: (event) => events.push(event) }));
  const first = await torPid(folder);
  process.kill(first, 'SIGKILL');
  for (let n = 0; n < 100 && events.length < 3; n++) await sleep(50);
  t.strictSame(events, ['tor-started', 'tor-exited', 'tor-started']);
  t.not(await torPid(folder), first);
  await running.stop();
});

test.test('tor does not outlive a process that is killed', needs('tor'), async (t) => {
  const folder = offline(t);
  const program = `
    const { startTor } = await import(${JSON.stringify(new URL('../../src/tor/tor-process.js', import.meta.url).href)});
    const parts = JSON.parse(process.argv[1]);
    await startTor({ ...parts, log: () => {}, clock: { wall: () => 0, monotonic: () => 0 } });
    process.send('up');
    setInterval(() => {}, 1000);`;
  const handed = await parts(folder);
  const args = ['--input-type=module', '-e', program, JSON.stringify(handed)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  await new Promise((resolve) => child.once('message', resolve));
  const pid = await torPid(folder);
  t.ok(runs(pid));
  child.kill('SIGKILL');
  t.ok(await gone(pid, 5000));
});

test.test('a configuration that tor refuses is told in its own words', needs('tor'), async (t) => {
  const folder = offline(t, 'NoSuchOption 1\n');
  await t.rejects(startTor(await parts(folder)), { name: 'TorFault', message: /NoSuchOption/ });
});

test.test('the staff service is not started without a client key', needs('tor'), async (t) => {
  const folder = offline(t);
  const both = await parts(folder, { services: [senders(folder), staff(folder)] });
  await t.rejects(startTor(both), /has no client key/);
  await addClient(folder.staff, { name: parseClientName('anna')!, publicKey: issueClientKey().publicKey });
  const running = await startTor(both);
  t.equal(running.addresses.length, 2);
  await running.stop();
});

test.test('a machine without tor gets a sentence and a way out', async (t) => {
  const places = ['/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
  const elsewhere = places.some((place) => existsSync(path.join(place, 'tor')));
  if (elsewhere) t.comment('tor is in one of the places that are always searched');
  else await t.rejects(findTor('/nowhere:relative'), { message: 'tor is not installed', remedy: /apt install tor/ });
});
