/** Accounts, the audit trail, the canary. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { DAY, MINUTE } from '../../src/base/units.js';
import { hpkePublicKeyOf } from '../../src/crypto/hpke.js';
import { Accounts, type SignIn } from '../../src/moderation/accounts.js';
import { AuditTrail } from '../../src/moderation/audit.js';
import {
  canaryAgeDays,
  canaryPublicKeyFile,
  openCanary,
  parseCanaryPublicKey,
  signCanary,
} from '../../src/moderation/canary.js';
import { verifyingKeyOf } from '../../src/crypto/signature.js';
import { needs } from '../needs.js';
import { MapBook } from './map-book.js';

const NOW = Date.UTC(2026, 10, 24, 12);
/** Fast: what is tested is who gets in, not how long a guess takes. */
const COST = { N: 2 ** 10, r: 8, p: 1 };
const GOOD = 'correct horse battery';

function key(result: SignIn): Buffer | null {
  return result.kind === 'in' ? result.privateKey : null;
}

test.test('signing in gives the key of the site, to every account the same', async (t) => {
  const book = new MapBook();
  const accounts = new Accounts(book, COST);
  t.equal(accounts.publicKey(), null);
  await accounts.createFirst('operator', GOOD, NOW);
  const privateKey = key(await accounts.signIn('operator', GOOD, NOW))!;
  t.same(hpkePublicKeyOf(privateKey), accounts.publicKey());
  await accounts.set('anna', 'another passphrase', privateKey, NOW + 1);
  const again = new Accounts(book, COST);
  t.same(key(await again.signIn('anna', 'another passphrase', NOW)), privateKey);
  t.strictSame(again.list(), [
    { name: 'anna', createdAt: NOW + 1 },
    { name: 'operator', createdAt: NOW },
  ]);
  for (const { value } of book.entries()) t.notOk(value.includes(privateKey), 'never in the book');
  await t.rejects(accounts.createFirst('second', GOOD, NOW), { code: 'forbidden' });
});

test.test('a wrong passphrase, an unknown name and a name that is none answer the same', async (t) => {
  const accounts = new Accounts(new MapBook(), COST);
  await accounts.createFirst('operator', GOOD, NOW);
  for (const [name, passphrase] of [
    ['operator', `${GOOD} `],
    ['operator', ''],
    ['nobody', GOOD],
    ['\0', GOOD],
    ['', GOOD],
    ['OPERATOR', GOOD],
  ] as const) {
    t.strictSame(await accounts.signIn(name, passphrase, NOW), { kind: 'wrong' }, JSON.stringify(name));
  }
});

test.test('a passphrase typed on another keyboard is the same passphrase', async (t) => {
  const accounts = new Accounts(new MapBook(), COST);
  await accounts.createFirst('operator', 'Fu\u0308nfzehn Pfa\u0308hle', NOW);
  t.equal((await accounts.signIn('operator', 'F\u00fcnfzehn Pf\u00e4hle', NOW)).kind, 'in');
  t.equal((await accounts.signIn('operator', '\uff26\u00fcnfzehn Pf\u00e4hle', NOW)).kind, 'in', 'a full-width F');
});

test.test('after five wrong tries each further one doubles the pause, for unknown names too', async (t) => {
  for (const name of ['operator', 'nobody']) {
    const accounts = new Accounts(new MapBook(), COST);
    await accounts.createFirst('operator', GOOD, NOW);
    let now = NOW;
    for (let at = 0; at < 5; at++) t.equal((await accounts.signIn(name, 'wrong', now)).kind, 'wrong');
    for (const seconds of [2, 4, 8, 16]) {
      t.strictSame(await accounts.signIn(name, GOOD, now), { kind: 'wait', until: now + seconds * 1000 });
      now += seconds * 1000;
      t.equal((await accounts.signIn(name, 'wrong', now)).kind, 'wrong');
    }
    for (let at = 0; at < 8; at++) {
      const { until } = (await accounts.signIn(name, GOOD, now)) as { until: number };
      t.ok(until - now <= 5 * MINUTE);
      now = until;
      await accounts.signIn(name, 'wrong', now);
    }
  }
});

test.test('tries made at once do not slip through together', async (t) => {
  const accounts = new Accounts(new MapBook(), COST);
  await accounts.createFirst('operator', GOOD, NOW);
  const results = await Promise.all(Array.from({ length: 20 }, () => accounts.signIn('operator', 'wrong', NOW)));
  t.equal(results.filter(({ kind }) => kind === 'wrong').length, 5);
  t.equal(results.filter(({ kind }) => kind === 'wait').length, 15);
});

