/** The challenge on the running appliance: a person types a word, a script waits, and reading a link needs neither. */
import test, { type Test } from 'tap';
import { formOf, picture, postForm, startAppliance, upload, type Appliance } from './appliance.js';

const HTML = { Accept: 'text/html' };

async function started(t: Test, mode: string, settings: Readonly<Record<string, string>> = {}): Promise<Appliance> {
  const appliance = await startAppliance({ settings: { CHATPIC_CHALLENGE: mode, ...settings } });
  t.teardown(() => appliance.stop());
  return appliance;
}

/** The hidden fields of a page, and the word that it asks for. */
function read(page: string): { readonly hidden: Record<string, string>; readonly word: string } {
  const inputs = [...page.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)];
  const hidden = Object.fromEntries(inputs.map(([, name = '', value = '']) => [name, value]));
  return { hidden, word: /Type this word: (\w+)/.exec(page)?.[1] ?? '' };
}

function post(base: string, path: string, fields: Record<string, string>): Promise<Response> {
  return fetch(`${base}${path}`, { method: 'POST', body: new URLSearchParams(fields), headers: HTML });
}

test.test('a person types one word, and then shares as always', async (t) => {
  const { base } = await started(t, 'on');
  const asked = read(await (await fetch(`${base}/`, { headers: HTML })).text());
  t.match(asked.word, /^[a-z]+$/);
  const wrong = await post(base, '/', { ...asked.hidden, word: 'nonsense' });
  t.equal(wrong.status, 429);
  t.match(await wrong.text(), /That was not the word/);
  const right = await post(base, '/', { ...asked.hidden, word: ` ${asked.word.toUpperCase()} ` });
  t.equal(right.status, 200);
  const page = await right.text();
  t.match(page, /type="file"/);
  const { pass = '' } = read(page).hidden;
  t.equal((page.match(/name="pass"/g) ?? []).length, 2, 'in the form for files and in that for notes');
  const photo = await picture(1);
  const shared = await postForm(base, formOf(photo, { fields: { pass } }), HTML);
  t.equal(shared.status, 201);
  await shared.arrayBuffer();
  const used = [0, 0, 0, 0].map(async () => (await postForm(base, formOf(photo, { fields: { pass } }), HTML)).status);
  t.strictSame((await Promise.all(used)).sort(), [201, 201, 201, 429], 'a pass is good a few times');
  const again = read(await (await post(base, '/', { ...asked.hidden, word: asked.word })).text()).hidden['pass'] ?? '';
  t.equal(
    (await postForm(base, formOf(photo, { fields: { pass: again } }), HTML)).status,
    429,
    'nor is it by asking again',
  );
});

test.test('what was typed is not lost to the word, only the files', async (t) => {
  const { base } = await started(t, 'on');
  const typed = { caption: 'a "caption"', expiry: '1w', views: '3' };
  const refused = await postForm(base, formOf(await picture(1), { fields: typed }), HTML);
  t.equal(refused.status, 429);
  const asked = read(await refused.text());
  t.match(asked.hidden, { expiry: '1w', views: '3' });
  const back = await (await post(base, '/', { ...asked.hidden, caption: typed.caption, word: asked.word })).text();
  t.match(back, /value="a &quot;caption&quot;"/);
  t.match(back, /value="1w"[^>]* checked/);
  const note = read(await (await post(base, '/', { note: 'words', expiry: 'burn' })).text());
  const shared = await post(base, '/', { ...note.hidden, word: note.word });
  t.equal(shared.status, 201, 'a note needs no second press');
});

test.test('a script waits for its turn, and the answer says how', async (t) => {
  const appliance = await started(t, 'on');
  const { base, clock } = appliance;
  const put = (ticket = ''): Promise<Response> =>
    fetch(`${base}/a.txt`, { method: 'PUT', body: 'words', headers: ticket === '' ? {} : { 'X-Challenge': ticket } });
  const told = await put();
  t.equal(told.status, 429);
  const ticket = told.headers.get('x-challenge') ?? '';
  const wait = Number(told.headers.get('retry-after'));
  t.ok(wait >= 2 && wait <= 3);
  t.match(await told.text(), new RegExp(`send it again after ${wait} seconds with the header X-Challenge: ${ticket}`));
  t.equal((await put(ticket)).status, 429, 'not before its time');
  clock.forward(1000 * wait);
  t.equal((await put(ticket)).status, 201);
  const form = await postForm(base, formOf(null, { fields: { note: 'words' } }), { 'X-Challenge': ticket });
  t.equal(form.status, 201, 'the same ticket once more, as curl --retry would');
  t.equal((await put(ticket)).status, 429, 'and then no more');
  const waits: number[] = [];
  for (let i = 0; i < 20; i++) waits.push(Number((await put()).headers.get('retry-after')));
  t.ok((waits.at(-1) ?? 0) >= 5, 'whoever takes many waits for the last');
  clock.forward(11 * 60_000);
  t.equal((await put(ticket)).status, 429, 'too old');
  t.equal((await put('A'.repeat(62))).status, 429, 'made up');
});

test.test('reading, opening, deleting and the pages need no word', async (t) => {
  const appliance = await started(t, 'auto');
  const { base } = appliance;
  const open = await upload(base, null, { fields: { note: 'words' } });
  const burn = await upload(base, null, { fields: { note: 'burn', expiry: 'burn' } });
  await strained(appliance);
  t.equal((await fetch(open.url, { headers: HTML })).status, 200);
  t.equal(await (await fetch(open.fileUrl)).text(), 'words');
  t.equal(await (await fetch(burn.fileUrl, { method: 'POST' })).text(), 'burn');
  t.equal((await fetch(`${base}/faq`, { headers: HTML })).status, 200);
  const report = await post(base, `/report/${open.token}`, { reason: 'other', details: 'x "y"' });
  t.equal(report.status, 429, 'a report may be a flood');
  const asked = read(await report.text());
  t.equal(asked.hidden['reason'], 'other');
  const done = await post(base, `/report/${open.token}`, { ...asked.hidden, word: asked.word });
  t.equal(done.status, 200);
  t.equal((await fetch(open.deleteUrl, { method: 'DELETE' })).status, 200);
});

/** More letters within a minute than people write, until the challenge goes on. */
async function strained({ base }: Appliance): Promise<void> {
  const codes: number[] = [];
  for (let i = 0; i < 40; i++)
    codes.push((await fetch(`${base}/contact`, { method: 'POST', body: 'message=x' })).status);
  if (codes.at(-1) !== 429) throw new Error(`expected a 429, got ${codes.join(' ')}`);
}

test.test('by itself it goes on under load and off again', async (t) => {
  const appliance = await started(t, 'auto');
  const { base, clock } = appliance;
  const form = async (): Promise<string> => (await fetch(`${base}/`, { headers: HTML })).text();
  t.match(await form(), /type="file"/);
  await strained(appliance);
  t.match(await form(), /Type this word/);
  clock.forward(6 * 60_000);
  t.match(await form(), /type="file"/);
  t.match((await upload(base, null, { fields: { note: 'words' } })).url, /view/);
});

test.test('off is off', async (t) => {
  const appliance = await started(t, 'off');
  for (let i = 0; i < 40; i++) await fetch(`${appliance.base}/contact`, { method: 'POST', body: 'message=x' });
  t.match(await (await fetch(`${appliance.base}/`, { headers: HTML })).text(), /type="file"/);
});
