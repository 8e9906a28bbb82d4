import sharp from 'sharp';
import test from 'tap';
import { bannedContent } from '../../src/moderation/ban.js';
import { SPACE } from '../../src/moderation/book.js';
import { Cases } from '../../src/moderation/cases.js';
import { openShareKey, openText } from '../../src/moderation/staff-seal.js';
import { Notices } from '../../src/moderation/notices.js';
import { startDecoder } from '../../src/media/decoder/decoder.js';
import { bufferSource } from '../../src/base/source.js';
import { sha256 } from '../../src/crypto/hash.js';
import { deriveShareKey } from '../../src/crypto/share-key.js';
import { parseLinkToken } from '../../src/ledger/tokens.js';
import { Moderation } from '../../src/moderation/moderation.js';
import { formOf, picture, postForm, scene, startAppliance, upload, type Appliance } from './appliance.js';

const STAFF = { name: 'alice', passphrase: 'correct horse battery staple' };

/** A second door on the same ledger: what the operator's tool would open while the appliance stands still. */
function openModeration({ app }: Appliance): Promise<Moderation> {
  return Moderation.open(app.store);
}

test.test(
  'a banned picture is refused after it was resized and recompressed, and nothing of it is kept but the count',
  async (t) => {
    const appliance = await startAppliance();
    t.teardown(() => appliance.stop());
    const { base } = appliance;
    const photo = await scene(1);
    const shared = await upload(base, photo);
    const decoder = startDecoder({ children: 1, warm: 0 });
    const { luma } = await decoder.decode(bufferSource(photo), 'image/jpeg', { luma: true });
    await decoder.close();
    const operator = await openModeration(appliance);
    await operator.lists.ban(await bannedContent(luma === null ? [] : [luma], [sha256(photo)]));
    await appliance.restart();
    const again = await sharp(photo).resize(400).jpeg({ quality: 60 }).toBuffer();
    const free = appliance.app.store.arena.capacity().free;
    const live = appliance.app.store.ledger.live;
    for (const bytes of [photo, again, await sharp(photo).flop().png().toBuffer()]) {
      const response = await postForm(appliance.base, formOf(bytes));
      t.equal(response.status, 422);
      t.match(await response.text(), /blocked/);
    }
    t.equal(appliance.app.store.arena.capacity().free, free);
    t.equal(appliance.app.store.ledger.live, live);
    const counted = await openModeration(appliance);
    t.equal(counted.counters.exact('blockedAtUpload', appliance.app.store.ledger.now()), 3);
    t.equal((await postForm(appliance.base, formOf(await scene(2)))).status, 201, 'another picture is shared');
    t.ok(shared.token !== '');
  },
);

/** Every book of moderation, to the byte. */
function everything({ app }: Appliance): string[] {
  return Object.values(SPACE).flatMap((space) =>
    app.store.ledger
      .book(space)
      .entries()
      .map(({ key, value }) => `${space} ${key.toString('hex')} ${sha256(value).toString('hex')}`),
  );
}

test.test('a clear upload leaves no trace in the books', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const entries = (): number[] =>
    Object.values(SPACE).map((space) => appliance.app.store.ledger.book(space).entries().length);
  const before = entries();
  await upload(appliance.base, await picture(3));
  await upload(appliance.base, null, { fields: { note: 'words' } });
  t.strictSame(entries(), before);

  // Where there is something to look up, digests and hashes are made; none of them stays.
  const { lists } = appliance.app.moderation;
  const photo = await scene(7);
  await lists.ban({ looks: [], sha256: [sha256('something else')] });
  const decoder = startDecoder({ children: 1, warm: 0 });
  const { luma } = await decoder.decode(bufferSource(photo), 'image/jpeg', { luma: true });
  await decoder.close();
  await lists.ban(await bannedContent(luma === null ? [] : [luma], []));
  const banned = everything(appliance);
  for (const seed of [8, 9]) await upload(appliance.base, await scene(seed));
  t.strictSame(everything(appliance), banned);
  t.equal((await postForm(appliance.base, formOf(photo))).status, 422, 'and it was looked up');
});