test.test('signing in forgets wrong tries', async (t) => {
  const accounts = new Accounts(new MapBook(), COST);
  await accounts.createFirst('operator', GOOD, NOW);
  for (let round = 0; round < 3; round++) {
    for (let at = 0; at < 4; at++) t.equal((await accounts.signIn('operator', 'wrong', NOW)).kind, 'wrong');
    t.equal((await accounts.signIn('operator', GOOD, NOW)).kind, 'in');
  }
});

test.test('a colleague gives a new passphrase; the old one is over', async (t) => {
  const accounts = new Accounts(new MapBook(), COST);
  await accounts.createFirst('operator', GOOD, NOW);
  const privateKey = key(await accounts.signIn('operator', GOOD, NOW))!;
  await accounts.set('anna', 'first passphrase', privateKey, NOW);
  await accounts.set('anna', 'second passphrase', privateKey, NOW);
  t.equal((await accounts.signIn('anna', 'first passphrase', NOW)).kind, 'wrong');
  t.same(key(await accounts.signIn('anna', 'second passphrase', NOW)), privateKey);
  await t.rejects(accounts.set('eve', 'her own passphrase', Buffer.alloc(32, 1), NOW), 'not with another key');
  t.equal(await accounts.remove('anna'), true);
  t.equal(await accounts.remove('anna'), false);
  t.equal(await accounts.remove('\0'), false, 'the public key is no account');
  await t.rejects(accounts.remove('operator'), { code: 'forbidden' });
});

test.test('names and passphrases at the edges', async (t) => {
  for (const [name, passphrase] of [
    ['', GOOD],
    ['a'.repeat(33), GOOD],
    ['Anna', GOOD],
    ['a b', GOOD],
    ['-a', GOOD],
    ['anna', 'eleven char'],
    ['anna', '😀'.repeat(11)],
  ] as const) {
    await t.rejects(new Accounts(new MapBook(), COST).createFirst(name, passphrase, NOW), { code: 'malformed' });
  }
  await new Accounts(new MapBook(), COST).createFirst('a'.repeat(32), 'twelve chars', NOW);
});

test.test('signing in works at the cost that is meant for staff', async (t) => {
  const accounts = new Accounts(new MapBook());
  await accounts.createFirst('operator', GOOD, NOW);
  t.equal((await accounts.signIn('operator', GOOD, NOW)).kind, 'in');
});

async function trail(entries: number): Promise<MapBook> {
  const book = new MapBook();
  const audit = (await AuditTrail.open(book))!;
  const adding = Array.from({ length: entries }, (_, at) =>
    audit.add({ at: NOW + at, actor: 'anna', action: 'kept', subject: `cp-${at}` }),
  );
  await Promise.all(adding);
  return book;
}

test.test('the audit trail keeps what was decided, in order, over restarts', async (t) => {
  const book = await trail(3);
  const audit = (await AuditTrail.open(book))!;
  await audit.add({ at: NOW, actor: 'ben', action: 'removed-and-banned', subject: 'cp-x' });
  const entries = (await AuditTrail.open(book))!.entries();
  t.strictSame(
    entries.map(({ number, actor, subject }) => `${number} ${actor} ${subject}`),
    ['3 ben cp-x', '2 anna cp-2', '1 anna cp-1', '0 anna cp-0'],
  );
  t.equal(entries[0]?.action, 'removed-and-banned');
});

test.test('an entry that was changed, taken out, or cut off shows', async (t) => {
  const numbered = (number: number): Buffer => {
    const name = Buffer.alloc(8);
    name.writeBigUInt64BE(BigInt(number));
    return name;
  };
  for (let number = 0; number < 4; number++) {
    const changed = await trail(4);
    const value = changed.get(numbered(number))!;
    value[5]! ^= 1;
    await changed.put(numbered(number), value);
    t.equal(await AuditTrail.open(changed), null, `changed ${number}`);
    const without = await trail(4);
    await without.delete(numbered(number));
    t.equal(await AuditTrail.open(without), null, `without ${number}`);
  }
  const swapped = await trail(4);
  const [one, two] = [swapped.get(numbered(1))!, swapped.get(numbered(2))!];
  await swapped.put(numbered(1), two);
  await swapped.put(numbered(2), one);
  t.equal(await AuditTrail.open(swapped), null);
  const emptied = await trail(4);
  for (let number = 0; number < 4; number++) await emptied.delete(numbered(number));
  t.equal(await AuditTrail.open(emptied), null, 'emptied');
});

test.test('a crash between an entry and the last hash is mended', async (t) => {
  for (const already of [0, 1, 3]) {
    const book = await trail(already);
    const audit = (await AuditTrail.open(book))!;
    book.failAt = book.writes + 1;
    await t.rejects(audit.add({ at: NOW, actor: 'anna', action: 'kept', subject: 'last' }));
    book.failAt = Infinity;
    const opened = await AuditTrail.open(book);
    t.equal(opened?.entries().length, already + 1);
    t.ok(await AuditTrail.open(book), 'and stays so');
  }
});

