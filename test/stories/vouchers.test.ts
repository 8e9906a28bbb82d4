/** Pro codes on the running appliance: what they give, what is kept of them, and what using one leaves behind: nothing. */
import { spawn } from 'node:child_process';
import http from 'node:http';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { MAIN, startProcess } from '../recovery/process.js';
import { found, words } from '../privacy/needles.js';
import { filesBelow, formOf, postForm, startAppliance, upload } from './appliance.js';

const DAY = 86_400_000;
const SMALL = { CHATPIC_FREE_MB: '1', CHATPIC_PRO_MB: '2', CHATPIC_STORE_MB: '32' };

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The operator's tool, as a process of its own. */
async function chatpic(args: readonly string[], settings: Readonly<Record<string, string>>): Promise<Said> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (piece: Buffer) => void (said.out += piece.toString()));
  child.stderr.on('data', (piece: Buffer) => void (said.err += piece.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...said };
}

function control(socketPath: string, method: string, target: string, body: object = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const headers = { 'Content-Length': text.length };
    const request = http.request({ socketPath, method, path: target, headers }, (response) => {
      let said = '';
      response.on('data', (piece: Buffer) => void (said += piece.toString()));
      response.on('end', () => resolve(said));
    });
    request.on('error', reject).end(text);
  });
}

async function mintedBy(dir: string, count = 1, days = 31): Promise<string[]> {
  const text = await control(path.join(dir, 'control.sock'), 'POST', '/vouchers', { count, days });
  return (JSON.parse(text) as { codes: string[] }).codes;
}

/** Every file of the store by the hash of its bytes, without the arena: uploads in flight are spooled there as noise. */
async function booksOf(dir: string): Promise<Map<string, string>> {
  const files = await filesBelow(path.join(dir, 'var'));
  return new Map(
    [...files].filter(([name]) => name !== 'arena').map(([name, bytes]) => [name, bytes.toString('base64')]),
  );
}

