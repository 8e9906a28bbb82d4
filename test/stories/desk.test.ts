/** What a moderator does at the desk, over real HTTP, with the desk as the process that it is. */
import sharp from 'sharp';
import test from 'tap';
import { parseFileId } from '../../src/ledger/tokens.js';
import { openShareKey } from '../../src/moderation/staff-seal.js';
import { formOf, picture, postForm, scene, startAppliance, upload, type Appliance } from './appliance.js';
import { fileIdOf } from './staffed.js';
import { ALICE, deskOf, Moderator, queued, report, staffed } from './moderator.js';

async function opened(settings: Readonly<Record<string, string>> = {}): Promise<Appliance> {
  const appliance = await startAppliance({ desk: true, settings });
  await staffed(appliance);
  return appliance;
}

/** One for all: what a test leaves in the queue or the trail is another's noise. */
const appliance = await opened();
const { app, base } = appliance;
test.teardown(() => appliance.stop());

test.test('before there is a moderator the sign-in says how the first one is made', async (t) => {
  const empty = await startAppliance({ desk: true });
  t.teardown(() => empty.stop());
  const nobody = new Moderator(deskOf(empty));
  t.match((await nobody.get('/sign-in')).html, /chatpic staff add NAME/);
  t.equal((await nobody.signIn('alice', 'whatever it may be')).status, 403);
});

test.test('a report lets a moderator see exactly that share and no other', async (t) => {
  const photo = await picture(1);
  const reported = await upload(base, photo, { fields: { caption: 'the caption of it' }, name: 'mine.jpg' });
  const other = await upload(base, await picture(2), { fields: { caption: 'words of the other' } });
  const otherId = fileIdOf(appliance, other);
  const fileId = fileIdOf(appliance, reported);
  await report(base, reported.token, 'violence', `see ${reported.token} and ${other.token}`);

  const alice = await Moderator.signedIn(deskOf(appliance));
  t.ok(queued(await alice.get('/')).includes(fileId));
  t.notOk(queued(await alice.get('/')).includes(otherId), 'what nobody reported is not there');
  const blurred = await alice.get(`/case/${fileId}`);
  t.match(blurred.html, /violence or threats/);
  t.match(blurred.html, new RegExp(`see ${fileId} and ${otherId}`), 'links became file IDs');
  t.notMatch(blurred.html, new RegExp(`${reported.token}|${other.token}|the caption of it|mine.jpg`));
  const small = await sharp((await alice.bytes(`/case/${fileId}/blurred/1`)).body).metadata();
  t.ok(Math.max(small.width, small.height) <= 20, 'what comes before the press has few pixels');
  t.equal((await alice.bytes(`/case/${fileId}/item/1`)).status, 404, 'and nothing else comes');

  t.equal((await alice.post(`/case/${fileId}/see`)).status, 303);
  const clear = await alice.get(`/case/${fileId}`);
  t.match(clear.html, /the caption of it/);
  const shown = await alice.bytes(`/case/${fileId}/item/1`);
  const sent = Buffer.from(await (await fetch(`${base}/file/${reported.token}`)).arrayBuffer());
  t.ok(shown.body.equals(sent), 'it is what the link gives');
  t.match(shown.headers.get('content-security-policy'), /sandbox/);

  for (const path of [
    `/case/${otherId}`,
    `/case/${otherId}/blurred/1`,
    `/case/${otherId}/item/1`,
    '/case/cp-0000000000',
  ])
    t.equal((await alice.get(path)).status, 404, `${path} is not there`);
  t.equal((await alice.post(`/case/${otherId}/see`)).status, 404);
  t.match(
    (await alice.get('/trail')).html,
    new RegExp(`looked at <code>${fileId}`),
    'that it was seen is written down',
  );
});

