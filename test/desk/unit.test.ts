/**
 * The desk as a service of its own: two real processes, under two users where this test may choose them, each started again
 * when it ends, on sockets that were made for them as systemd makes them.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test, { type Test } from 'tap';
import { openDeskDoor } from '../../src/desk/desk-unit.js';
import type { Door } from '../../src/desk/door.js';
import { askThrough } from '../../src/desk/pipe.js';
import { MAIN } from '../recovery/process.js';
import { startAppliance, upload } from '../stories/appliance.js';
import { Moderator, queued, report, staffed, type Shown } from '../stories/moderator.js';

const LINUX = existsSync('/proc/self/net/unix') ? {} : { skip: 'needs a /proc' };

/** Users of no name. Where others can't be had, or may not read the program, everything runs as one. */
const [SENDERS, DESK, STRANGER] = [64_101, 64_102, 64_103];
const READS = `(await import('node:fs')).accessSync(${JSON.stringify(MAIN)})`;
const own = process.getuid?.() ?? 0;
const APART = own === 0 && runAs(DESK, READS).status === 0;
const [senders, desk] = APART ? [SENDERS, DESK] : [own, own];

/** What a user gets of some code; it says what it has to say on stdout. */
function runAs(uid: number, code: string): { status: number | null; stdout: string } {
  const args = ['--input-type=module', '-e', code];
  return spawnSync(process.execPath, args, { uid, gid: uid, encoding: 'utf8', cwd: '/' });
}

/**
 * In the place of systemd: makes a port, and for the appliance the door, and starts one process after the other on them.
 * Blocked meanwhile, it never accepts itself. It ends with the test.
 */
const MANAGER = `
  const { spawnSync } = await import('node:child_process');
  const net = await import('node:net');
  const { chownSync, chmodSync } = await import('node:fs');
  const { uid, verb, main, env, listen, door } = JSON.parse(process.argv[1]);
  const made = (...where) => new Promise((resolve) => { const one = net.createServer().listen(...where, () => resolve(one)); });
  const sockets = [await made(0, '127.0.0.1')];
  const { port } = sockets[0].address();
  const names = ['tcp-' + port];
  if (door !== null) {
    sockets.push(await made(door.path));
    chownSync(door.path, door.uid, door.uid);
    chmodSync(door.path, 0o600);
    names.push('door.sock');
  }
  const given = { ...env, LISTEN_FDS: String(names.length), LISTEN_FDNAMES: names.join(':'), [listen]: '127.0.0.1:' + port };
  const stdio = ['ignore', 'inherit', 'inherit', ...sockets.map((one) => one._handle.fd)];
  const args = ['-c', 'LISTEN_PID=$$ exec "$0" --expose-gc "$@"', process.execPath, main, verb];
  process.stdout.write('port ' + port + '\\n');
  const parent = process.ppid;
  for (let life = 0; life < 50 && process.ppid === parent; life++) {
    spawnSync('sh', args, { stdio, uid, gid: uid, env: given, cwd: '/' });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  }
  process.exit();`;

interface Managed {
  readonly address: string;
  /** Of the process that runs now; waits until one does. */
  pid(): Promise<number>;
  output(): string;
  /** Starts it no more, and ends it. */
  stop(): Promise<void>;
}

async function manage(plan: object): Promise<Managed> {
  const args = ['--input-type=module', '-e', MANAGER, JSON.stringify({ main: MAIN, door: null, ...plan })];
  const manager = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  for (const stream of [manager.stdout, manager.stderr])
    stream.on('data', (piece: Buffer) => (printed += piece.toString()));
  const port = await until(() => /^port (\d+)$/m.exec(printed)?.[1]);
  const pid = (): Promise<number> => until(() => childOf(manager));
  return {
    address: `http://127.0.0.1:${port}`,
    pid,
    output: () => printed,
    async stop() {
      const last = childOf(manager);
      manager.kill('SIGKILL');
      if (last === 0) return;
      process.kill(last, 'SIGTERM');
      await until(() => !existsSync(`/proc/${last}`));
    },
  };
}

function childOf({ pid = 0 }: ChildProcess): number {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? Number(readFileSync(file, 'latin1').trim().split(' ')[0]) : 0;
}

async function until<T>(what: () => T | Promise<T>): Promise<NonNullable<T>> {
  for (let tries = 0; tries < 600; tries++) {
    const value = await what();
    if (value) return value;
    await sleep(50);
  }
  throw new Error('it did not come true');
}

