/** Who gets into the desk, for how long, and what a foreign page or a crash can do to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { MINUTE } from '../../src/base/units.js';
import { Claims } from '../../src/desk/claims.js';
import type { Desk } from '../../src/desk/desk.js';
import { openHost } from '../../src/desk/host/host.js';
import { loadDeskTemplates } from '../../src/desk/pages.js';
import { SignIns } from '../../src/desk/remote-book.js';
import { Sessions } from '../../src/desk/sessions.js';
import { Readers } from '../../src/web/readers.js';
import { createDesk } from '../../src/desk/site.js';
import { startDecoder } from '../../src/media/decoder/decoder.js';
import { httpServer, listen } from '../../src/web/listen.js';
import { startAppliance, testClock, upload, type TestClock } from './appliance.js';
import { ALICE, BOB, deskOf, Moderator, queued, report, staffed } from './moderator.js';
import { fileIdOf } from './staffed.js';

const appliance = await startAppliance({ desk: true });
await staffed(appliance);
const { base } = appliance;
test.teardown(() => appliance.stop());

const PAGES = ['/', '/letters', '/remove', '/lists', '/figures', '/trail', '/accounts'];
const ACTS = [
  '/sign-out',
  '/case/cp-0000000000/take',
  '/case/cp-0000000000/see',
  '/case/cp-0000000000/decide',
  '/letter/0000000000/take',
  '/letter/0000000000/answer',
  '/remove',
  '/lists/remove',
  '/lists/lift',
  '/accounts',
  '/accounts/remove',
];

/** The same desk in this process, so that a test may move its clock. */
async function deskHere(
  clock: TestClock,
): Promise<{ readonly address: string; readonly desk: Desk; readonly close: () => Promise<void> }> {
  const { app } = appliance;
  const parts = { ...app.store, moderation: app.moderation, siteName: 'x', holdsBorderline: false, holdDays: 1 };
  const door = await openHost(parts);
  const monotonic = (): number => clock.monotonic();
  const claims = new Claims(monotonic);
  const sessions = new Sessions(monotonic, (name) => claims.dropAllOf(name));
  const decoder = startDecoder({ children: 1, warm: 0 });
  const signIns = new SignIns(door, monotonic);
  const desk: Desk = {
    door,
    signIns,
    sessions,
    claims,
    decoder,
    templates: loadDeskTemplates(),
    readers: new Readers(1024 * 1024),
    monotonic,
  };
  const answer = createDesk(desk).callback();
  const http = httpServer((request, response) => void answer(request, response));
  const listening = await listen(http.server, { kind: 'tcp', host: '127.0.0.1', port: 0 }, http);
  const close = async (): Promise<void> => {
    await Promise.all([listening.close(0), decoder.close()]);
  };
  return { address: listening.address, desk, close };
}

/** Pauses are of seconds, and checking a passphrase takes some: time passes when the test says so. */
function stoppedClock(): TestClock {
  let at = 0;
  return { wall: () => at, monotonic: () => at, forward: (milliseconds) => void (at += milliseconds) };
}

test.test('a session has one cookie, and ends after 15 idle minutes with its key wiped', async (t) => {
  const clock = testClock();
  const { address, desk, close } = await deskHere(clock);
  t.teardown(close);
  const alice = new Moderator(address);
  const { status, headers } = await alice.signIn(ALICE.name, ALICE.passphrase);
  t.equal(status, 303);
  t.strictSame(headers.getSetCookie(), [`desk=${alice.cookie}; HttpOnly; SameSite=Strict; Path=/`]);
  const session = desk.sessions.find(alice.cookie);
  t.ok(session?.privateKey.some((byte) => byte !== 0));
  for (const minutes of [14, 14]) {
    clock.forward(minutes * MINUTE);
    t.equal((await alice.get('/')).status, 200, 'who does something stays');
  }
  clock.forward(15 * MINUTE);
  t.equal((await alice.get('/')).status, 303);
  t.ok(
    session?.privateKey.every((byte) => byte === 0),
    'the key is gone',
  );
});