const CANARY_KEY = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
const CANARY_PUBLIC = verifyingKeyOf(CANARY_KEY);

test.test('a canary is opened with its date, and only as it was signed', (t) => {
  const file = signCanary(CANARY_KEY, 'No warrants.\r\n\r\nHeadline: é\n', NOW + 999);
  t.strictSame(openCanary(CANARY_PUBLIC, file), { statement: 'No warrants.\n\nHeadline: é', signedAt: NOW });
  const other = verifyingKeyOf(Buffer.alloc(32, 3));
  t.equal(openCanary(other, file), null);
  for (const changed of [
    file.replace('No', 'Some'),
    file.replace('2026-11-24', '2026-12-24'),
    `${file}\n`,
    file.slice(0, -1),
    file.replace('RW', 'RX'),
    '',
    'untrusted comment: x\n\n',
    'x'.repeat(100_000),
  ]) {
    t.equal(openCanary(CANARY_PUBLIC, changed), null);
  }
  t.match(openCanary(CANARY_PUBLIC, file.replace('verify with', 'any comment of')), { signedAt: NOW });
  const keyFile = canaryPublicKeyFile(CANARY_PUBLIC);
  t.same(parseCanaryPublicKey(keyFile), CANARY_PUBLIC);
  t.equal(parseCanaryPublicKey(`${keyFile}x`), null);
  t.equal(parseCanaryPublicKey('x'), null);
  t.end();
});

test.test('the age of a canary is in whole days', (t) => {
  const canary = { statement: '', signedAt: NOW };
  for (const [now, days] of [
    [NOW - DAY, 0],
    [NOW, 0],
    [NOW + DAY - 1, 0],
    [NOW + DAY, 1],
    [NOW + 40 * DAY, 40],
  ] as const) {
    t.equal(canaryAgeDays(canary, now), days);
  }
  t.end();
});

test.test('openssl verifies a canary', needs('openssl'), (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-canary-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const write = (name: string, bytes: string | Buffer): string => {
    writeFileSync(path.join(folder, name), bytes);
    return path.join(folder, name);
  };
  const [, signature = '', ...text] = signCanary(CANARY_KEY, 'No warrants.', NOW).split('\n');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), CANARY_PUBLIC]);
  const pem = `-----BEGIN PUBLIC KEY-----\n${der.toString('base64')}\n-----END PUBLIC KEY-----\n`;
  const verify = (message: string): number | null =>
    spawnSync('openssl', [
      ...['pkeyutl', '-verify', '-pubin', '-inkey', write('key.pem', pem), '-rawin'],
      ...['-in', write('text', message), '-sigfile', write('sig', Buffer.from(signature, 'base64').subarray(10))],
    ]).status;
  t.equal(verify(text.join('\n')), 0);
  t.not(verify(`${text.join('\n')}x`), 0);
  t.end();
});

test.test('the trail keeps its last entries, and they hold together from where they begin', async (t) => {
  const book = new MapBook();
  const entry = (at: number): Parameters<AuditTrail['add']>[0] => ({
    at,
    actor: 'anna',
    action: 'kept',
    subject: `cp-${at}`,
  });
  const audit = (await AuditTrail.open(book, 5))!;
  for (let at = 0; at < 12; at++) await audit.add(entry(at));
  t.strictSame(
    audit.entries().map(({ number }) => number),
    [11, 10, 9, 8, 7],
  );
  t.equal(book.entries().length, 5 + 2);
  const again = (await AuditTrail.open(book, 5))!;
  t.ok(again.head.equals(audit.head));
  await again.add(entry(12));
  t.equal((await AuditTrail.open(book, 5))?.entries()[0]?.number, 12);
  for (const { key } of book.entries()) {
    const changed = new MapBook();
    for (const one of book.entries()) {
      if (one.key.equals(key)) one.value.writeUInt8(one.value.readUInt8(5) ^ 1, 5);
      await changed.put(one.key, one.value);
    }
    t.equal(await AuditTrail.open(changed, 5), null, `changed ${key.toString('hex')}`);
  }
  for (let failAt = 0; failAt < 4; failAt++) {
    const torn = new MapBook();
    for (const one of book.entries()) await torn.put(one.key, one.value);
    const trail = (await AuditTrail.open(torn, 5))!;
    torn.writes = 0;
    torn.failAt = failAt;
    await t.rejects(trail.add(entry(13)));
    torn.failAt = Infinity;
    const opened = await AuditTrail.open(torn, 5);
    t.ok(opened, `a crash after ${failAt} writes`);
    t.ok(await opened?.add(entry(14)));
    t.ok(await AuditTrail.open(torn, 5));
  }
});