/** A store with an account and two flagged notes, the folder of the door, and the settings of both sides. */
async function prepared(t: Test) {
  const before = await startAppliance();
  await staffed(before);
  const shared = [];
  for (const note of ['words of the first', 'words of the second']) {
    const one = await upload(before.base, null, { fields: { note } });
    await report(before.base, one.token, 'violence');
    shared.push(one);
  }
  await before.app.close(0);
  if (APART) spawnSync('chown', ['-R', `${SENDERS}:${SENDERS}`, before.dir]);
  const folder = mkdtempSync(path.join(tmpdir(), 'unit-'));
  chmodSync(folder, 0o755);
  mkdirSync(path.join(folder, 'door'), { mode: 0o750 });
  if (APART) chownSync(path.join(folder, 'door'), 0, DESK);
  t.teardown(() => [before.dir, folder].forEach((one) => rmSync(one, { recursive: true })));
  const door = path.join(folder, 'door/door.sock');
  const env = {
    PATH: process.env['PATH'] ?? '',
    CHATPIC_DATA_DIR: path.join(before.dir, 'var'),
    CHATPIC_STORE_MB: '64',
    CHATPIC_CONTROL: `unix:${path.join(before.dir, 'asked.sock')}`,
    CHATPIC_DESK_DOOR: `unix:${door}`,
  };
  return { shared, door, env };
}

const operator = (env: Readonly<Record<string, string>>, ...args: readonly string[]): string =>
  spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8' }).stdout;

/** The queue, once connections to a process that is gone have all broken. */
const afresh = (moderator: Moderator): Promise<Shown> => until(() => moderator.get('/').catch(() => null));

const statusOf = async (address: string): Promise<number> => (await fetch(address, { redirect: 'manual' })).status;

test.test('a desk that is a service of its own', LINUX, async (t) => {
  const { shared, door, env } = await prepared(t);
  if (!APART)
    t.comment('everything runs as one user: this test is not root\u2019s, or others may not read the program');
  const made = { path: door, uid: desk };
  const appliance = await manage({ uid: senders, verb: 'serve', env, listen: 'CHATPIC_LISTEN', door: made });
  t.teardown(() => appliance.stop());
  t.equal(await statusOf(`${appliance.address}/faq`), 200);
  t.match(operator(env, 'stats', '--json'), '"desk":false');
  t.match(operator(env, 'doctor'), /warn +desk +it is not there/);

  const staff = await manage({ uid: desk, verb: 'desk', env, listen: 'CHATPIC_DESK_LISTEN' });
  t.teardown(() => staff.stop());
  let alice = await Moderator.signedIn(staff.address);
  t.match(operator(env, 'stats', '--json'), '"desk":true');
  t.match(operator(env, 'doctor'), /ok +desk +at work/);

  await t.test('a moderator looks and decides', async (t) => {
    const [fileId = ''] = queued(await alice.get('/'));
    await alice.get(`/case/${fileId}`);
    await alice.post(`/case/${fileId}/see`);
    t.match((await alice.get(`/case/${fileId}`)).html, /words of the/);
    await alice.post(`/case/${fileId}/decide`, { decision: 'remove' });
    const found = await Promise.all(shared.map(({ token }) => statusOf(`${appliance.address}/view/${token}`)));
    t.strictSame(found.sort(), [200, 404]);
  });

  await t.test('only its user may come to the door, and neither looks into the other', async (t) => {
    const knock = `(await import('node:net')).connect(${JSON.stringify(door)})
      .on('error', ({ code }) => console.log(code)).on('connect', () => { console.log('in'); process.exit(); });`;
    const peek = (pid: number): string =>
      `try { (await import('node:fs')).openSync('/proc/${pid}/mem'); } catch ({ code }) { console.log(code); }`;
    if (!APART) return;
    t.equal(runAs(STRANGER, knock).stdout, 'EACCES\n');
    t.equal(runAs(SENDERS, knock).stdout, 'EACCES\n');
    t.equal(runAs(DESK, knock).stdout, 'in\n', 'the test knocks at the right door');
    t.equal(runAs(SENDERS, peek(await staff.pid())).stdout, 'EACCES\n');
    t.equal(runAs(DESK, peek(await appliance.pid())).stdout, 'EACCES\n');
  });

  await t.test('a second desk is turned away, and the first one notices nothing', async (t) => {
    const told = { ...env, CHATPIC_DESK_LISTEN: '127.0.0.1:0' };
    const args = { env: told, uid: desk, gid: desk, encoding: 'utf8' as const, cwd: '/', timeout: 15_000 };
    t.match(spawnSync(process.execPath, [MAIN, 'desk'], args), { status: 1, stderr: /does not let a desk in/ });
    t.ok(await until(() => appliance.output().includes('chatpic: desk-refused\n')));
    t.equal((await alice.get('/')).status, 200);
  });

  await t.test('a desk that is killed comes back and knows nobody', async (t) => {
    process.kill(await staff.pid(), 'SIGKILL');
    t.equal((await afresh(alice)).status, 303, 'who comes in between waits, and is asked to sign in');
    alice = await Moderator.signedIn(staff.address);
    t.equal(queued(await alice.get('/')).length, 1);
    t.equal(await statusOf(`${appliance.address}/faq`), 200);
  });

  await t.test('an appliance that is killed takes the desk with it, and both come back', async (t) => {
    const [old, served] = [await staff.pid(), await appliance.pid()];
    process.kill(served, 'SIGKILL');
    await until(() => !existsSync(`/proc/${old}`));
    t.equal((await afresh(alice)).status, 303);
    alice = await Moderator.signedIn(staff.address);
    t.equal(queued(await alice.get('/')).length, 1);
  });

  await t.test('an appliance that is stopped ends the desk, which waits for the next one', async (t) => {
    const old = await staff.pid();
    await appliance.stop();
    await until(() => !existsSync(`/proc/${old}`));
    t.ok(await until(() => staff.output().includes('does not let a desk in')));
  });
});