test.test(
  'a report lets the staff see exactly that share, uses nothing up, and a flood of reports is one',
  async (t) => {
    const appliance = await startAppliance();
    t.teardown(() => appliance.stop());
    const { base } = appliance;
    const { ledger, arena } = appliance.app.store;
    const operator = await openModeration(appliance);
    await operator.accounts.createFirst(STAFF.name, STAFF.passphrase, ledger.now());
    const reported = await upload(base, null, { fields: { note: 'reported words', expiry: 'burn' } });
    const other = await upload(base, null, { fields: { note: 'other words' } });
    const locked = await upload(base, null, { fields: { note: 'locked words', passphrase: 'p' } });
    const report = (token: string): Promise<Response> =>
      fetch(`${base}/report/${token}`, {
        method: 'POST',
        body: new URLSearchParams({ reason: 'violence', details: `see <script> ${token} ${other.token}` }),
        headers: { Accept: 'application/json' },
      });
    const answers = await Promise.all(Array.from({ length: 10 }, () => report(reported.token)));
    for (const answer of answers) t.match(await answer.json(), { evidence: true });
    t.match(await (await report(locked.token)).json(), { evidence: false }, 'a passphrase keeps it from the staff');
    const page = await fetch(`${base}/report/${other.token}`, { headers: { Accept: 'text/html' } });
    t.match(await page.text(), /Report to the moderators/);

    const signedIn = await operator.accounts.signIn(STAFF.name, STAFF.passphrase, ledger.now());
    if (signedIn.kind !== 'in') throw new Error('not signed in');
    const cases = new Cases({
      ledger,
      isPreserved: () => false,
      staffKey: operator.accounts.publicKey() ?? Buffer.alloc(32),
      arenaUnits: () => arena.capacity().total,
    });
    t.equal(cases.queue().length, 2, 'ten reports of one share are one case');
    const link = parseLinkToken(reported.token);
    const share = link === null ? null : ledger.find(link);
    const item = cases.get(share?.fileId ?? '');
    const key = openShareKey(
      signedIn.privateKey,
      'key',
      share?.fileId ?? '',
      item?.evidence?.sealedKey ?? Buffer.alloc(0),
    );
    const secret = share === null ? null : ledger.secretOf(share);
    t.ok(
      secret !== null && key?.equals(await deriveShareKey(reported.token, null, secret)),
      'the sealed key is that share\u2019s',
    );
    for (const fileId of cases.queue().map((one) => one.fileId)) {
      if (fileId !== share?.fileId) t.equal(cases.get(fileId)?.evidence, null);
    }
    const note = openText(signedIn.privateKey, share?.fileId ?? '', item?.notes[0] ?? Buffer.alloc(0));
    t.match(note, /see <script>/);
    t.notMatch(note, new RegExp(`${reported.token}|${other.token}`), 'no link reaches the staff');
    t.equal(
      await (await fetch(reported.fileUrl, { method: 'POST' })).text(),
      'reported words',
      'it could still be opened, once',
    );
    t.equal((await report('A'.repeat(16))).status, 404);
  },
);