test.test('the key of the staff opens nothing that was not flagged, whatever the door is asked', async (t) => {
  const flagged = await upload(base, null, { fields: { note: 'flagged words' } });
  const quiet = await upload(base, null, { fields: { note: 'quiet words' } });
  const [flaggedId, quietId] = [fileIdOf(appliance, flagged), fileIdOf(appliance, quiet)];
  await report(base, flagged.token, 'other');
  const { openHost } = await import('../../src/desk/host/host.js');
  const parts = { ...app.store, moderation: app.moderation, siteName: 'x', holdsBorderline: false, holdDays: 1 };
  const door = await openHost(parts);
  const signedIn = await app.moderation.accounts.signIn(ALICE.name, ALICE.passphrase, 0);
  if (signedIn.kind !== 'in') throw new Error('not signed in');
  t.equal(await door.case(quietId), null);
  t.equal(await door.readEvidence(quietId, 0, 1000), null, 'no ciphertext of it comes');
  const sealed = (await door.case(flaggedId))?.sealed;
  if (sealed === null || sealed === undefined) throw new Error('no evidence');
  t.ok(openShareKey(signedIn.privateKey, 'key', flaggedId, sealed.sealedKey));
  t.equal(openShareKey(signedIn.privateKey, 'key', quietId, sealed.sealedKey), null, 'a sealed key opens one share');
  const said = JSON.stringify([
    await door.queue(),
    await door.case(flaggedId),
    await door.state(),
    await door.letters(),
  ]);
  for (const secret of [flagged.token, quiet.token, quietId, flagged.deleteToken]) t.notMatch(said, secret);
  t.ok(app.store.ledger.findByFileId(parseFileId(quietId)!));
});

