import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { findTor } from '../../src/tor/tor-binary.js';
import { torFolder } from '../../src/tor/tor-folder.js';
import { PUBLIC_SERVICE, STAFF_SERVICE, torrc, type TorrcSettings } from '../../src/tor/torrc.js';
import { needs } from '../needs.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const EXAMPLE = path.join(ROOT, 'torrc.example');

function settings(root: string): TorrcSettings {
  const folder = torFolder(root);
  return {
    dataFolder: folder.data,
    controlSocket: folder.control,
    cookieFile: folder.cookie,
    ownerPid: process.pid,
    services: [
      { folder: folder.senders, socket: folder.webSocket, circuitIds: true, ...PUBLIC_SERVICE },
      { folder: folder.staff, socket: folder.deskSocket, circuitIds: false, ...STAFF_SERVICE },
    ],
    extra: '',
  };
}

/** What tor says of a configuration; its exit code is 0 where it would start. */
function verify(text: string): { code: number | null; said: string } {
  const folder = mkdtempSync(path.join(tmpdir(), 'torrc-'));
  writeFileSync(path.join(folder, 'torrc'), text);
  const args = ['--defaults-torrc', '/dev/null', '-f', path.join(folder, 'torrc'), '--verify-config'];
  const { status, stdout } = spawnSync('tor', args, { encoding: 'utf8' });
  rmSync(folder, { recursive: true });
  return { code: status, said: stdout };
}

/** What tor warns of, except of the user that runs this test. */
const warnings = (said: string): string[] =>
  said.split('\n').filter((line) => /\[(warn|err)\]/.test(line) && !line.includes('running Tor as root'));

test.test('tor takes the configuration without a warning', needs('tor'), async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'a folder '));
  t.teardown(() => rmSync(root, { recursive: true }));
  const { code, said } = verify(torrc(settings(root)));
  t.equal(code, 0, said);
  t.strictSame(warnings(said), []);
  t.ok((await findTor(process.env['PATH'] ?? '')).proofOfWork, 'the one in use can ask for work');
});

test.test("an operator's own lines stand last", (t) => {
  const text = torrc({ ...settings('/x'), extra: '\nUseBridges 1\n\n' });
  t.ok(text.endsWith('\nUseBridges 1\n'));
  t.end();
});

test.test('nothing in it listens but the onions, and nothing is logged or told', (t) => {
  const lines = torrc(settings('/x')).split('\n');
  for (const line of [
    'SocksPort 0',
    'SafeLogging 1',
    'Log err stdout',
    'HeartbeatPeriod 0',
    'ClientOnly 1',
    'NoExec 1',
  ]) {
    t.ok(lines.includes(line), line);
  }
  t.notOk(lines.some((line) => /^(ControlPort|ORPort|DirPort|Sandbox|DisableAllSwap|Log .*file)/.test(line)));
  t.notOk(lines.some((line) => /MaxStreamsCloseCircuit 1|SingleHopMode 1|NonAnonymousMode 1/.test(line)));
  t.end();
});

test.test('a path that tor could not be told is refused, not written', (t) => {
  for (const bad of ['/a"b', '/a\nSocksPort 9050', '/a\\b', '/a\u0000']) {
    t.throws(() => torrc({ ...settings('/x'), dataFolder: bad }), { name: 'TorFault' }, JSON.stringify(bad));
  }
  const socket = `/${'s'.repeat(106)}`;
  t.ok(torrc({ ...settings('/x'), controlSocket: socket }));
  t.throws(() => torrc({ ...settings('/x'), controlSocket: `${socket}s` }), /too long for a Unix socket/);
  t.end();
});

test.test('tor takes torrc.example without a warning', needs('tor'), (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'example-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const folder of ['chatpic', 'chatpic-desk']) mkdirSync(path.join(root, folder), { mode: 0o700 });
  // The same lines, in folders that exist here and under the user that runs the test.
  const text = readFileSync(EXAMPLE, 'utf8')
    .replaceAll('/var/lib/tor', root)
    .replace(/^User .*$/m, '');
  const { code, said } = verify(text);
  t.equal(code, 0, said);
  t.strictSame(warnings(said), []);
  t.end();
});

test.test('torrc.example and the generated configuration say the same', (t) => {
  // What belongs to one of the two only: who runs it, where it logs, and how it is controlled.
  const own =
    /^(User|DataDirectory|Log|ControlSocket|ControlPort|Cookie\w+|__Owning\w+|RunAsDaemon|Shutdown\w+|HiddenServiceDir|HiddenServicePort|HiddenServiceDirGroupReadable) /;
  const lines = (text: string): string[] =>
    text
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#') && !own.test(line))
      .sort();
  t.strictSame(lines(readFileSync(EXAMPLE, 'utf8')), lines(torrc(settings('/x'))));
  t.end();
});

test.test('every line of torrc.example is explained', (t) => {
  const lines = readFileSync(EXAMPLE, 'utf8').split('\n');
  for (const [at, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    let above = at - 1;
    while (/^\S/.test(lines[above] ?? '') && !lines[above]!.startsWith('#')) above -= 1;
    t.match(lines[above], /^# /, line);
  }
  t.end();
});