test.test('a Pro code raises the limit, keeps longer, and puts a letter first', async (t) => {
  const appliance = await startAppliance({ settings: SMALL });
  t.teardown(() => appliance.stop());
  const { base, dir, app } = appliance;
  const [code = ''] = await mintedBy(dir);
  t.match(code, /^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
  const large = Buffer.alloc(1_900_000, 'words ');
  t.equal((await postForm(base, formOf(large, { name: 'a.txt' }))).status, 413, 'without one the free limit holds');
  for (const typed of [code, code.toLowerCase(), code.replaceAll('-', ' '), ` ${code.replaceAll('-', '')} `]) {
    const answer = await postForm(base, formOf(large, { name: 'a.txt', fields: { code: typed, expiry: 'pro' } }));
    t.equal(answer.status, 201, typed);
    const days = (Date.parse(answer.headers.get('x-expires') ?? '') - app.store.ledger.now()) / DAY;
    t.ok(days > 29.9 && days < 30.1, `${days} days`);
    await fetch(answer.headers.get('x-url-delete') ?? '', { method: 'DELETE' });
  }
  const put = (headers: Record<string, string>): Promise<Response> =>
    fetch(`${base}/a.txt`, { method: 'PUT', body: large, headers });
  t.equal((await put({ 'X-Code': code, 'Max-Days': '20' })).status, 201);
  t.equal((await put({})).status, 413);
  const month = { expiry: 'pro' };
  const without = await postForm(base, formOf(null, { fields: { note: 'x', ...month } }));
  t.equal(without.status, 400);
  t.match(await without.text(), /needs a Pro code/);
  const wrong = await postForm(base, formOf(null, { fields: { note: 'x', code: '0000-0000-0000-0000', ...month } }));
  t.equal(wrong.status, 400);
  t.match(await wrong.text(), /unknown or has ended/);
  const letter = await fetch(`${base}/contact`, {
    method: 'POST',
    body: new URLSearchParams({ message: 'x', code: '0000-0000-0000-0001' }),
  });
  t.equal(letter.status, 400, 'a wrong code in a letter is said, not dropped');
});

test.test('a code ends with its time, and when it is revoked, and is good over a restart until then', async (t) => {
  const appliance = await startAppliance({ settings: SMALL });
  t.teardown(() => appliance.stop());
  const socket = path.join(appliance.dir, 'control.sock');
  const [first = '', second = '', third = ''] = await mintedBy(appliance.dir, 3, 2);
  await mintedBy(appliance.dir, 2, 5);
  const kept = appliance.app.store.ledger.book(32).entries();
  t.equal(kept.length, 5);
  const bytes = Buffer.concat(kept.flatMap(({ key, value }) => [key, value]));
  const plain = [first, second, third].map((code) => words('code', code.replaceAll('-', '')));
  t.strictSame(found(plain, new Map([['ledger', bytes]])), [], 'of a code only a hash is kept');
  const uses = async (code: string): Promise<number> =>
    (await postForm(appliance.base, formOf(null, { fields: { note: 'x', code } }))).status;
  t.equal(await uses(first), 201);
  t.equal(await control(socket, 'POST', '/vouchers/revoke', { what: second }), '{"ended":1}\n');
  t.equal(await uses(second), 400);
  t.equal(await control(socket, 'POST', '/vouchers/revoke', { what: second }), '{"ended":0}\n');
  await appliance.restart();
  t.equal(await uses(third), 201);
  t.equal(await uses(second), 400);
  appliance.clock.forward(3 * DAY);
  t.equal(await uses(first), 400, 'its time is over');
  const { batches } = JSON.parse(await control(socket, 'GET', '/vouchers')) as { batches: object[] };
  t.match(batches, [{ batch: 2, codes: 2 }]);
  t.equal(await control(socket, 'POST', '/vouchers/revoke', { what: { batch: 2 } }), '{"ended":2}\n');
  t.match(await control(socket, 'POST', '/vouchers', { count: 0, days: 1 }), /malformed/);
  t.match(await control(socket, 'GET', '/anything'), /no such call/);
});

test.test('using a Pro code writes nothing', async (t) => {
  const appliance = await startAppliance({ settings: SMALL });
  t.teardown(() => appliance.stop());
  const { base, dir, app } = appliance;
  const [code = ''] = await mintedBy(dir);
  await app.store.roll();
  // Uses that store nothing else: not one byte of any book, snapshot or slot is another afterwards.
  const before = await booksOf(dir);
  const uses = [
    () => postForm(base, formOf(Buffer.from('%PDF-1.7\n\0'), { name: 'x.pdf', fields: { code } })),
    () => fetch(`${base}/x`, { method: 'PUT', body: Buffer.from('PK\x03\x04\0\0'), headers: { 'X-Code': code } }),
    () => postForm(base, formOf(Buffer.alloc(2_000_001, 'a'), { name: 'x.txt', fields: { code } })),
    () => fetch(`${base}/contact`, { method: 'POST', body: new URLSearchParams({ message: '', code }) }),
  ];
  for (const use of uses) t.ok((await use()).status >= 400);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  t.strictSame(await booksOf(dir), before, 'a refused upload leaves the books as they were');
  // A share that is made with one writes what a share without one writes.
  const pages = async (fields: Record<string, string>): Promise<string[]> => {
    const old = await booksOf(dir);
    await upload(base, null, { fields: { note: 'words', ...fields } });
    const now = await booksOf(dir);
    return [...now].flatMap(([name, text]) => {
      const [a, b] = [Buffer.from(old.get(name) ?? '', 'base64'), Buffer.from(text, 'base64')];
      const changed = Array.from({ length: a.length / 4096 }, (_, i) => i).filter(
        (i) => !a.subarray(4096 * i, 4096 * (i + 1)).equals(b.subarray(4096 * i, 4096 * (i + 1))),
      );
      return changed.map(() => name);
    });
  };
  t.strictSame(await pages({ code }), await pages({}), 'one page of one log, with a code and without');
  t.match(await control(path.join(dir, 'control.sock'), 'GET', '/vouchers'), /"codes":1/);
});

test.test('guessing codes is slowed, and who has one is not kept out', async (t) => {
  const appliance = await startAppliance({ settings: SMALL });
  t.teardown(() => appliance.stop());
  const { base, dir, clock } = appliance;
  const put = (code: string): Promise<Response> =>
    fetch(`${base}/a.txt`, { method: 'PUT', body: 'words', headers: { 'X-Code': code } });
  const [code = ''] = await mintedBy(dir);
  const guess = '7777-7777-7777-7777';
  for (let i = 0; i < 10; i++) t.equal((await put(guess)).status, 400, `guess ${i}`);
  const slow = await put(guess);
  t.equal(slow.status, 429);
  t.ok(Number(slow.headers.get('retry-after')) >= 1);
  t.equal((await put(code)).status, 201, 'a code in another place is not slowed');
  clock.forward(2000);
  t.equal((await put(guess)).status, 400, 'after the pause it may be tried again');
  t.equal((await put(guess)).status, 429, 'and the pause is longer');
});

test.test('the operator mints, lists and revokes while the appliance runs and while it stands still', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'chatpic-voucher-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const data = path.join(dir, 'var');
  const socket = path.join(dir, 'control.sock');
  const own = { CHATPIC_CONTROL: `unix:${socket}` };
  const settings = {
    ...own,
    CHATPIC_DATA_DIR: data,
    CHATPIC_LISTEN: '127.0.0.1:0',
    ...SMALL,
    CHATPIC_SITE_NAME: 'A & B',
  };
  const life = startProcess(settings);
  const base = await life.ready;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  t.equal((await stat(socket)).mode & 0o777, 0o600, 'its own user alone may open the door');
  const minted = await chatpic(['voucher', 'mint', '--count', '3', '--days', '10'], settings);
  t.equal(minted.code, 0, minted.err);
  const codes = minted.out.trim().split('\n');
  t.equal(codes.length, 3);
  t.match(minted.err, /Batch 1: 3 good until \d{4}-\d\d-\d\d/);
  const used = await postForm(base, formOf(null, { fields: { note: 'x', code: codes[0] ?? '', expiry: 'pro' } }));
  t.equal(used.status, 201);
  const sheet = await chatpic(['voucher', 'mint', '--count', '2', '--sheet'], settings);
  t.match(sheet.out, /<h2>A &amp; B Pro<\/h2><code>/);
  t.equal(await life.stop(), 0);
  await t.rejects(stat(socket), 'the door goes with the appliance');
  const json = await chatpic(['voucher', 'list', '--json'], settings);
  t.match(JSON.parse(json.out), {
    batches: [
      { batch: 1, codes: 3 },
      { batch: 2, codes: 2 },
    ],
  });
  t.match((await chatpic(['voucher', 'revoke', codes[1] ?? ''], settings)).out, /Ended: 1/);
  t.match((await chatpic(['voucher', 'revoke', '--batch', '2', '--json'], settings)).out, /"ended":2/);
  t.equal((await chatpic(['voucher', 'revoke', '--batch', '2'], settings)).code, 1);
  t.equal((await chatpic(['voucher', 'revoke'], settings)).code, 2);
  t.equal((await chatpic(['voucher', 'mint', '--count', '0'], settings)).code, 2);
  const needles = codes.flatMap((code) => [
    words('code', code),
    words('code without hyphens', code.replaceAll('-', '')),
  ]);
  t.strictSame(found(needles, await filesBelow(dir)), [], 'no code is in any file');
  t.strictSame(found(needles, new Map([['output', Buffer.from(life.output())]])), []);
});