test.test('hostile caption, name and note stay text on the desk', async (t) => {
  const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>{{ view.fileId }}{% include "x" %}`;
  const shared = await upload(base, null, { fields: { note: evil, caption: evil } });
  const fileId = fileIdOf(appliance, shared);
  await report(base, shared.token, evil, evil);
  const form = new FormData();
  for (const [name, value] of Object.entries({ topic: evil, message: evil, reply: evil })) form.set(name, value);
  t.equal((await fetch(`${base}/contact`, { method: 'POST', body: form })).status, 200);
  const alice = await Moderator.signedIn(deskOf(appliance));
  await alice.get(`/case/${fileId}`);
  await alice.post(`/case/${fileId}/see`);
  const letter = /\/letter\/[0-9a-z]+/.exec((await alice.get('/letters')).html)?.[0] ?? '';
  for (const path of [
    '/',
    `/case/${fileId}`,
    '/letters',
    letter,
    `/case/${encodeURIComponent(evil)}`,
    `/trail?before=${evil}`,
  ]) {
    const { html, headers } = await alice.get(path);
    t.notMatch(html, /<script|<img src=x/i, path);
    t.match(headers.get('content-security-policy'), /default-src 'none'/);
  }
  t.match((await alice.get(letter)).html, /&lt;script&gt;/, 'it is shown as it was typed');
  const bytes = await alice.bytes(`/case/${fileId}/item/1`);
  t.match(bytes.headers.get('content-security-policy'), /sandbox/);
  t.match(bytes.headers.get('content-type'), /text\/plain/);
});

test.test('remove: the link is dead when the page answers; keep: nothing is done to it', async (t) => {
  const bad = await upload(base, null, { fields: { note: 'bad' } });
  const good = await upload(base, null, { fields: { note: 'good' } });
  const [badId, goodId] = [fileIdOf(appliance, bad), fileIdOf(appliance, good)];
  await report(base, good.token, 'minors');
  await report(base, bad.token, 'copyright');
  const alice = await Moderator.signedIn(deskOf(appliance));
  const both = queued(await alice.get('/')).filter((fileId) => fileId === goodId || fileId === badId);
  t.strictSame(both, [goodId, badId], 'the gravest first');
  t.equal((await alice.post(`/case/${badId}/decide`, { decision: 'remove' })).status, 303);
  t.equal((await fetch(bad.url)).status, 404);
  await alice.post(`/case/${goodId}/decide`, { decision: 'keep' });
  t.equal(await (await fetch(good.fileUrl)).text(), 'good');
  const after = await alice.get('/');
  t.notOk(queued(after).some((fileId) => fileId === goodId || fileId === badId));
  t.match(after.html, new RegExp(`${goodId} stays`));
  t.equal((await alice.get(`/case/${badId}`)).status, 404);
  t.match((await alice.get('/figures')).html, /Removed after a report<\/dt><dd>1</);
  const { html } = await alice.get('/trail');
  t.match(html, new RegExp(`removed <code>${badId}`));
  t.match(html, new RegExp(`kept <code>${goodId}`));
});

test.test('remove and ban: the same picture, made smaller and recompressed, is refused again', async (t) => {
  const photo = await scene(5);
  const shared = await upload(base, photo);
  const fileId = fileIdOf(appliance, shared);
  await report(base, shared.token, 'intimate');
  const alice = await Moderator.signedIn(deskOf(appliance));
  await alice.get(`/case/${fileId}`);
  t.equal((await alice.post(`/case/${fileId}/decide`, { decision: 'ban' })).status, 303);
  t.equal((await fetch(shared.url)).status, 404);
  for (const bytes of [photo, await sharp(photo).resize(400).jpeg({ quality: 60 }).toBuffer()])
    t.equal((await postForm(base, formOf(bytes))).status, 422);
  t.equal((await postForm(base, formOf(await scene(6)))).status, 201);
  const lists = await alice.get('/lists');
  t.match(lists.html, /1 picture by look, 1 file by digest/);
  const hashes = [...lists.html.matchAll(/<small>(look|file)<\/small> <code>([0-9a-f]{64})/g)];
  for (const [, kind, hash = ''] of hashes)
    await alice.post('/lists/lift', { kind: kind === 'look' ? 'pdq' : 'sha256', hash });
  t.equal((await postForm(base, formOf(photo))).status, 201, 'a ban that was lifted holds no more');
});

test.test('what was held at upload is served once it is released', async (t) => {
  const holding = await opened({ CHATPIC_BORDERLINE: 'hold', CHATPIC_CLASSIFIER: '/nonexistent/model.onnx' });
  t.teardown(() => holding.stop());
  const base = holding.app.address;
  const photo = await scene(9);
  const alice = await Moderator.signedIn(deskOf(holding));
  t.match((await alice.get('/')).html, /role="alert">The classifier fails: the card beside its model is missing/);
  const { createHash } = await import('node:crypto');
  const listed = await shareDigest(base, photo);
  const form = new FormData();
  for (const [name, value] of Object.entries({
    form: alice.token,
    name: 'doubtful',
    reason: 'other',
    action: 'review',
    untyped: 'sha256',
  }))
    form.set(name, value);
  form.set('file', new Blob([`${listed}\n${createHash('sha256').update(photo).digest('hex')}\n`]), 'list.txt');
  const taken = await alice.postForm('/lists', form);
  t.equal(taken.status, 200);
  t.match(taken.html, /The list doubtful is in use/);
  const shared = await upload(base, photo);
  t.equal((await fetch(shared.url)).status, 404, 'held');
  const [fileId = ''] = queued(await alice.get('/'));
  t.match((await alice.get(`/case/${fileId}`)).html, /on a list that asks for review/);
  await alice.post(`/case/${fileId}/see`);
  t.equal((await alice.bytes(`/case/${fileId}/item/1`)).status, 200);
  await alice.post(`/case/${fileId}/decide`, { decision: 'keep' });
  t.equal((await fetch(shared.url)).status, 200, 'released');
  t.match((await alice.get('/figures')).html, /Held, then released<\/dt><dd>1</);
});

test.test('removal by file ID needs no look and no report', async (t) => {
  const shared = await upload(base, null, { fields: { note: 'quiet' } });
  const fileId = fileIdOf(appliance, shared);
  const alice = await Moderator.signedIn(deskOf(appliance));
  const { html } = await alice.post('/remove', { ids: `please remove ${fileId}, and cp-0000000000` });
  t.match(html, new RegExp(`${fileId}</code><span>removed`));
  t.match(html, /cp-0000000000<\/code><span>is not there/);
  t.equal((await fetch(shared.url)).status, 404);
  t.equal((await alice.post('/remove', { ids: shared.token })).status, 400, 'links are not taken');
});

/** The digest of what is shared of a picture. */
async function shareDigest(base: string, bytes: Buffer): Promise<string> {
  return /sha256: ([0-9a-f]{64})/.exec((await upload(base, bytes)).text)?.[1] ?? '';
}
