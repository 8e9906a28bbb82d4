import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { inheritedSocket } from '../../src/web/inherited-sockets.js';

const given = (more: Record<string, string> = {}): Record<string, string> => ({
  LISTEN_PID: '7',
  LISTEN_FDS: '2',
  LISTEN_FDNAMES: 'web.sock:desk.sock',
  ...more,
});

test.test('a socket is found by the last part of its path', (t) => {
  t.equal(inheritedSocket('/run/chatpic-web/web.sock', given(), 7), 3);
  t.equal(inheritedSocket('/elsewhere/desk.sock', given(), 7), 4);
  t.equal(inheritedSocket('/run/mirror.sock', given(), 7), null);
  t.end();
});

test.test('a port is found by its number', (t) => {
  const names = given({ LISTEN_FDNAMES: 'web.sock:tcp-443' });
  t.equal(inheritedSocket('tcp-443', names, 7), 4);
  t.equal(inheritedSocket('tcp-80', names, 7), null);
  t.end();
});

test.test('sockets for another process, or none, are not taken', (t) => {
  t.equal(inheritedSocket('/run/web.sock', given(), 8), null, 'inherited from a parent that they were for');
  t.equal(inheritedSocket('/run/web.sock', {}, 7), null);
  t.equal(inheritedSocket('/run/web.sock', given({ LISTEN_FDS: '0' }), 7), null);
  t.equal(inheritedSocket('/run/desk.sock', given({ LISTEN_FDS: '1' }), 7), null, 'a name beyond the count');
  t.equal(inheritedSocket('/run/web.sock', given({ LISTEN_FDNAMES: '' }), 7), null);
  t.end();
});

/** Serves on the socket that it was handed as descriptor 3, and answers which process it is. */
const LIFE = `
  const { listen, httpServer } = await import(${JSON.stringify(new URL('../../src/web/listen.js', import.meta.url).href)});
  const http = httpServer((_request, response) => response.end(String(process.pid)));
  await listen(http.server, { kind: 'unix', path: process.argv[1] }, http);`;

/** Makes the socket, as systemd does, and runs two lives on it in a row. Blocked meanwhile, it never accepts itself. */
const HOLDER = `
  const { spawnSync } = await import('node:child_process');
  const server = (await import('node:net')).createServer();
  const [, file, life] = process.argv;
  const environment = { LISTEN_FDS: '1', LISTEN_FDNAMES: 'web.sock' };
  const script = 'LISTEN_PID=$$ exec "$0" --input-type=module -e "$1" "$2"';
  server.listen(file, () => {
    const stdio = ['ignore', 'inherit', 'inherit', server._handle.fd];
    for (let n = 0; n < 2; n++) spawnSync('sh', ['-c', script, process.execPath, life, file], { stdio, env: environment });
    process.exit();
  });`;

function ask(socketPath: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, agent: false }, (answer) => {
      answer.setEncoding('utf8').once('data', (text: string) => resolve(Number(text)));
    });
    asked.once('error', reject).end();
  });
}

async function ended(pid: number): Promise<void> {
  while (existsSync(`/proc/${pid}`)) await sleep(10);
}

test.test('visitors who come between two lives of the process are served by the second', async (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'inherit-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'web.sock');
  const args = ['--input-type=module', '-e', HOLDER, file, LIFE];
  const holder = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const over = new Promise((resolve) => holder.once('exit', resolve));
  while (!existsSync(file)) await sleep(10);
  const inode = statSync(file).ino;
  const first = await ask(file);
  process.kill(first, 'SIGKILL');
  await ended(first);
  t.equal(statSync(file).ino, inode, 'the socket outlives the process');
  const second = await ask(file);
  t.not(second, first);
  t.equal(statSync(file).ino, inode, 'and was not made anew');
  process.kill(second, 'SIGTERM');
  await over;
});
