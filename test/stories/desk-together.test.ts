/** Several moderators at one desk, letters from form to answer, and legal hold. */
import test from 'tap';
import { DAY, HOUR } from '../../src/base/units.js';
import { CONTEXT } from '../../src/crypto/labels.js';
import { generateHpkeKeyPair } from '../../src/crypto/hpke.js';
import { openStream } from '../../src/crypto/stream.js';
import { openShareKey } from '../../src/moderation/staff-seal.js';
import { startAppliance, upload } from './appliance.js';
import { BOB, deskOf, Moderator, queued, report, staffed, type Shown } from './moderator.js';
import { fileIdOf } from './staffed.js';

const appliance = await startAppliance({ desk: true });
const moderation = await staffed(appliance);
const { base, clock } = appliance;
test.teardown(() => appliance.stop());
const alice = await Moderator.signedIn(deskOf(appliance));
await alice.post('/accounts', { ...BOB, again: BOB.passphrase, known: 'no' });
const bob = await Moderator.signedIn(deskOf(appliance), BOB);

async function reported(note: string, fields: Readonly<Record<string, string>> = {}): Promise<[string, string]> {
  const shared = await upload(base, null, { fields: { note, ...fields } });
  await report(base, shared.token, 'violence');
  return [fileIdOf(appliance, shared), shared.fileUrl];
}

test.test('what one moderator has taken is not another\u2019s to look at or decide, unless taken over', async (t) => {
  const [fileId] = await reported('between two');
  t.equal((await alice.post(`/case/${fileId}/see`)).status, 303);
  t.match((await bob.get('/')).html, /with alice/);
  const { html } = await bob.get(`/case/${fileId}`);
  t.match(html, /alice has taken this/);
  t.notMatch(html, /name="decision"/);
  for (const act of ['see', 'decide']) {
    const refused = await bob.post(`/case/${fileId}/${act}`, { decision: 'remove' });
    t.equal(refused.status, 403);
    t.match(refused.html, /Alice has taken this/);
  }
  await bob.get(`/case/${fileId}`);
  t.equal((await bob.post(`/case/${fileId}/take`)).status, 303);
  t.match((await alice.get(`/case/${fileId}`)).html, /bob has taken this/);
  await bob.post(`/case/${fileId}/decide`, { decision: 'keep' });
  t.equal((await alice.get(`/case/${fileId}`)).status, 404, 'decided');
});

test.test('of two who decide at the same moment one does, and the trail has one entry', async (t) => {
  const [fileId, url] = await reported('twice at once');
  const second = await Moderator.signedIn(deskOf(appliance));
  const decided = await Promise.all([
    alice.post(`/case/${fileId}/decide`, { decision: 'remove' }),
    second.post(`/case/${fileId}/decide`, { decision: 'keep' }),
    alice.post(`/case/${fileId}/decide`, { decision: 'remove' }),
  ]);
  t.strictSame(new Set(decided.map(({ status }) => status)), new Set([303]));
  const { html } = await alice.get('/trail');
  t.equal(html.split(`<code>${fileId}</code>`).length - 1, 1);
  const removed = html.includes(`removed <code>${fileId}`);
  t.equal((await fetch(url)).status, removed ? 404 : 200, 'the trail says what was done');
});

test.test('what was reported can be seen after its link has died', async (t) => {
  const [fileId, url] = await reported('burned words', { expiry: 'burn' });
  t.equal(await (await fetch(url, { method: 'POST' })).text(), 'burned words');
  t.equal((await fetch(url, { method: 'POST' })).status, 404);
  const { html } = await alice.get(`/case/${fileId}`);
  t.match(html, /dead: expired, burned or deleted/);
  await alice.post(`/case/${fileId}/see`);
  t.match((await alice.get(`/case/${fileId}`)).html, /burned words/);
  await alice.post(`/case/${fileId}/decide`, { decision: 'keep' });
  t.equal((await alice.bytes(`/case/${fileId}/item/1`)).status, 404, 'with the case goes what was held');
});

