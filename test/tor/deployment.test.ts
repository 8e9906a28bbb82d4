/** The files that an operator copies: checked by the programs that will read them. */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import test from 'tap';
import { readEnvironment, unknownSettings } from '../../src/config/environment.js';
import { needs } from '../needs.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const run = promisify(execFile);

for (const service of ['chatpic.service', 'chatpic-desk.service']) {
  const unit = path.join(ROOT, 'systemd', service);

  test.test(`${service} is exposed by 0.5 at most`, needs('systemd-analyze'), async (t) => {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', unit]);
    const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1] ?? NaN);
    t.ok(level <= 0.5, `exposure ${level}`);
  });

  test.test(`every line that ${service} does without is explained`, needs('systemd-analyze'), async (t) => {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', '--json=short', unit]);
    const lines = JSON.parse(stdout) as { set: boolean | null; json_field: string }[];
    const missing = new Set(
      lines.filter(({ set }) => set !== true).map((line) => line.json_field.replace(/_.*|Or[A-Z].*/, '')),
    );
    const table =
      readFileSync(path.join(ROOT, 'docs/OPERATIONS.md'), 'utf8').split('### Lines that were not taken')[1] ?? '';
    t.ok(missing.size > 0);
    for (const line of missing) t.ok(table.includes(`\`${line}=`), line);
  });
}

test.test("tor's own unit is exposed by 3 at most behind its drop-in", needs('systemd-analyze', 'tor'), async (t) => {
  const debian = ['/lib/systemd/system', '/usr/lib/systemd/system'].find((folder) =>
    existsSync(path.join(folder, 'tor@default.service')),
  );
  if (debian === undefined) {
    t.comment("Debian's unit of tor is not here");
    return;
  }
  const root = mkdtempSync(path.join(tmpdir(), 'units-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const [vendor, admin] = [path.join(root, 'usr/lib/systemd/system'), path.join(root, 'etc/systemd/system')];
  cpSync(path.join(debian, 'tor@default.service'), path.join(vendor, 'tor@default.service'));
  cpSync(path.join(ROOT, 'systemd/tor@default.service.d'), path.join(admin, 'tor@default.service.d'), {
    recursive: true,
  });
  const args = ['security', '--offline=true', `--root=${root}`, 'tor@default.service'];
  const { stdout } = await run('systemd-analyze', args);
  const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1] ?? NaN);
  t.ok(level <= 3, `exposure ${level}`);
});

test.test('the program can be called by its name, as `npx chatpic` does', async (t) => {
  const { bin } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { bin: { chatpic: string } };
  const { stdout } = await run(path.join(ROOT, bin.chatpic), ['--help']);
  t.match(stdout, /chatpic/);
});

test.test('the C library is told the same wherever the appliance is started', (t) => {
  const tunablesIn = (file: string): string[] => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    return [...text.matchAll(/GLIBC_TUNABLES=(\S+)/g)].map(([, tunables]) => tunables ?? '');
  };
  const files = ['package.json', 'Dockerfile', 'systemd/chatpic.service', 'systemd/chatpic-desk.service'];
  const all = files.map(tunablesIn);
  t.strictSame(
    all,
    files.map(() => [all[0]?.[0]]),
  );
  t.match(all[0]?.[0], /malloc\.perturb=[1-9].*malloc\.tcache_count=0/);
  t.end();
});

test.test('no system call is refused with the error that all others are refused with', (t) => {
  // systemd 252 does not start such a unit (228/SECCOMP): the filter's rule would equal its default.
  for (const file of ['chatpic.service', 'chatpic-desk.service', 'tor@default.service.d/chatpic.conf']) {
    const text = readFileSync(path.join(ROOT, 'systemd', file), 'utf8');
    t.match(text, /^SystemCallErrorNumber=EPERM$/m);
    t.notMatch(text, /^SystemCallFilter=.*:EPERM/m);
  }
  t.end();
});

test.test('all files mean the same sockets', (t) => {
  const text = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
  const sockets = { web: '/run/chatpic-web/web.sock', desk: '/run/chatpic-desk/desk.sock' };
  t.match(text('systemd/chatpic.socket'), `ListenStream=${sockets.web}\n`);
  t.match(text('systemd/chatpic.socket'), 'FileDescriptorName=web.sock\n');
  t.match(text('systemd/chatpic-desk.socket'), `ListenStream=${sockets.desk}\n`);
  t.match(text('systemd/chatpic-desk.socket'), 'FileDescriptorName=desk.sock\n');
  t.match(text('systemd/chatpic.env'), `CHATPIC_LISTEN=unix:${sockets.web}\n`);
  t.match(text('systemd/chatpic-desk.service'), ` CHATPIC_DESK_LISTEN=unix:${sockets.desk}\n`);
  for (const socket of [sockets.web, sockets.desk]) {
    t.match(text('torrc.example'), `HiddenServicePort 80 unix:${socket}\n`);
    t.match(text('systemd/apparmor/system_tor'), `${socket} rw,\n`);
    t.match(text('Dockerfile'), `=unix:${socket}`);
  }
  t.end();
});

test.test('the door is the desk\u2019s user\u2019s alone, and both services mean the same one', (t) => {
  const text = (file: string): string => readFileSync(path.join(ROOT, 'systemd', file), 'utf8');
  const door = '/run/chatpic-door/door.sock';
  const user = 'chatpic-desk';
  const socket = text('chatpic-door.socket');
  for (const line of [`ListenStream=${door}`, 'FileDescriptorName=door.sock', `SocketUser=${user}`, 'SocketMode=0600'])
    t.ok(socket.split('\n').includes(line), line);
  for (const service of ['chatpic.service', 'chatpic-desk.service'])
    t.match(text(service), new RegExp(`^Environment=CHATPIC_DESK_DOOR=unix:${door}( |$)`, 'm'), service);
  t.match(text('chatpic.env'), `\n#CHATPIC_DESK_DOOR=unix:${door}\n`);
  t.match(text('chatpic-desk.service'), `\nUser=${user}\n`);
  t.match(text('sysusers.d/chatpic.conf'), `\nu ${user} `);
  t.match(text('tmpfiles.d/chatpic.conf'), `\nd ${path.dirname(door)} 0750 root ${user} -\n`);
  t.end();
});

test.test('every setting of the environment file is one, and its values are taken', (t) => {
  const text = readFileSync(path.join(ROOT, 'systemd/chatpic.env'), 'utf8');
  const given: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/^#?(CHATPIC_\w+)=(.*)$/gm)) given[name] = value;
  t.ok(Object.keys(given).length > 10);
  t.strictSame(unknownSettings(given), []);
  t.doesNotThrow(() => readEnvironment(given));
  t.end();
});
