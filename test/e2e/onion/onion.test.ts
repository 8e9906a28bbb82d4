/**
 * The appliance as an onion service: real circuits, real proof of work, real client authorisation, all on this machine.
 * Takes one and a half minutes and half a gigabyte; a busy machine takes longer, and nothing here depends on how long.
 */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import test from 'tap';
import type { LoadReport } from '../../../src/web/load-report.js';
import { addClient, clientAuthLine, issueClientKey, parseClientName } from '../../../src/tor/client-auth.js';
import { DEFAULT_BOUNDS } from '../../../src/tor/circuit-limits.js';
import { ControlPort } from '../../../src/tor/control-port.js';
import { parseOnionAddress } from '../../../src/tor/onion-address.js';
import { torFolder } from '../../../src/tor/tor-folder.js';
import { needs } from '../../needs.js';
import { MAIN, startProcess } from '../../recovery/process.js';
import { parseShared } from '../../stories/appliance.js';
import { askOnion, OnionConnection, socksConnect, type OnionAnswer, type OnionRequest } from './socks.js';
import { bestRatio, killCircuits, PART, raise, rate, sha256 } from './stage.js';

// A file run by itself has 30 s from tap.
test.setTimeout(280_000);

const LARGE = 50_000_000;
const run = promisify(execFile);