test.test('after 72 hours nothing of it is held, and it can be kept or removed unseen', async (t) => {
  const [fileId, url] = await reported('held for three days', { expiry: '1w' });
  await alice.post(`/case/${fileId}/see`);
  clock.forward(72 * HOUR);
  t.equal((await alice.bytes(`/case/${fileId}/item/1`)).status, 404, 'not even where it was open');
  const { html } = await alice.get(`/case/${fileId}`);
  t.match(html, /Its content is not held/);
  t.notMatch(html, /value="ban"/);
  t.equal((await alice.post(`/case/${fileId}/decide`, { decision: 'ban' })).status, 404);
  await alice.post(`/case/${fileId}/decide`, { decision: 'remove' });
  t.equal((await fetch(url)).status, 404);
});

test.test('legal hold: the link is dead at once, nobody here sees it again, the offline key does', async (t) => {
  const [fileId, url] = await reported('words for a court');
  const without = await alice.get(`/case/${fileId}`);
  t.notMatch(without.html, /value="preserve"/, 'no button without an offline key');
  t.equal((await alice.post(`/case/${fileId}/decide`, { decision: 'preserve', days: '30' })).status, 403);
  const offline = generateHpkeKeyPair();
  await moderation.preserved.setOfflineKey(offline.publicKey);
  t.match((await alice.get(`/case/${fileId}`)).html, /value="preserve"/);
  for (const days of ['', '0', '-1', '1.5', '99999', 'x'])
    t.equal((await alice.post(`/case/${fileId}/decide`, { decision: 'preserve', days })).status, 400, days);
  t.equal((await fetch(url)).status, 200, 'nothing was done so far');
  t.equal((await alice.post(`/case/${fileId}/decide`, { decision: 'preserve', days: '30' })).status, 303);
  t.equal((await fetch(url)).status, 404);
  t.equal((await alice.get(`/case/${fileId}`)).status, 404);
  const kept = moderation.openPreserved(fileId);
  const key = openShareKey(offline.privateKey, 'preserved', fileId, kept?.sealedKey ?? Buffer.alloc(80));
  if (kept === null || key === null) throw new Error('not kept');
  const stream = await openStream(key, CONTEXT.share, kept.content);
  t.match((await stream?.read(0, 4096))?.toString('latin1'), /words for a court/);
  stream?.close();
  kept.close();
  clock.forward(30 * DAY);
  await moderation.preserved.sweep(appliance.app.store.ledger.now());
  t.equal(moderation.openPreserved(fileId), null, 'and goes when its time is over');
});

test.test('a takedown goes from form to answer, with its clock, and the overdue stand first', async (t) => {
  const shared = await upload(base, null, { fields: { note: 'somebody\u2019s song', expiry: '1w' } });
  const fileId = fileIdOf(appliance, shared);
  const sent = async (work: string, links: string): Promise<string> => {
    const fields = { links, work, name: 'N. N.', contact: 'n@example.org', goodFaith: 'yes', accurate: 'yes' };
    const headers = { Accept: 'application/json' };
    const response = await fetch(`${base}/takedown`, { method: 'POST', body: new URLSearchParams(fields), headers });
    return ((await response.json()) as { reference: string }).reference;
  };
  const late = await sent('the first', `${shared.url} and cp-0000000000`);
  clock.forward(47 * HOUR);
  const soon = await sent('the second', shared.url);
  clock.forward(2 * HOUR);
  const at = await Moderator.signedIn(deskOf(appliance));
  const { html } = await at.get('/letters');
  t.match(html, /1 letter<\/a>|1 letter overdue/);
  t.ok(html.indexOf(late) < html.indexOf(soon), 'the overdue stands first');
  t.match(html, /1 hour overdue/);
  t.match(html, /due in 4[56] hours/);

  const letter = await at.get(`/letter/${late}`);
  t.match(letter.html, /n@example.org/);
  t.notMatch(letter.html, new RegExp(shared.token), 'no link reaches the staff');
  t.match(letter.html, new RegExp(`name="remove" value="${fileId}" checked`));
  t.match(letter.html, /cp-0000000000<\/code> is not there/);
  t.equal((await at.post(`/letter/${late}/answer`, { outcome: 'nonsense' })).status, 400);
  t.equal((await at.post(`/letter/${late}/answer`, { outcome: 'granted', remove: fileId })).status, 303);
  t.equal((await fetch(shared.url)).status, 404);
  const answered = await at.get(`/letter/${late}`);
  t.match(answered.html, new RegExp(`Your notice ${late} of .* the files ${fileId}, cp-0000000000 have been removed`));
  t.notMatch(answered.html, /name="outcome"/);
  await at.post(`/letter/${soon}/answer`, { outcome: 'refused', remove: fileId });
  await at.post(`/letter/${soon}/answer`, { outcome: 'granted' });
  t.match((await at.get(`/letter/${soon}`)).html, /Refused 20/, 'the first answer stands');
  const figures = (await at.get('/figures')).html;
  for (const [row, count] of [
    ['Takedown notices received', 2],
    ['Takedown notices granted', 1],
    ['Takedown notices refused', 1],
    ['Answered after 48 hours', 1],
  ])
    t.match(figures, new RegExp(`${row}</dt><dd>${count}<`));
  const trail = (await at.get('/trail')).html;
  for (const did of [`granted the notice <code>${late}`, `refused the notice <code>${soon}`, `file ID <code>${fileId}`])
    t.match(trail, new RegExp(did));
  clock.forward(91 * DAY);
  await moderation.sweep(appliance.app.store.ledger.now());
  t.equal((await at.get(`/letter/${late}`)).status, 404, 'answered letters go after 90 days');
});

