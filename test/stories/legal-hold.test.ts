/** Removed, and preserved under legal hold: dead at once, opened by nobody here, carried to the offline key, ended. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import test, { type Test } from 'tap';
import { DAY, HOUR } from '../../src/base/units.js';
import { openShareKey, sealShareKey } from '../../src/moderation/staff-seal.js';
import { MAIN } from '../recovery/process.js';
import { picture, upload, type Appliance } from './appliance.js';
import { chatpic, type Said } from './chatpic.js';
import { fileIdOf, report, seenByStaff, staffed, type Staffed } from './staffed.js';

/** What the desk does: opens the key with the staff's and seals it to the offline one. */
async function preserve({ app, privateKey }: Staffed, fileId: string, until: number): Promise<boolean> {
  const { moderation } = app;
  const evidence = moderation.openEvidence(fileId);
  const key = openShareKey(privateKey, 'key', fileId, evidence?.sealedKey ?? Buffer.alloc(0));
  evidence?.close();
  const offline = moderation.preserved.offlineKey() ?? Buffer.alloc(32, 9);
  const sealedKey = sealShareKey(offline, 'preserved', fileId, key ?? Buffer.alloc(32));
  return moderation.preserve({ fileId, sealedKey, until });
}

async function offlineKey(t: Test, { dir }: Appliance): Promise<{ file: string; publicKey: string }> {
  const file = path.join(dir, 'offline.key');
  const made = await chatpic(dir, 'staff', 'offline-key', 'make', '--out', file);
  t.equal(made.code, 0);
  t.equal((await stat(file)).mode & 0o777, 0o600);
  t.equal((await chatpic(dir, 'staff', 'offline-key', 'make', '--out', file)).code, 1, 'never over another one');
  return { file, publicKey: made.out.trim() };
}

test.test('a reported picture is removed and preserved, and opened where the offline key is', async (t) => {
  const here = await staffed(t);
  const { dir } = here;
  const free = here.app.store.arena.capacity().free;
  const photo = await picture(5);
  const shared = await upload(here.base, photo, { fields: { caption: 'words', expiry: 'never' } });
  const other = await upload(here.base, null, { fields: { note: 'not reported' } });
  const fileId = fileIdOf(here, shared);
  t.equal(await report(here, shared), true);
  const until = here.app.store.ledger.now() + 30 * DAY;
  await t.rejects(preserve(here, fileId, until), { code: 'forbidden' }, 'without an offline key');
  t.ok(await seenByStaff(here, fileId), 'and the case is in the queue still');

  const { file, publicKey } = await offlineKey(t, here);
  t.notOk((await readFile(file, 'latin1')).includes(publicKey));
  await here.app.moderation.preserved.setOfflineKey(Buffer.from(publicKey, 'base64'));
  t.strictSame(await Promise.all([1, 2].map(() => preserve(here, fileId, until))), [true, false], 'by one of two');
  t.equal((await fetch(`${here.base}/view/${shared.token}`)).status, 404, 'the link is dead at once');
  t.equal(await seenByStaff(here, fileId), null, 'the staff see it no more');
  t.equal(here.app.moderation.queue().length, 0);
  const [hold] = here.app.moderation.preserved.all();
  for (const purpose of ['key', 'preserved'] as const)
    t.equal(openShareKey(here.privateKey, purpose, fileId, hold!.sealedKey), null);
  t.equal(await preserve(here, fileIdOf(here, other), until), false, 'what was not flagged is not preserved');

  here.clock.forward(73 * HOUR);
  await here.restart();
  await here.app.moderation.sweep(here.app.store.ledger.now());
  await here.app.store.roll();
  await here.app.close(0);
  const listed = await chatpic(dir, 'staff', 'hold', 'list', '--json');
  t.match(JSON.parse(listed.out), { holds: [{ fileId }], units: { held: 1 } });
  const bundle = path.join(dir, 'hold.bin');
  t.equal((await chatpic(dir, 'staff', 'hold', 'export', fileId, '--out', bundle)).code, 0);
  t.notOk((await readFile(bundle)).includes(photo.subarray(100, 200)), 'sealed');
  const offline = path.join(dir, 'offline');
  const wrong = path.join(dir, 'wrong.key');
  await chatpic(dir, 'staff', 'offline-key', 'make', '--out', wrong);
  const refused = await chatpic(offline, 'staff', 'hold', 'open', bundle, '--key', wrong, '--out', offline);
  t.match(refused, { code: 1, errors: 'it is sealed to another key.\n' });
  const opened = await chatpic(offline, 'staff', 'hold', 'open', bundle, '--key', file, '--out', offline);
  t.equal(opened.code, 0, opened.errors);
  t.ok((await readFile(path.join(offline, '1-photo.jpg'))).equals(photo));
  t.equal(await readFile(path.join(offline, 'caption.txt'), 'utf8'), 'words');

  await here.restart();
  here.clock.forward(30 * DAY);
  await here.app.moderation.sweep(here.app.store.ledger.now());
  t.equal(here.app.moderation.preserved.all().length, 0, 'it ends by itself');
  t.equal(here.app.moderation.openPreserved(fileId), null);
  here.app.store.ledger.sweepExpired();
  await here.app.store.roll();
  t.equal(here.app.store.arena.capacity().free, free);
});

test.test('a hold is ended by the operator; wrong names, files and keys are refused in a sentence', async (t) => {
  const here = await staffed(t);
  const { dir } = here;
  const shared = await upload(here.base, null, { fields: { note: 'words' } });
  const fileId = fileIdOf(here, shared);
  await report(here, shared);
  const { file, publicKey } = await offlineKey(t, here);
  await here.app.close(0);
  t.match(await chatpic(dir, 'staff', 'offline-key', 'set', 'nonsense'), { code: 1, errors: /32 bytes in Base64/ });
  t.equal((await chatpic(dir, 'staff', 'offline-key', 'set', publicKey)).code, 0);
  await here.restart();
  t.equal(await preserve(here, fileId, here.app.store.ledger.now() + DAY), true);
  await here.app.close(0);
  t.equal((await chatpic(dir, 'staff', 'hold', 'end', fileId)).code, 2, 'not without --yes');
  t.equal((await chatpic(dir, 'staff', 'hold', 'end', fileId, '--yes')).code, 0);
  t.match(await chatpic(dir, 'staff', 'hold', 'end', fileId, '--yes'), { code: 1, errors: /nothing is held/ });
  t.match(await chatpic(dir, 'staff', 'hold', 'list'), { code: 0, out: '', errors: /take 0 of the 12 units/ });
  const open = (bundle: string, key: string): Promise<Said> =>
    chatpic(dir, 'staff', 'hold', 'open', bundle, '--key', key, '--out', path.join(dir, 'x'));
  t.match(await open(file, file), { code: 1, errors: 'that is no exported legal hold.\n' });
  t.match(await open(file, MAIN), { code: 1, errors: /no private half/ });
  t.match(await open(path.join(dir, 'none'), file), { code: 1, errors: /ENOENT/ });
  await here.restart();
});