test.test('five wrong tries are free, then each costs a longer pause, also for who knows the passphrase', async (t) => {
  const clock = stoppedClock();
  const { address, close } = await deskHere(clock);
  t.teardown(close);
  const someone = new Moderator(address);
  const told: string[] = [];
  for (let i = 0; i < 5; i++) {
    const { status, html } = await someone.signIn('alice', `guess number ${i}`);
    t.equal(status, 403);
    told.push(html);
  }
  const { html } = await someone.signIn('nobody-here', 'guess number 0');
  const sentence = (page: string): string => /role="alert"[^>]*>([^<]*)/.exec(page)?.[1] ?? '';
  t.equal(sentence(html), sentence(told[0] ?? ''), 'a name that is not there is answered alike');
  const slowed = await someone.signIn('alice', ALICE.passphrase);
  t.equal(slowed.status, 429);
  t.ok(Number(slowed.headers.get('retry-after')) >= 1);
  clock.forward(3000);
  t.equal((await someone.signIn('alice', 'once more')).status, 403);
  clock.forward(3000);
  t.equal((await someone.signIn('alice', ALICE.passphrase)).status, 429, 'the pause has doubled');
  clock.forward(3000);
  t.equal((await someone.signIn('alice', ALICE.passphrase)).status, 303);
});

test.test('nobody sees anything without a session', async (t) => {
  const stranger = new Moderator(deskOf(appliance));
  stranger.cookie = 'A'.repeat(22);
  for (const path of [...PAGES, '/case/cp-0000000000', '/case/cp-0000000000/item/1', '/letter/0000000000']) {
    const { status, headers } = await stranger.get(path);
    t.strictSame([status, headers.get('location')], [303, '/sign-in'], path);
  }
  for (const path of ACTS) t.equal((await stranger.post(path)).status, 303, path);
});

test.test('a form of another page or another session does nothing', async (t) => {
  const shared = await upload(base, null, { fields: { note: 'stays' } });
  const fileId = fileIdOf(appliance, shared);
  await report(base, shared.token, 'other');
  const alice = await Moderator.signedIn(deskOf(appliance));
  const other = await Moderator.signedIn(deskOf(appliance));
  t.not(alice.token, other.token);
  const right = alice.token;
  for (const wrong of ['', 'A'.repeat(22), other.token, right.slice(0, -1)]) {
    alice.token = wrong;
    for (const path of [...ACTS, `/case/${fileId}/decide`]) {
      const { status } = await alice.post(path, { decision: 'remove', ids: fileId, name: 'alice', id: '1' });
      t.equal(status, 403, path);
      alice.token = wrong;
    }
  }
  const form = new FormData();
  form.set('form', 'A'.repeat(22));
  form.set('file', new Blob(['a'.repeat(64)]), 'x.txt');
  t.equal((await alice.postForm('/lists', form)).status, 403);
  const headers = { Cookie: `desk=${alice.cookie}`, 'Sec-Fetch-Site': 'cross-site' };
  const body = new URLSearchParams({ form: right, decision: 'remove' });
  const foreign = await fetch(`${deskOf(appliance)}/case/${fileId}/decide`, { method: 'POST', headers, body });
  t.equal(foreign.status, 403, 'a foreign page that knows the token');
  t.equal((await fetch(shared.url)).status, 200, 'nothing was done');
  for (const act of ['decide', 'see', 'take']) {
    const { status } = await alice.get(`/case/${fileId}/${act}`);
    t.ok(status >= 400, `GET ${act} is refused`);
  }
  alice.token = right;
  await alice.get('/');
  t.equal((await alice.post('/sign-out')).status, 303);
  t.equal((await alice.get('/')).status, 303, 'signed out');
  t.equal((await other.get('/')).status, 200, 'the other session goes on');
});

