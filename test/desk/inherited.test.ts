/** The desk on a socket that a service manager made: handed on to it, kept over its crash, and nothing else with it. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { MAIN } from '../recovery/process.js';

const LINUX = existsSync('/proc/self/net/unix') ? {} : { skip: 'needs a /proc' };

/** Makes both sockets, as systemd does, and runs the appliance on them. Blocked meanwhile, it never accepts itself. */
const HOLDER = `
  const { spawnSync } = await import('node:child_process');
  const net = await import('node:net');
  const [, web, desk, main] = process.argv;
  const made = (file) => new Promise((resolve) => { const one = net.createServer().listen(file, () => resolve(one)); });
  const servers = [await made(web), await made(desk), await made(web + '.other')];
  const script = 'LISTEN_PID=$$ exec "$0" "$1" serve';
  const stdio = ['ignore', 'inherit', 'inherit', ...servers.slice(0, 2).map((one) => one._handle.fd)];
  // Beyond a gap Node does not see that it was inherited.
  while (stdio.length < 30) stdio.push('ignore');
  stdio.push(servers[2]._handle.fd);
  spawnSync('sh', ['-c', script, process.execPath, main], { stdio });
  process.exit();`;

/** Status of a page over a Unix socket; 0 = nobody answers. */
function statusOf(socketPath: string, page: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: page, agent: false }, (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    asked.once('error', () => resolve(0));
    asked.end();
  });
}

function processesWith(words: string, parent: number | null): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => {
    try {
      const inside = readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes(words);
      const own = / (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, 'latin1').replace(/^.*\) \S/, ''))?.[1];
      return inside && (parent === null || Number(own) === parent);
    } catch {
      return false;
    }
  });
}

/** Paths of the Unix sockets that a process has open, as far as they have one. */
function socketsOf(pid: number): string[] {
  const named = new Map<string, string>();
  for (const line of readFileSync(`/proc/${pid}/net/unix`, 'latin1').split('\n')) {
    const [, inode = '', name = ''] = /(\d+) (\/.*)$/.exec(line) ?? [];
    named.set(`socket:[${inode}]`, name);
  }
  const open = readdirSync(`/proc/${pid}/fd`).map((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return [...new Set(open.map((link) => named.get(link)).filter((name) => name !== undefined))];
}

async function until<T>(what: () => T | Promise<T>): Promise<T> {
  for (let tries = 0; tries < 600; tries++) {
    const value = await what();
    if (value) return value;
    await sleep(50);
  }
  throw new Error('it did not come true');
}

test.test('the desk takes over the socket that was made for it, and no other', LINUX, async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'desk-'));
  const [web, desk] = [path.join(folder, 'web.sock'), path.join(folder, 'desk.sock')];
  const env = {
    PATH: process.env['PATH'] ?? '',
    LISTEN_FDS: '2',
    LISTEN_FDNAMES: 'web.sock:desk.sock',
    CHATPIC_DATA_DIR: path.join(folder, 'var'),
    CHATPIC_STORE_MB: '16',
    CHATPIC_LISTEN: `unix:${web}`,
    CHATPIC_DESK_LISTEN: `unix:${desk}`,
  };
  const args = ['--input-type=module', '-e', HOLDER, web, desk, MAIN];
  const holder = spawn(process.execPath, args, { stdio: 'ignore', env });
  const over = new Promise((resolve) => holder.once('exit', resolve));
  await until(() => existsSync(desk));
  const inode = statSync(desk).ino;
  t.equal(await until(() => statusOf(desk, '/sign-in')), 200);
  t.equal(await statusOf(web, '/faq'), 200);
  t.equal(await statusOf(web, '/sign-in'), 404);
  t.equal(await statusOf(desk, '/faq'), 404);

  const [served = 0] = processesWith(`${MAIN}\0serve`, null).filter((pid) => socketsOf(pid).includes(web));
  const [first = 0] = processesWith('desk/main.js', served);
  t.strictSame(socketsOf(first), [desk], 'the others\u2019 sockets are not the desk\u2019s');
  process.kill(first, 'SIGKILL');
  const second = await until(() => processesWith('desk/main.js', served).find((pid) => pid !== first) ?? 0);
  t.equal(await until(() => statusOf(desk, '/sign-in')), 200, 'who comes in between waits, and is served');
  t.equal(statSync(desk).ino, inode, 'the socket was not made anew');
  t.ok(second !== first);
  process.kill(served, 'SIGTERM');
  await over;
  t.notOk(existsSync(`/proc/${second}`), 'the desk ended with the appliance');
  rmSync(folder, { recursive: true });
});
