import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { MAIN, startProcess } from '../recovery/process.js';
import { picture, upload } from '../stories/appliance.js';

const HEALTHCHECK = path.resolve(import.meta.dirname, '../../../container/healthcheck.js');

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function run(file: string, args: readonly string[], settings: Record<string, string>): Promise<Said> {
  return new Promise((resolve) => {
    const env = { PATH: process.env['PATH'], ...settings };
    execFile(process.execPath, [file, ...args], { env }, (error, out, err) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, out, err }),
    );
  });
}

async function ask(socketPath: string, target: string): Promise<{ status: number; raw: string[]; text: string }> {
  const [answer] = (await once(request({ socketPath, path: target }).end(), 'response')) as [IncomingMessage];
  const text = Buffer.concat((await answer.toArray()) as Buffer[]).toString();
  return { status: answer.statusCode ?? 0, raw: answer.rawHeaders, text };
}

function settingsFor(dir: string, more: Record<string, string> = {}): Record<string, string> {
  return {
    CHATPIC_DATA_DIR: path.join(dir, 'var'),
    CHATPIC_LISTEN: '127.0.0.1:0',
    CHATPIC_STORE_MB: '64',
    TMPDIR: dir,
    ...more,
  };
}

test.test('the operator learns whether it is well, and aggregates only', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'health-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const settings = settingsFor(dir);
  t.match(await run(MAIN, ['stats'], settings), { code: 1, err: /No appliance answers/ });
  const life = startProcess(settings);
  t.teardown(() => life.child.kill('SIGKILL'));
  const base = await life.ready;
  for (let n = 0; n < 3; n++) await upload(base, await picture(n));
  const said = await run(MAIN, ['stats', '--json'], settings);
  t.equal(said.code, 0, said.err);
  const stats = JSON.parse(said.out) as Record<string, unknown>;
  t.strictSame(Object.keys(stats), [
    'well',
    'desk',
    'shares',
    'usedTenths',
    'madePercent',
    'memoryMegabytes',
    'quarters',
  ]);
  t.match(stats, { well: true, desk: true, shares: null, usedTenths: 0 });
  for (let n = 3; n < 12; n++) await upload(base, await picture(n));
  t.match(JSON.parse((await run(MAIN, ['stats', '--json'], settings)).out), { shares: 10 });
  t.match(await run(MAIN, ['stats'], settings), {
    code: 0,
    out: /^well +yes.*\ndesk +at work\nshares +about 10\nstore +\d+ tenths/,
  });
  t.equal(await life.stop(), 0);
  t.match(await run(MAIN, ['stats'], settings), { code: 1 });
});

test.test("the socket is its user's alone, answers without a clock, and goes with the process", async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'health-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const socket = path.join(dir, 'health.sock');
  const settings = settingsFor(dir, { CHATPIC_CONTROL: `unix:${socket}` });
  t.equal((await run(HEALTHCHECK, [], settings)).code, 1, 'the container is not healthy before');
  const life = startProcess(settings);
  t.teardown(() => life.child.kill('SIGKILL'));
  await life.ready;
  t.equal(statSync(socket).mode & 0o777, 0o600);
  const health = await ask(socket, '/health');
  t.match(health, { status: 200, text: '{"well":true}\n' });
  t.notOk(health.raw.some((name) => /^(date|server)$/i.test(name)));
  t.equal((await ask(socket, '/view/x')).status, 404, 'the site is not on it');
  t.equal((await run(HEALTHCHECK, [], settings)).code, 0, 'the container is healthy');
  t.equal(await life.stop(), 0);
  t.notOk(existsSync(socket));
});