test.test('neither site answers at the other\u2019s listener, and both have the same manners', async (t) => {
  const ask = async (path: string): Promise<unknown[]> => {
    const response = await fetch(`${base}${path}`, { headers: { Accept: 'text/html' } });
    return [response.status, await response.text()];
  };
  const [one, two] = [await ask('/no-such-page'), await ask('/no-such/page')];
  t.match([one[0], two[0]], [404, 404]);
  for (const path of [...PAGES.slice(1), '/sign-in']) t.strictSame(await ask(path), one, `senders: ${path}`);
  t.strictSame(await ask('/case/cp-0000000000'), two);
  const alice = await Moderator.signedIn(deskOf(appliance));
  for (const path of [
    '/faq',
    '/delete',
    '/takedown',
    '/view/AAAAAAAAAAAAAAAA',
    '/file/AAAAAAAAAAAAAAAA',
    '/robots.txt',
  ])
    t.equal((await alice.get(path)).status, 404, `desk: ${path}`);
  t.equal((await fetch(`${deskOf(appliance)}/`, { method: 'POST', body: 'x', redirect: 'manual' })).status, 405);
  const senders = await fetch(`${base}/faq`);
  const named = (headers: Headers): string[] => [...headers.keys()].filter((name) => name !== 'set-cookie').sort();
  for (const path of PAGES) {
    const { headers, html } = await alice.get(path);
    t.strictSame(named(headers), named(senders.headers), path);
    t.notOk(headers.has('set-cookie'), 'one cookie, at the sign-in');
    t.notMatch(html, /<script| on[a-z]+=|javascript:|https?:\/\//, 'no script, no address elsewhere');
  }
});

test.test('another moderator gives a forgotten passphrase anew, and takes an account away', async (t) => {
  const alice = await Moderator.signedIn(deskOf(appliance));
  const typed = { ...BOB, again: BOB.passphrase };
  await alice.get('/accounts');
  t.equal((await alice.post('/accounts', { ...typed, known: 'no', again: 'something else' })).status, 400);
  t.equal((await alice.post('/accounts', { ...typed, known: 'no', passphrase: 'short', again: 'short' })).status, 400);
  t.equal((await alice.post('/accounts', { ...typed, known: 'yes' })).status, 400, 'there is no bob yet');
  t.equal((await alice.post('/accounts', { ...typed, known: 'no' })).status, 303);
  t.equal((await alice.post('/accounts', { ...typed, known: 'no' })).status, 400, 'nobody is replaced by a new name');
  const bob = await Moderator.signedIn(deskOf(appliance), BOB);
  const renewed = { name: 'bob', passphrase: 'bob has forgotten it', again: 'bob has forgotten it', known: 'yes' };
  t.equal((await alice.post('/accounts', renewed)).status, 303);
  t.equal((await bob.get('/')).status, 303, 'who used the old one is out');
  t.equal((await bob.signIn('bob', BOB.passphrase)).status, 403);
  t.equal((await bob.signIn('bob', renewed.passphrase)).status, 303);
  t.equal((await alice.post('/accounts/remove', { name: 'bob' })).status, 303);
  t.equal((await bob.get('/')).status, 303);
  t.equal((await alice.post('/accounts/remove', { name: 'alice' })).status, 403, 'the last one stays');
  const { html } = await alice.get('/trail');
  for (const did of ['added the account', 'gave a new passphrase to', 'removed the account'])
    t.match(html, new RegExp(`${did} <code>bob`));
});

test.test(
  'a desk that crashes comes back at its address, knows nobody, and the senders\u2019 site goes on',
  async (t) => {
    const before = deskOf(appliance);
    const alice = await Moderator.signedIn(before);
    const shared = await upload(base, null, { fields: { note: 'through it all' } });
    await report(base, shared.token, 'violence');
    const pid = appliance.app.desk?.pid;
    if (pid === null || pid === undefined) throw new Error('no desk');
    process.kill(pid, 'SIGKILL');
    t.equal(await (await fetch(shared.fileUrl)).text(), 'through it all');
    while (appliance.app.desk?.pid === pid || (await fetch(`${before}/sign-in`).catch(() => null)) === null)
      await sleep(50);
    t.equal(deskOf(appliance), before);
    t.match(appliance.said.join(''), /^chatpic: desk-exited code=-1$/m);
    t.equal((await alice.get('/')).status, 303, 'sessions are gone');
    const again = await Moderator.signedIn(before);
    t.ok(queued(await again.get('/')).includes(fileIdOf(appliance, shared)), 'the queue is not');
  },
);
