import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';

const MAIN = path.resolve(import.meta.dirname, '../../src/main.js');

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `chatpic onion ...` on a data folder of its own. */
function stage(scope: { teardown: (end: () => void) => unknown }): (...args: string[]) => Said {
  const dir = mkdtempSync(path.join(tmpdir(), 'onion-verb-'));
  scope.teardown(() => rmSync(dir, { recursive: true }));
  return (...args) => {
    const env = { PATH: process.env['PATH'], CHATPIC_DATA_DIR: dir };
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'onion', ...args], { env, encoding: 'utf8' });
    return { code: status, out: stdout, err: stderr };
  };
}

test.test('addresses are made once and then said', (t) => {
  const onion = stage(t);
  const first = onion('address');
  t.match(first.out, /^senders {3}[a-z2-7]{56}\.onion\nstaff {5}[a-z2-7]{56}\.onion\n$/);
  const { senders, staff, previous } = JSON.parse(onion('address', '--json').out) as Record<string, string | null>;
  t.equal(first.out, `senders   ${String(senders)}\nstaff     ${String(staff)}\n`);
  t.equal(previous, null);
  t.end();
});

test.test('keys are added and removed, and never the last one', (t) => {
  const onion = stage(t);
  t.match(onion('client', 'list'), { code: 1, err: /open the staff service to everybody/ });
  const anna = onion('client', 'add', 'anna');
  t.equal(anna.code, 0);
  t.match(anna.out, /^[A-Z2-7]{52}\n$/, 'the private key alone is on standard output');
  t.match(onion('client', 'list'), { code: 0, out: /^anna {2}[A-Z2-7]{52}\n$/ });
  t.notMatch(onion('client', 'list').out, anna.out.trim());
  t.match(onion('client', 'add', 'anna'), { code: 1, err: /there is a key named anna already/ });
  t.match(onion('client', 'remove', 'anna'), { code: 1, err: /the last key/ });
  const publicKey = /[A-Z2-7]{52}/.exec(onion('client', 'list').out)![0];
  t.match(onion('client', 'add', 'ben', '--public-key', publicKey), { code: 0, out: '' });
  t.equal(onion('client', 'remove', 'anna').code, 0);
  const { clients } = JSON.parse(onion('client', 'list', '--json').out) as { clients: { name: string }[] };
  t.strictSame(
    clients.map(({ name }) => name),
    ['ben'],
  );
  t.end();
});

test.test('a wrong name or key is a wrong usage and writes nothing', (t) => {
  const onion = stage(t);
  t.equal(onion('client', 'add', '../anna').code, 2);
  t.equal(onion('client', 'add', 'anna', '--public-key', 'ABC').code, 2);
  t.equal(onion('nonsense').code, 2);
  t.equal(onion('client', 'list').code, 1);
  t.end();
});

test.test('an address is replaced only when it is really meant, and the old one is kept', (t) => {
  const onion = stage(t);
  const before = JSON.parse(onion('address', '--json').out) as Record<string, string>;
  t.equal(onion('rotate').code, 2);
  const rotated = onion('rotate', '--yes');
  t.equal(rotated.code, 0);
  const after = JSON.parse(onion('address', '--json').out) as Record<string, string>;
  t.equal(rotated.out, `${after['senders']}\n`);
  t.not(after['senders'], before['senders']);
  t.equal(after['previous'], before['senders']);
  t.equal(after['staff'], before['staff']);
  t.match(onion('rotate', '--yes'), { code: 1, err: /older address/ });
  t.end();
});
