import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';
import { openServiceFolder, readServiceAddress, rotateServiceFolder } from '../../src/tor/service-folder.js';

const mode = (file: string): number => statSync(file).mode & 0o777;

test.test('a new folder has the files and modes that tor asks for', async (t) => {
  const folder = path.join(t.testdir(), 'deep', 'senders');
  t.equal(await readServiceAddress(folder), null);
  const address = await openServiceFolder(folder);
  t.strictSame(readdirSync(folder).sort(), ['hostname', 'hs_ed25519_public_key', 'hs_ed25519_secret_key']);
  t.equal(readFileSync(path.join(folder, 'hostname'), 'utf8'), `${address}\n`);
  t.equal(readFileSync(path.join(folder, 'hs_ed25519_secret_key')).length, 96);
  t.equal(readFileSync(path.join(folder, 'hs_ed25519_public_key')).length, 64);
  for (const file of readdirSync(folder)) t.equal(mode(path.join(folder, file)), 0o600, file);
  t.equal(mode(folder), 0o700);
});

test.test('the same address comes back every time, and a loose mode is tightened', async (t) => {
  const folder = path.join(t.testdir(), 'senders');
  const address = await openServiceFolder(folder);
  const secret = readFileSync(path.join(folder, 'hs_ed25519_secret_key'));
  chmodSync(folder, 0o755);
  t.equal(await openServiceFolder(folder), address);
  t.equal(await readServiceAddress(folder), address);
  t.strictSame(readFileSync(path.join(folder, 'hs_ed25519_secret_key')), secret);
  t.equal(mode(folder), 0o700);
});

test.test('an address is never replaced by a new one because a file is missing or spoilt', async (t) => {
  const root = t.testdir();
  const lost = path.join(root, 'lost');
  await openServiceFolder(lost);
  rmSync(path.join(lost, 'hs_ed25519_public_key'));
  await t.rejects(openServiceFolder(lost), { name: 'TorFault', message: /holds files but no onion key/ });
  for (const length of [0, 1, 63, 65, 128]) {
    const spoilt = path.join(root, `spoilt-${length}`);
    mkdirSync(spoilt);
    writeFileSync(path.join(spoilt, 'hs_ed25519_public_key'), Buffer.alloc(length));
    await t.rejects(openServiceFolder(spoilt), { name: 'TorFault' });
    t.equal(readFileSync(path.join(spoilt, 'hs_ed25519_public_key')).length, length, 'and is left as it was');
  }
});

test.test('what a crash left half made is made again', async (t) => {
  const folder = path.join(t.testdir(), 'senders');
  mkdirSync(`${folder}.new`);
  writeFileSync(path.join(`${folder}.new`, 'hs_ed25519_secret_key'), 'half');
  const address = await openServiceFolder(folder);
  t.equal(await readServiceAddress(folder), address);
  t.strictSame(readdirSync(path.dirname(folder)), ['senders']);
});

test.test('rotation keeps the old address beside the new one', async (t) => {
  const root = t.testdir();
  const [folder, previous] = [path.join(root, 'senders'), path.join(root, 'previous')];
  const old = await openServiceFolder(folder);
  const fresh = await rotateServiceFolder(folder, previous);
  t.not(fresh, old);
  t.equal(await readServiceAddress(folder), fresh);
  t.equal(await readServiceAddress(previous), old);
  await t.rejects(rotateServiceFolder(folder, previous), /still holds an older address/);
  t.equal(await readServiceAddress(folder), fresh);
});