test.test(
  'a takedown goes from form to clock, sealed to the staff; before there is a staff nobody pretends to read it',
  async (t) => {
    const appliance = await startAppliance();
    t.teardown(() => appliance.stop());
    const { base } = appliance;
    const { ledger } = appliance.app.store;
    const shared = await upload(base, await picture(4));
    const letter = {
      links: shared.url,
      work: 'a photograph',
      name: 'N. N.',
      contact: 'n@example.org',
      goodFaith: 'yes',
      accurate: 'yes',
    };
    const send = (target: string, fields: Record<string, string>): Promise<Response> =>
      fetch(`${base}${target}`, { method: 'POST', body: new URLSearchParams(fields) });
    const early = await send('/takedown', letter);
    t.equal(early.status, 503);
    t.match(await early.text(), /no staff account/);
    const operator = await openModeration(appliance);
    await operator.accounts.createFirst(STAFF.name, STAFF.passphrase, ledger.now());
    for (const name of Object.keys(letter))
      t.equal((await send('/takedown', { ...letter, [name]: '' })).status, 400, `without ${name}`);
    const answer = await send('/takedown', letter);
    t.equal(answer.status, 200);
    const reference = /^reference: (\w+)/.exec(await answer.text())?.[1] ?? '';
    t.equal((await send('/contact', { topic: 'press', message: 'hello', reply: 'x@example.org' })).status, 200);
    t.equal((await send('/contact', { topic: 'press', message: '  ' })).status, 400);
    const page = await (await fetch(`${base}/contact`, { headers: { Accept: 'text/html' } })).text();
    t.match(page, /name="code"/, 'where a Pro code goes');
    const notices = new Notices(ledger.book(SPACE.notices), operator.accounts.publicKey() ?? Buffer.alloc(32));
    const notice = notices.get(reference);
    const link = parseLinkToken(shared.token);
    t.strictSame(
      notice?.fileIds,
      [link === null ? '' : ledger.find(link)?.fileId],
      'the share is named by its public ID',
    );
    t.equal((notice?.dueAt ?? 0) - (notice?.receivedAt ?? 0), 48 * 3_600_000);
    const signedIn = await operator.accounts.signIn(STAFF.name, STAFF.passphrase, ledger.now());
    if (signedIn.kind !== 'in') throw new Error('not signed in');
    const text = openText(signedIn.privateKey, reference, notice?.sealedText ?? Buffer.alloc(0));
    t.match(text, /a photograph/);
    t.notMatch(text, new RegExp(shared.token));
    const report = (await (
      await fetch(`${base}/transparency`, { headers: { Accept: 'application/json' } })
    ).json()) as { quarters: { counts: Record<string, number | null> }[] };
    t.equal(report.quarters[0]?.counts['takedowns'], null, 'fewer than ten are not told');
  },
);

test.test('each kind of letter asks for what its law asks for, and counts in its own row', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const { moderation, store } = appliance.app;
  await moderation.accounts.createFirst(STAFF.name, STAFF.passphrase, store.ledger.now());
  const all = {
    links: 'cp-aaaaaaaaaa',
    work: 'why',
    name: 'N. N.',
    contact: 'n@example.org',
    goodFaith: 'yes',
    accurate: 'yes',
  };
  const kinds = {
    copyright: Object.keys(all),
    'intimate-image': ['links', 'name', 'contact', 'goodFaith', 'accurate'],
    'counter-notice': Object.keys(all),
    authority: ['work', 'name', 'contact'],
  } as const;
  for (const [kind, asked] of Object.entries(kinds)) {
    const page = await (await fetch(`${base}/takedown?kind=${kind}`, { headers: { Accept: 'text/html' } })).text();
    const send = (fields: Record<string, string>): Promise<Response> =>
      fetch(`${base}/takedown`, { method: 'POST', body: new URLSearchParams({ kind, ...fields }) });
    for (const name of Object.keys(all)) {
      const without = await send({ ...all, [name]: '' });
      const needed = (asked as readonly string[]).includes(name);
      t.equal(without.status, needed ? 400 : 200, `${kind} without ${name}`);
      if (name !== 'links') t.equal(new RegExp(`name="${name}"`).test(page), needed, `${kind}: ${name} in the form`);
      if (needed) continue;
      const reference = /^reference: (\w+)/.exec(await without.text())?.[1] ?? '';
      t.match(moderation.notices?.get(reference), { kind, priority: false, outcome: 'open' });
    }
    t.equal((await send(all)).status, 200);
  }
  const now = store.ledger.now();
  const letters = moderation.notices?.open() ?? [];
  const ofKind = (kind: string): number => letters.filter((letter) => letter.kind === kind).length;
  t.strictSame(Object.keys(kinds).map(ofKind), [1, 2, 1, 4]);
  t.ok(letters.every(({ dueAt, receivedAt }) => dueAt === receivedAt + 48 * 3_600_000));
  t.equal(moderation.counters.exact('takedowns', now), 3);
  t.equal(moderation.counters.exact('authorityRequests', now), 4);
});