test.test('a message is answered, and only one of two writes it down', async (t) => {
  const body = new URLSearchParams({ topic: 'question', message: 'is anybody there?', reply: 'me@example.org' });
  t.equal((await fetch(`${base}/contact`, { method: 'POST', body })).status, 200);
  const one = await Moderator.signedIn(deskOf(appliance));
  const two = await Moderator.signedIn(deskOf(appliance), BOB);
  const path = /\/letter\/[0-9a-z]+/.exec((await one.get('/letters')).html)?.[0] ?? '';
  await one.post(`${path}/take`);
  t.match((await two.get(path)).html, /alice has taken this/);
  t.equal((await two.post(`${path}/answer`, { outcome: 'answered' })).status, 403);
  t.equal((await one.post(`${path}/answer`, { outcome: 'answered' })).status, 303);
  t.strictSame(letters(await two.get('/letters')), []);
  t.strictSame(queued(await two.get('/')), []);
});

test.test('an authority and a counter-notice have their own texts, and count as what they are', async (t) => {
  const at = await Moderator.signedIn(deskOf(appliance));
  const figures = async (): Promise<string[]> => {
    const rows = ['Takedown notices granted', 'Requests of authorities answered'];
    const { html } = await at.get('/figures');
    return rows.map((row) => new RegExp(`${row}</dt><dd>(\\d+)`).exec(html)?.[1] ?? '');
  };
  const [granted, answered] = await figures();
  const sent = async (kind: string): Promise<string> => {
    const asked = { links: 'cp-0000000000', work: 'of work', name: 'N. N.', contact: 'n@example.org' };
    const body = new URLSearchParams({ kind, ...asked, goodFaith: 'yes', accurate: 'yes' });
    const response = await fetch(`${base}/takedown`, { method: 'POST', body, headers: { Accept: 'application/json' } });
    return `/letter/${((await response.json()) as { reference: string }).reference}`;
  };
  const [authority, counter] = [await sent('authority'), await sent('counter-notice')];
  t.match((await at.get(authority)).html, /Request of an authority.*We hold no addresses, accounts or logs/s);
  t.match((await at.get(counter)).html, /Counter-notice.*What was removed can&#39;t be restored/s);
  await at.post(`${authority}/answer`, { outcome: 'answered' });
  await at.post(`${counter}/answer`, { outcome: 'granted' });
  t.strictSame(await figures(), [granted, String(Number(answered) + 1)]);
});

function letters({ html }: Shown): string[] {
  return [...html.matchAll(/href="\/letter\/([0-9a-z]{10})"/g)].map(([, reference]) => reference ?? '');
}
