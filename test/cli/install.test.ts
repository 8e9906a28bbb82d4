import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { fateOf } from '../../src/cli/install.js';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.js');
const ROOT = path.resolve(import.meta.dirname, '../../..');

interface Done {
  readonly files: readonly { readonly path: string; readonly fate: string }[];
  readonly next: readonly string[];
}

function install(root: string, ...args: string[]): Done {
  const { stdout } = spawnSync(process.execPath, [MAIN, 'install', '--json', '--root', root, ...args], {
    encoding: 'utf8',
  });
  return JSON.parse(stdout) as Done;
}

const fates = ({ files }: Done): Record<string, string> =>
  Object.fromEntries(files.map((file) => [file.path, file.fate]));

test.test('an empty system gets every file with its mode; a second time changes nothing', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'install-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const dry = install(root, '--dry-run');
  t.strictSame(readdirSync(root), [], 'a dry run writes nothing');
  const done = install(root);
  t.strictSame(fates(done), fates(dry));
  for (const { path: file, fate } of done.files) {
    t.equal(fate, 'written');
    t.ok(existsSync(path.join(root, file)), file);
  }
  t.equal(statSync(path.join(root, 'etc/chatpic')).mode & 0o777, 0o700);
  t.equal(statSync(path.join(root, 'etc/chatpic/chatpic.env')).mode & 0o777, 0o600);
  t.equal(statSync(path.join(root, 'usr/local/bin/chatpic')).mode & 0o777, 0o755);
  t.ok(Object.values(fates(install(root))).every((fate) => fate === 'unchanged'));
  t.end();
});

test.test("what is the operator's is kept, what is ours is replaced", (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'install-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  install(root);
  const put = (file: string, text: string): void => writeFileSync(path.join(root, file), text);
  put('etc/chatpic/chatpic.env', 'CHATPIC_SITE_NAME="Mine"\n');
  put('etc/apparmor.d/local/system_tor', '# Site-specific additions\n\n');
  put('etc/systemd/system/chatpic.service', '[Service]\n');
  const after = fates(install(root));
  t.equal(after['/etc/chatpic/chatpic.env'], 'kept');
  t.equal(readFileSync(path.join(root, 'etc/chatpic/chatpic.env'), 'utf8'), 'CHATPIC_SITE_NAME="Mine"\n');
  t.equal(after['/etc/apparmor.d/local/system_tor'], 'replaced', 'comments alone say nothing');
  t.equal(after['/etc/systemd/system/chatpic.service'], 'replaced');
  t.end();
});

test.test('an upgrade names no command that would make another root key', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'install-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  t.ok(install(root).next.some((command) => command.includes('root.key.cred')));
  writeFileSync(path.join(root, 'etc/chatpic/root.key.cred'), 'sealed');
  const { next } = install(root);
  t.notOk(next.some((command) => command.includes('root.key.cred')));
  t.ok(next.includes('systemctl restart chatpic'));
  t.equal(readFileSync(path.join(root, 'etc/chatpic/root.key.cred'), 'utf8'), 'sealed');
  t.end();
});

test.test('every file of systemd/ has a place, but for drop-ins that an operator chooses', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'install-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  mkdirSync(root, { recursive: true });
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'systemd/install.json'), 'utf8')) as {
    files: { from: string }[];
  };
  const planned = manifest.files.map(({ from }) => from).filter((from) => from.startsWith('systemd/'));
  const there = readdirSync(path.join(ROOT, 'systemd'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'install.json')
    .map((entry) => path.relative(ROOT, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.startsWith('systemd/drop-ins/'));
  t.strictSame(planned.sort(), there.sort());
  t.end();
});

test.test('what comes next is what docs/OPERATIONS.md says, word for word', (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'install-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const text = readFileSync(path.join(ROOT, 'docs/OPERATIONS.md'), 'utf8').split('\n## ')[1] ?? '';
  const lines = text.split('\n\n').find((block) => block.startsWith('    apt install')) ?? '';
  const commands = lines.split('\n').map((line) => line.trim());
  t.equal(commands.length, 10);
  t.match(commands[3], / install$/);
  const after = commands.slice(4).flatMap((line) => line.split(/; | && /));
  t.strictSame(after, install(root).next);
  t.end();
});

test.test('the fate of a file', (t) => {
  t.equal(fateOf('a', null, true), 'written');
  t.equal(fateOf('a', 'a', true), 'unchanged');
  t.equal(fateOf('a', 'b', false), 'replaced');
  t.equal(fateOf('a', 'b', true), 'kept');
  t.equal(fateOf('a', '', true), 'replaced');
  t.equal(fateOf('a', '# b\n \n', true), 'replaced');
  t.equal(fateOf('a', '# b\n  c', true), 'kept');
  t.end();
});