test.test('over a real onion service', { ...needs('tor'), timeout: 270_000 }, async (t) => {
  const bytes = randomBytes(LARGE);
  const began = performance.now();
  const onion = await raise(t, bytes.subarray(0, PART));
  const { client, site } = onion;
  const ask = (user: string, target: string, options: OnionRequest = {}): Promise<OnionAnswer> =>
    askOnion(client.socksPort, site, user, target, options);
  const put = async (name: string, body: Buffer, headers: Record<string, string> = {}): ReturnType<typeof ask> =>
    ask('sender', `/${name}`, { method: 'PUT', body, headers });
  const pathOf = (url: string): string => new URL(url).pathname;
  t.comment(
    `network up in ${onion.network.took} ms; all published ${Math.round(performance.now() - began)} ms after start`,
  );

  await t.test('a page comes through a circuit', async (t) => {
    const first = performance.now();
    const page = await ask('visitor', '/', { headers: { Accept: 'text/html' } });
    t.equal(page.status, 200);
    t.match(page.body.toString(), /<form/);
    t.notOk(page.headers.date ?? page.headers.server ?? page.headers['set-cookie']);
    t.comment(`first page on a fresh circuit: ${Math.round(performance.now() - first)} ms`);
    t.ok(client.said().includes('PoW params present in descriptor'), 'the descriptor asks for proof of work');
  });

  await t.test('50 MB up and down, in ranges, at nine tenths of the rate of a bare server', async (t) => {
    const start = performance.now();
    const answer = await put('large.bin', bytes);
    t.equal(answer.status, 201, answer.body.toString().slice(0, 200));
    t.comment(`upload: ${rate(LARGE, start).toFixed(2)} MB/s`);
    const shared = parseShared(answer.body.toString());
    t.ok(shared.url.startsWith(`http://${site}/view/`), 'links bear the onion');
    const whole = await ask('reader', pathOf(shared.fileUrl));
    t.equal(sha256(whole.body), sha256(bytes));
    const ratio = await bestRatio(onion, pathOf(shared.fileUrl), (said) => t.comment(said));
    t.ok(ratio >= 0.9, `at best ${ratio.toFixed(2)} of the bare server's rate`);
    for (const [from, to] of [
      [0, 0],
      [16383, 16384],
      [LARGE - 1, LARGE - 1],
      [20_000_000, 20_999_999],
    ] as const) {
      const part = await ask('ranges', pathOf(shared.fileUrl), { headers: { Range: `bytes=${from}-${to}` } });
      t.equal(part.status, 206);
      t.ok(part.body.equals(bytes.subarray(from, to + 1)), `${from}-${to}`);
    }
  });

  await t.test('a burn whose circuit dies in the middle is resumed with its grant on another', async (t) => {
    const secret = bytes.subarray(0, PART);
    const shared = parseShared((await put('burn.bin', secret, { 'X-Expiry': 'burn' })).body.toString());
    const html = { Accept: 'text/html' };
    const page = await ask('burner', pathOf(shared.url), { method: 'POST', headers: html });
    const grant = /\/open\/[0-9A-Za-z]{22}\/1/.exec(page.body.toString())?.[0] ?? '';
    t.not(grant, '');
    const come: Buffer[] = [];
    let killed = 0;
    let last = 0;
    // The service's tor may be slow to send on that the circuit has ended: the cell that says so waits there for the next
    // cell on the same connection (10 s in the relays' logs). A reader presses "reload" before that.
    const patience = 5000;
    let length = 0;
    const broken = ask('burner', grant, {
      patience,
      onData: (piece) => {
        come.push(piece);
        length += piece.length;
        last = performance.now();
        if (length < 4_000_000 || killed > 0) return;
        killed = 1;
        void killCircuits(onion).then((count) => (killed = count));
      },
    });
    await t.rejects(broken, 'the answer breaks off');
    t.comment(`told of the break ${Math.round(performance.now() - last)} ms after the last byte`);
    const again = performance.now();
    t.ok(killed > 0);
    t.ok(length > 0 && length < PART, `${length} bytes had come`);
    const rest = await ask('burner-again', grant, { headers: { Range: `bytes=${length}-` } });
    t.comment(`the rest, on another circuit, in ${Math.round(performance.now() - again)} ms`);
    t.equal(rest.status, 206);
    t.equal(sha256(Buffer.concat([...come, rest.body])), sha256(secret));
    t.equal((await ask('late', pathOf(shared.url), { method: 'POST', headers: html })).status, 404, 'it burned once');
  });

  await t.test('bounds bite one circuit and not another', async (t) => {
    const connections = await Promise.all(
      Array.from({ length: 12 }, () => OnionConnection.open(client.socksPort, site, 'greedy')),
    );
    const statuses: number[] = [];
    const pauses: number[] = [];
    const hammer = async (connection: OnionConnection): Promise<void> => {
      for (let n = 0; n < 60; n++) {
        const answer = await connection.ask('/robots.txt').catch(() => null);
        if (answer === null) return;
        statuses.push(answer.status);
        if (answer.status === 429) pauses.push(Number(answer.headers['retry-after']));
      }
    };
    const [modest] = await Promise.all([ask('modest', '/robots.txt'), ...connections.map(hammer)]);
    const served = statuses.filter((status) => status === 200).length;
    t.equal(modest.status, 200);
    t.ok(served >= DEFAULT_BOUNDS.requests, `${served} were served`);
    t.ok(pauses.length > 0, 'then the circuit is told to slow down');
    t.ok(
      pauses.every((seconds) => seconds >= 1),
      'and for how long',
    );
    t.equal((await ask('modest', '/robots.txt')).status, 200, 'another circuit is not');
    for (const connection of connections) connection.close();
    const many = await Promise.allSettled(
      Array.from({ length: DEFAULT_BOUNDS.connections + 4 }, () =>
        OnionConnection.open(client.socksPort, site, 'many').then(async (connection) => {
          const { status } = await connection.ask('/robots.txt');
          await sleep(1500);
          connection.close();
          return status;
        }),
      ),
    );
    t.equal(many.filter((each) => each.status === 'fulfilled').length, DEFAULT_BOUNDS.connections);
  });

  await t.test('the staff service opens to a key that is there, and to nobody else', async (t) => {
    const { network, folder, desk, running } = onion;
    await t.rejects(askOnion(client.socksPort, desk, 'stranger', '/'), /SOCKS refused/);
    const key = issueClientKey();
    await addClient(folder.staff, { name: parseClientName('anna')!, publicKey: key.publicKey });
    const control = await ControlPort.connect(folder.control, folder.cookie);
    await control.command('SIGNAL RELOAD');
    control.close();
    const keys = path.join(folder.root, 'anna');
    mkdirSync(keys, { mode: 0o700 });
    const line = clientAuthLine(running.addresses[1]!, key.privateKey);
    writeFileSync(path.join(keys, 'desk.auth_private'), `${line}\n`, { mode: 0o600 });
    const anna = await network.startClient(keys);
    let answer: OnionAnswer | null = null;
    for (let n = 0; n < 30 && answer === null; n++) {
      answer = await askOnion(anna.socksPort, desk, `anna-${n}`, '/').catch(() => null);
      if (answer === null) await sleep(1000);
    }
    t.equal(answer?.body.toString(), 'desk');
    await t.rejects(askOnion(client.socksPort, desk, 'stranger-again', '/'), /SOCKS refused/);
    await anna.stop();
  });

  await t.test('beside `serve --onion`: the desk, a rotated address, and a stop that lets an upload end', async (t) => {
    const root = mkdtempSync(path.join(tmpdir(), 'beside-'));
    t.teardown(() => rmSync(root, { recursive: true, force: true }));
    const settings = { CHATPIC_DATA_DIR: root, CHATPIC_LISTEN: '127.0.0.1:0', CHATPIC_STORE_MB: '64', TMPDIR: root };
    const folder = torFolder(path.join(root, 'tor'));
    mkdirSync(folder.root, { mode: 0o700 });
    writeFileSync(folder.extra, onion.network.joinLines);
    const env = { PATH: process.env['PATH'], ...settings };
    const verb = async (...args: string[]): Promise<string> =>
      (await run(process.execPath, [MAIN, 'onion', ...args], { env })).stdout;
    const before = /^senders +(\S+)$/m.exec(await verb('address'))?.[1] ?? '';
    const after = (await verb('rotate', '--yes')).trim();
    const staff = /^staff +(\S+)$/m.exec(await verb('address'))?.[1] ?? '';
    const key = (await verb('client', 'add', 'anna')).trim();
    const life = startProcess(settings, [], { args: ['--onion'] });
    t.teardown(() => life.child.kill('SIGKILL'));
    await life.ready;
    for (let n = 0; n < 900 && !life.output().includes('Over Tor:'); n++) await sleep(100);
    t.match(life.output(), `Over Tor:         http://${after}/`, 'the address is said when it is published');
    const notice = await askOnion(client.socksPort, before, 'old', '/faq', { headers: { Accept: 'text/html' } });
    t.match(notice.headers['refresh'], `url=http://${after}/faq`, 'the old address leads to the new one');
    const keys = path.join(root, 'anna');
    mkdirSync(keys, { mode: 0o700 });
    const line = clientAuthLine(parseOnionAddress(staff)!, key);
    writeFileSync(path.join(keys, 'desk.auth_private'), `${line}\n`, { mode: 0o600 });
    const anna = await onion.network.startClient(keys);
    const signIn = await askOnion(anna.socksPort, staff, 'anna', '/sign-in', { headers: { Accept: 'text/html' } });
    t.match(signIn.body.toString(), /<h1>Sign in/, 'the desk opens to a key that the operator made');
    await t.rejects(askOnion(client.socksPort, staff, 'stranger', '/sign-in'), /SOCKS refused/);
    await anna.stop();
    const control = await ControlPort.connect(folder.control, folder.cookie);
    const tor = `/proc/${await control.getInfo('process/pid')}`;
    control.close();
    const greedy = await Promise.all(
      Array.from({ length: 8 }, () => OnionConnection.open(client.socksPort, after, 'greedy')),
    );
    const hammer = async (connection: OnionConnection): Promise<void> => {
      for (let n = 0; n < 120; n++) await connection.ask('/robots.txt', { patience: 15_000 });
    };
    const ends = await Promise.allSettled(greedy.map(hammer));
    t.ok(
      ends.every(({ status }) => status === 'rejected'),
      'a circuit far over its bounds is closed, with all that is on it',
    );
    const another = await askOnion(client.socksPort, after, 'another', '/robots.txt');
    t.equal(another.status, 200, 'and another is not');
    for (const connection of greedy) connection.close();
    const note = 'words '.repeat(50_000);
    const socket = await socksConnect(client.socksPort, after, 80, 'slow');
    socket.write(
      `PUT /note.txt HTTP/1.1\r\nConnection: close\r\nContent-Length: ${note.length}\r\n\r\n${note.slice(0, 150_000)}`,
    );
    const uploads = async (): Promise<number> => {
      const { stdout } = await run(process.execPath, [MAIN, 'limits', '--json'], { env });
      return (JSON.parse(stdout) as LoadReport).use.uploads.now;
    };
    for (let n = 0; n < 30 && (await uploads()) === 0; n++) await sleep(500);
    const stopped = life.stop();
    await sleep(1000);
    t.ok(existsSync(tor), 'tor stays while the upload does');
    socket.write(note.slice(150_000));
    const answer = Buffer.concat((await socket.toArray()) as Buffer[]).toString();
    t.match(answer, /^HTTP\/1\.1 201 /, 'an upload under way ends');
    t.equal(await stopped, 0);
    t.notOk(existsSync(tor), 'and tor goes with the appliance');
  });
});
