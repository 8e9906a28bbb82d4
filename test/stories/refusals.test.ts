import { once } from 'node:events';
import net from 'node:net';
import test, { type Test } from 'tap';
import { formOf, picture, postForm, startAppliance, upload, type Appliance } from './appliance.js';

/** Nothing of a refused upload is kept: no share, no unit. */
async function nothingKept(t: Test, appliance: Appliance, before: number): Promise<void> {
  const { arena } = appliance.app.store;
  for (let i = 0; i < 50 && arena.capacity().free !== before; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.equal(arena.capacity().free, before, 'no unit is kept');
}

async function refusedAs(t: Test, response: Response, status: number, words: RegExp): Promise<void> {
  const text = await response.text();
  t.equal(response.status, status, text);
  t.match(text, words);
  t.match(text, /\.\n$/, 'a sentence, and a line end');
}

test.test('what is refused is told why, and nothing of it is kept', async (t) => {
  const appliance = await startAppliance({ settings: { CHATPIC_FREE_MB: '1', CHATPIC_PRO_MB: '2' } });
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const free = appliance.app.store.arena.capacity().free;
  const live = (): number => appliance.app.store.ledger.live;
  const photo = await picture(1);
  const send = (bytes: Uint8Array | null, fields: Record<string, string> = {}, name = 'x.jpg'): Promise<Response> =>
    postForm(base, formOf(bytes, { fields, name }));

  await t.test('an empty upload', async (t) => {
    await refusedAs(t, await send(null), 400, /nothing was sent/i);
    await refusedAs(t, await send(Buffer.alloc(0)), 400, /empty/i);
    await refusedAs(t, await send(null, { note: '  \n ' }), 400, /nothing was sent/i);
    await refusedAs(t, await fetch(`${base}/x`, { method: 'PUT', body: '' }), 400, /empty/i);
  });
  await t.test('an unknown type', async (t) => {
    await refusedAs(t, await send(Buffer.from('%PDF-1.7\n\0\xff', 'latin1'), {}, 'x.pdf'), 415, /seems to be/i);
    await refusedAs(t, await send(Buffer.from('PK\x03\x04\0\0\0\0\0\0', 'latin1'), {}, 'x.zip'), 415, /not supported/i);
  });
  await t.test('a lying type', async (t) => {
    await refusedAs(
      t,
      await send(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>\0'), {}, 'x.jpg'),
      415,
      /supported/i,
    );
    await refusedAs(
      t,
      await send(Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), Buffer.alloc(200)])),
      422,
      /unreadable|read/i,
    );
    const honest = await upload(base, photo, { name: 'lies.png' });
    const served = await fetch(honest.fileUrl);
    t.equal(served.headers.get('content-type'), 'image/jpeg', 'the bytes say what it is');
    t.match(served.headers.get('content-disposition'), /lies\.jpg/);
    await fetch(honest.deleteUrl, { method: 'DELETE' });
  });
  await t.test('a picture that does not decode', async (t) => {
    await refusedAs(t, await send(photo.subarray(0, 300)), 422, /./);
  });
  await t.test('too large', async (t) => {
    const large = Buffer.alloc(1_000_001, 'a');
    await refusedAs(t, await send(large, {}, 'x.txt'), 413, /1 MB/);
    await refusedAs(t, await fetch(`${base}/x.txt`, { method: 'PUT', body: large }), 413, /1 MB/);
    const fits = await upload(base, large.subarray(1), { name: 'x.txt' });
    t.match(fits.url, /view/, 'the limit itself is not beyond the limit');
    await fetch(fits.deleteUrl, { method: 'DELETE' });
  });
  await t.test('malformed choices', async (t) => {
    await refusedAs(t, await send(photo, { expiry: 'soon' }), 400, /1h, 1d, 1w, burn or never/);
    for (const views of ['0', '-1', '1.5', 'x', '99999999999']) {
      await refusedAs(t, await send(photo, { views }), 400, /views/i);
    }
    await refusedAs(t, await send(photo, { expiry: 'burn', views: '2' }), 400, /once/);
    await refusedAs(t, await send(photo, { caption: 'x'.repeat(201) }), 400, /200 characters/);
    await refusedAs(t, await send(photo, { scrub: 'soft' }), 400, /hard/);
    await refusedAs(t, await send(photo, { code: 'PRO-UNKNOWN' }), 400, /unknown/);
  });
  await t.test('a form from another site', async (t) => {
    for (const headers of [
      { 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'same-site' },
      { Origin: 'https://evil.example' },
      { Origin: 'null' },
    ]) {
      await refusedAs(t, await postForm(base, formOf(photo), headers), 403, /another site/);
    }
    const own = await upload(base, photo, { headers: { Origin: base } });
    await fetch(own.deleteUrl, { method: 'DELETE' });
  });
  t.equal(live(), 0);
  await nothingKept(t, appliance, free);
});

