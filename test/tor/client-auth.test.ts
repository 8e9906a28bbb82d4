import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';
import {
  addClient,
  assertGuarded,
  clientAuthLine,
  issueClientKey,
  listClients,
  parseClientName,
  parseClientPublicKey,
  removeClient,
  type ClientName,
} from '../../src/tor/client-auth.js';
import { parseOnionAddress } from '../../src/tor/onion-address.js';

const name = (text: string): ClientName => parseClientName(text)!;

function plant(folder: string, files: Readonly<Record<string, string>>): string {
  mkdirSync(path.join(folder, 'authorized_clients'), { recursive: true });
  for (const [file, text] of Object.entries(files)) writeFileSync(path.join(folder, 'authorized_clients', file), text);
  return folder;
}

test.test('a key that was issued is written as tor reads it', async (t) => {
  const folder = t.testdir();
  const key = issueClientKey();
  t.match(key.publicKey, /^[A-Z2-7]{52}$/);
  t.match(key.privateKey, /^[A-Z2-7]{52}$/);
  t.not(key.publicKey, key.privateKey);
  await addClient(folder, { name: name('anna'), publicKey: key.publicKey });
  const file = path.join(folder, 'authorized_clients', 'anna.auth');
  t.equal(readFileSync(file, 'utf8'), `descriptor:x25519:${key.publicKey}\n`);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.equal(statSync(path.dirname(file)).mode & 0o777, 0o700);
  t.strictSame(readdirSync(path.dirname(file)), ['anna.auth'], 'nothing unfinished is left');
  t.strictSame(await listClients(folder), { valid: [{ name: 'anna', publicKey: key.publicKey }], invalid: [] });
});

test.test('the last valid key cannot be removed', async (t) => {
  const folder = t.testdir();
  await addClient(folder, { name: name('anna'), publicKey: issueClientKey().publicKey });
  await t.rejects(removeClient(folder, name('anna')), { name: 'TorFault', message: 'anna is the last key' });
  await addClient(folder, { name: name('ben'), publicKey: issueClientKey().publicKey });
  plant(folder, { 'broken.auth': 'descriptor:x25519:AAAA\n' });
  await removeClient(folder, name('anna'));
  await t.rejects(removeClient(folder, name('ben')), /last key/, 'an invalid file is not a key that could stay');
  await t.rejects(removeClient(folder, name('carl')), /no key named carl/);
  t.strictSame(
    (await listClients(folder)).valid.map((client) => client.name),
    ['ben'],
  );
});

test.test('a name that is taken is refused, never replaced', async (t) => {
  const folder = t.testdir();
  const key = issueClientKey();
  await addClient(folder, { name: name('anna'), publicKey: key.publicKey });
  await t.rejects(
    addClient(folder, { name: name('anna'), publicKey: issueClientKey().publicKey }),
    /named anna already/,
  );
  t.equal((await listClients(folder)).valid[0]?.publicKey, key.publicKey);
});

test.test('a service that tor would open to everybody is refused', async (t) => {
  const { publicKey } = issueClientKey();
  const good = `descriptor:x25519:${publicKey}\n`;
  await t.rejects(assertGuarded(t.testdir()), /has no client key/, 'no folder at all');
  await t.rejects(assertGuarded(plant(t.testdir(), {})), /has no client key/, 'an empty one');
  const wrong = {
    'short.auth': `descriptor:x25519:${publicKey.slice(1)}`,
    'long.auth': `descriptor:x25519:${publicKey}A`,
    'type.auth': good.replace('x25519', 'X25519'),
    'word.auth': good.replace('descriptor', 'basic'),
    'zero.auth': `descriptor:x25519:${'A'.repeat(52)}`,
    'bits.auth': `descriptor:x25519:${publicKey.slice(0, 51)}B`,
    'empty.auth': '',
    'two.auth': good + good,
    'private.auth': `service:descriptor:x25519:${publicKey}`,
    'key.txt': good,
    'UPPER.auth': good,
  };
  for (const [file, text] of Object.entries(wrong)) {
    await t.rejects(assertGuarded(plant(t.testdir(), { [file]: text })), /not a client key/, file);
    const beside = plant(t.testdir(), { [file]: text, 'anna.auth': good });
    await t.rejects(assertGuarded(beside), /not a client key/, `${file} beside a good one`);
  }
  await assertGuarded(plant(t.testdir(), { 'anna.auth': good }));
  await assertGuarded(plant(t.testdir(), { 'anna.auth': good.trimEnd().toLowerCase() }));
});

test.test('names and keys are taken in one form', (t) => {
  for (const text of ['a', '0', 'anna', 'a-b', 'a'.repeat(32)]) t.equal(parseClientName(text), text);
  for (const text of ['', '-a', 'Anna', 'a b', '../a', 'a.auth', 'a'.repeat(33), 'ä', 'a\n']) {
    t.equal(parseClientName(text), null, JSON.stringify(text));
  }
  const { publicKey } = issueClientKey();
  t.equal(parseClientPublicKey(publicKey.toLowerCase()), publicKey);
  for (const text of ['', publicKey.slice(1), `${publicKey}A`, `${publicKey}=`, ` ${publicKey}`]) {
    t.equal(parseClientPublicKey(text), null);
  }
  t.end();
});

test.test('the line for a client names the service without its ending', (t) => {
  const address = parseOnionAddress('pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd.onion')!;
  const line = clientAuthLine(address, 'KEY');
  t.equal(line, 'pg6mmjiyjmcrsslvykfwnntlaru7p5svn6y2ymmju6nubxndf4pscryd:descriptor:x25519:KEY');
  t.end();
});
