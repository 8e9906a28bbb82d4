import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { staffOnion } from '../../src/cli/staff-onion.js';
import { addClient, assertGuarded, issueClientKey, parseClientName } from '../../src/tor/client-auth.js';
import { torFolder } from '../../src/tor/tor-folder.js';

test.test('the desk has an onion service once somebody has a key to it, and never without', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'staff-onion-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  const folder = torFolder(root);
  t.equal(await staffOnion(folder), null);
  mkdirSync(path.join(folder.staff, 'authorized_clients'), { recursive: true });
  t.equal(await staffOnion(folder), null, 'an empty folder would open it to everybody');
  rmSync(folder.staff, { recursive: true });

  const { openServiceFolder } = await import('../../src/tor/service-folder.js');
  const address = await openServiceFolder(folder.staff);
  const name = parseClientName('alice');
  if (name === null) throw new Error('no name');
  await addClient(folder.staff, { name, publicKey: issueClientKey().publicKey });
  const onion = await staffOnion(folder);
  t.equal(onion?.origin, `http://${address}`);
  t.match(onion?.service, { socket: folder.deskSocket, guarded: true, circuitIds: false, folder: folder.staff });
  await assertGuarded(folder.staff);

  writeFileSync(path.join(folder.staff, 'authorized_clients', 'alice.auth'), 'descriptor:x25519:nonsense\n');
  t.ok((await staffOnion(folder))?.service.guarded, 'with a key that is none it is not left out in silence');
  await t.rejects(assertGuarded(folder.staff), /not a client key/, 'but refused');
});