test.test('hostile names and captions come out harmless', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const photo = await picture(2);
  const names = [
    '../../etc/passwd',
    'C:\\temp\\x.jpg',
    '<script>alert(1)</script>.jpg',
    'a\u202egpj.exe',
    '.htaccess',
    'x'.repeat(3000),
    '"; filename="b',
    'naïve ☃ 图.jpg',
    'con.jpg',
    '   ',
  ];
  for (const name of names) {
    const form = formOf(photo, { name, fields: { caption: `<img src=x onerror=1> {{ 7*7 }} ${name.slice(0, 60)}` } });
    const response = await postForm(appliance.base, form, { Accept: 'application/json' });
    t.equal(response.status, 201, JSON.stringify(name.slice(0, 20)));
    const json = (await response.json()) as { url: string; files: { name: string }[] };
    const told = json.files[0]?.name ?? '';
    t.match(told, /^[^/\\<>"\p{Cc}\u202a-\u202e]+\.jpg$/u);
    t.ok(Buffer.byteLength(told) <= 120);
    const page = await (await fetch(json.url, { headers: { Accept: 'text/html' } })).text();
    t.notMatch(page, /<script|<img src=x/);
    t.match(page, /\{\{ 7\*7 \}\}/);
    const served = await fetch(json.url.replace('/view/', '/file/'));
    t.match(served.headers.get('content-disposition'), /^inline; filename/);
  }
});

test.test('a full store says so, keeps what it has, and burns, deletes and expires all the same', async (t) => {
  const appliance = await startAppliance({
    settings: { CHATPIC_STORE_MB: '16', CHATPIC_FREE_MB: '5', CHATPIC_PRO_MB: '5' },
  });
  t.teardown(() => appliance.stop());
  const { base, clock } = appliance;
  const big = Buffer.alloc(3_000_000, 'words ');
  const burn = await upload(base, null, { fields: { note: 'burn me', expiry: 'burn' } });
  const hour = await upload(base, null, { fields: { note: 'an hour', expiry: '1h' } });
  const kept: Awaited<ReturnType<typeof upload>>[] = [];
  let last: Response | null = null;
  for (let i = 0; i < 10; i++) {
    last = await postForm(base, formOf(big, { name: 'big.txt' }));
    if (last.status !== 201) break;
    kept.push({ ...burn, deleteUrl: last.headers.get('x-url-delete') ?? '', url: last.headers.get('location') ?? '' });
    await last.arrayBuffer();
  }
  t.equal(last?.status, 507);
  t.match(await last?.text(), /store is full/i);
  t.ok(kept.length >= 2);
  for (const { url } of kept) t.equal((await fetch(url.replace('/view/', '/file/'))).status, 200);
  t.equal(await (await fetch(burn.fileUrl, { method: 'POST' })).text(), 'burn me');
  t.equal((await fetch(kept[0]?.deleteUrl ?? '', { method: 'DELETE' })).status, 200);
  clock.forward(3_600_000);
  t.equal((await fetch(hour.fileUrl)).status, 404);
  t.equal((await postForm(base, formOf(big, { name: 'big.txt' }))).status, 201, 'there is room again');
});

test.test('an upload that is cut off, or a form that is malformed, leaves nothing', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base, app } = appliance;
  const free = app.store.arena.capacity().free;
  const { hostname, port } = new URL(base);
  const raw = async (text: string, end: 'destroy' | 'wait'): Promise<string> => {
    const socket = net.connect(Number(port), hostname);
    await once(socket, 'connect');
    let answer = '';
    socket.setEncoding('latin1').on('data', (piece: string) => void (answer += piece));
    socket.on('error', () => undefined);
    socket.write(text, 'latin1');
    await new Promise((resolve) => setTimeout(resolve, 150));
    // Node takes a closed half for the end of the conversation: the client waits for its answer first.
    for (let i = 0; end === 'wait' && i < 1000 && answer === '' && !socket.closed; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    socket.destroy();
    return answer;
  };
  const head = (type: string, length: number): string =>
    `POST / HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: ${length}\r\n\r\n`;
  const part = (name: string, more = ''): string =>
    `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
  const file = part('file', '; filename="x.txt"');
  const form = 'multipart/form-data; boundary=b';
  for (const cutAt of [0, 10, 60, 90, 5000, 300_000]) {
    const body = (file + 'words '.repeat(60_000)).slice(0, cutAt);
    await raw(head(form, 1_000_000) + body, 'destroy');
    await raw(`PUT /x.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n${body}`, 'destroy');
  }
  const malformed: readonly [string, string][] = [
    ['multipart/form-data', file],
    ['multipart/form-data; boundary=', file],
    [form, 'no boundary at all'],
    [form, `${file}words`],
    [form, `${file}words\r\n--b`],
    [form, `--b\r\nContent-Disposition: nonsense\r\n\r\nx\r\n--b--\r\n`],
    [form, `${part('other', '; filename="x"')}x\r\n--b--\r\n`],
    [form, `${part('note')}words\r\n`.repeat(200) + '--b--\r\n'],
    [form, `${file}x\r\n`.repeat(120) + '--b--\r\n'],
    ['application/json', '{"note":"x"}'],
    ['text/plain', 'words'],
  ];
  for (const [type, body] of malformed) {
    const answer = await raw(head(type, body.length) + body, 'wait');
    t.match(answer, /^HTTP\/1\.1 400 /, `${type}: ${body.slice(0, 30)}`);
    t.match(answer, /Content-Security-Policy: default-src 'none'/);
    t.notMatch(answer, /\r\n(Date|Server|Set-Cookie|X-Powered-By):/i);
  }
  for (const nonsense of [
    '\0\0\0\0',
    'GET\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    `GET / HTTP/1.1\r\nX: ${'y'.repeat(20_000)}\r\n\r\n`,
  ]) {
    const answer = await raw(nonsense, 'wait');
    t.match(answer, /^(HTTP\/1\.1 4\d\d [\s\S]*Content-Security-Policy: default-src 'none'|$)/);
    t.notMatch(answer, /\r\nDate:/);
  }
  t.equal(app.store.ledger.live, 0);
  await nothingKept(t, appliance, free);
});

test.test('a way of asking that an address does not know is told the ways that it knows', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const ask = async (method: string, path: string): Promise<[number, string | null, string]> => {
    const answer = await fetch(`${appliance.base}${path}`, { method });
    return [answer.status, answer.headers.get('allow'), await answer.text()];
  };
  const unknown = '/view/7hQ2mZx90KbTfW4c';
  const refused = await ask('DELETE', '/');
  t.strictSame(refused.slice(0, 2), [405, 'HEAD, GET, POST, PUT, OPTIONS']);
  t.match(refused[2], /^DELETE does not go here, but HEAD, GET, POST, PUT\. Nothing was stored or changed\. .*\.\n$/);
  t.strictSame((await ask('PATCH', unknown)).slice(0, 2), [405, 'HEAD, GET, POST, OPTIONS']);
  t.match(await ask('OPTIONS', '/faq'), [204, /GET/, '']);
  t.strictSame((await ask('PROPFIND', '/nowhere/at/all')).slice(0, 2), [404, null]);
  t.strictSame((await ask('GET', '/nowhere')).slice(0, 2), [404, null], 'PUT /nowhere would share a file');
  t.strictSame(await ask('HEAD', '/nowhere'), [404, null, '']);
  const [page, head] = await Promise.all(
    ['GET', 'HEAD'].map((method) => fetch(`${appliance.base}/faq`, { method, headers: { Accept: 'text/html' } })),
  );
  const told = (answer?: Response): object => ({ ...Object.fromEntries(answer?.headers ?? []), connection: '' });
  t.match(told(head), { ...told(page), 'keep-alive': undefined }, 'HEAD has the headers of GET');
  t.equal(await head?.text(), '');
});