/** A door of which only the state is asked, without the rest of the house. */
async function doorAlone(
  t: Test,
): Promise<{ readonly knock: () => Socket; readonly said: string[]; readonly file: string }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'door-'));
  const file = path.join(folder, 'door.sock');
  const said: string[] = [];
  const door = { state: () => Promise.resolve({ now: 7 }) } as unknown as Door;
  const opened = await openDeskDoor({ door, path: file, log: (event) => void said.push(event) });
  t.teardown(async () => {
    await opened.close();
    rmSync(folder, { recursive: true });
  });
  return { knock: () => connect(file), said, file };
}

test.test('one comes in at a time; what is no message ends that connection only', LINUX, async (t) => {
  const { knock, said } = await doorAlone(t);
  const first = knock();
  const asked = askThrough(first);
  t.match(await asked.state(), { now: 7 });
  const second = knock();
  await t.rejects(askThrough(second).state(), 'the second is turned away');
  t.match(await asked.state(), { now: 7 }, 'and the first stays');
  first.destroy();
  await until(() => said.includes('desk-exited'));
  const babbler = knock();
  babbler
    .resume()
    .on('error', () => undefined)
    .write('GET / HTTP/1.1\r\n\r\n');
  await once(babbler, 'close');
  const last = knock();
  t.match(await askThrough(last).state(), { now: 7 }, 'the next one is let in');
  last.destroy();
  await until(() => said.length === 4);
  t.strictSame(said, ['desk-refused', 'desk-exited', 'desk-exited', 'desk-exited']);
});

test.test('a door that nobody made is its own user\u2019s alone', LINUX, async (t) => {
  const { file } = await doorAlone(t);
  const { statSync } = await import('node:fs');
  t.equal(statSync(file).mode & 0o777, 0o600);
});

test.test('what does not go together is said before anything starts', (t) => {
  const run = (args: readonly string[], env: Readonly<Record<string, string>>): unknown =>
    spawnSync(process.execPath, [MAIN, ...args], { env, encoding: 'utf8', timeout: 15_000 });
  const door = { CHATPIC_DESK_DOOR: 'unix:/nowhere/door.sock' };
  t.match(run(['desk'], {}), { status: 2, stderr: /CHATPIC_DESK_DOOR=off: expected unix:\/path/ });
  t.match(run(['desk'], { CHATPIC_DESK_DOOR: 'door' }), { status: 2, stderr: /expected off or unix:/ });
  t.match(run(['desk'], door), { status: 1, stderr: /does not let a desk in/ });
  t.match(run(['serve', '--onion'], door), { status: 2, stderr: /expected off, because of --onion/ });
  t.end();
});
