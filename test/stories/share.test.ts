import { execFile, execFileSync } from 'node:child_process';
import { promisify } from 'node:util';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import test, { type Test } from 'tap';
import { sha256 } from '../../src/crypto/hash.js';
import { needs } from '../needs.js';
import { answerOf, parseShared, picture, startAppliance, upload, type Appliance } from './appliance.js';

const HOUR = 3_600_000;

/** As a phone makes it: 12 megapixels, with a place, a camera, an owner and a thumbnail. */
async function phonePhoto(dir: string): Promise<string> {
  const file = path.join(dir, 'IMG_20261124_120000.jpg');
  const noise = Buffer.alloc(400 * 300 * 3, 0).map((_, i) => (i * 2654435761) >>> 24);
  const image = sharp(noise, { raw: { width: 400, height: 300, channels: 3 } }).resize(4000, 3000);
  writeFileSync(file, await image.withMetadata({ orientation: 6 }).jpeg({ quality: 92 }).toBuffer());
  const thumbnail = path.join(dir, 'thumb.jpg');
  writeFileSync(
    thumbnail,
    await sharp(noise, { raw: { width: 400, height: 300, channels: 3 } })
      .resize(160)
      .jpeg()
      .toBuffer(),
  );
  execFileSync('exiftool', [
    ...[
      '-q',
      '-overwrite_original',
      '-GPSLatitude=48.137',
      '-GPSLatitudeRef=N',
      '-GPSLongitude=11.575',
      '-Make=PlantedMake',
    ],
    ...['-Model=PlantedModel', '-SerialNumber=PlantedSerial', '-Artist=PlantedArtist', '-Comment=PlantedComment'],
    ...[
      '-DateTimeOriginal=2026:11:24 12:00:00',
      '-XMP:Creator=PlantedCreator',
      '-IPTC:City=PlantedCity',
      `-ThumbnailImage<=${thumbnail}`,
      file,
    ],
  ]);
  return file;
}

test.test(
  'a 12-megapixel phone photo goes in by curl in one command and comes out with its pixels and no metadata',
  needs('exiftool'),
  async (t) => {
    const appliance = await startAppliance({ settings: { CHATPIC_STORE_MB: '128' } });
    t.teardown(() => appliance.stop());
    const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-photo-'));
    const file = await phonePhoto(dir);
    const shared = parseShared((await promisify(execFile)('curl', ['-sS', '-T', file, `${appliance.base}/`])).stdout);
    t.match(shared.url, new RegExp(`^${appliance.base}/view/[0-9A-Za-z]{16}$`));
    t.match(shared.deleteToken, /^[0-9A-Za-z]{24}$/);
    const got = Buffer.from(await (await fetch(shared.fileUrl)).arrayBuffer());
    t.match(
      shared.text,
      new RegExp(`^sha256: ${sha256(got).toString('hex')}$`, 'm'),
      'the hash is that of the bytes served',
    );
    const pixels = async (bytes: Buffer): Promise<Buffer> => sharp(bytes).raw().toBuffer();
    t.ok((await pixels(got)).equals(await pixels(readFileSync(file))), 'every pixel is the same');
    t.equal((await sharp(got).metadata()).orientation, 6, 'the orientation is kept');
    t.notMatch(got.toString('latin1'), /Planted/);
    const out = path.join(dir, 'out.jpg');
    writeFileSync(out, got);
    const tags = execFileSync('exiftool', ['-a', '-u', '-G1', '-s', '-ee', out], { encoding: 'utf8' });
    const described = tags.split('\n').filter((line) => !/^\[(System|ExifTool|ICC)/.test(line));
    t.notMatch(described.join('\n'), /GPS|Make|Model|Serial|Artist|Comment|Date\/?Time|XMP|IPTC|Thumbnail/);
    await diesByDeletion(t, appliance, shared);
  },
);

async function diesByDeletion(t: Test, { base }: Appliance, shared: ReturnType<typeof parseShared>): Promise<void> {
  t.equal((await fetch(shared.deleteUrl)).status, 200, 'looking at the page changes nothing');
  t.equal((await fetch(shared.fileUrl)).status, 200);
  t.equal((await fetch(shared.deleteUrl, { method: 'DELETE' })).status, 200);
  const unknown = await answerOf(await fetch(`${base}/file/${'Z'.repeat(16)}`));
  t.equal(await answerOf(await fetch(shared.fileUrl)), unknown);
}

test.test('every dead link answers alike, byte for byte, whatever killed it', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base, clock } = appliance;
  const note = { note: 'words' };
  const expired = await upload(base, null, { fields: { ...note, expiry: '1h' } });
  const deleted = await upload(base, null, { fields: note });
  const burned = await upload(base, null, { fields: { ...note, expiry: 'burn' } });
  const usedUp = await upload(base, null, { fields: { ...note, views: '1' } });
  await fetch(deleted.deleteUrl, { method: 'DELETE' });
  await fetch(burned.fileUrl, { method: 'POST' });
  await fetch(usedUp.fileUrl, { method: 'POST' });
  clock.forward(HOUR + 1);
  const dead = [
    expired.token,
    deleted.token,
    burned.token,
    usedUp.token,
    'Q'.repeat(16),
    'short',
    'x'.repeat(400),
    '%00%ff',
    '..%2f..',
  ];
  for (const accept of ['text/html', 'application/json', '*/*']) {
    for (const [method, path] of [
      ['GET', 'view'],
      ['POST', 'view'],
      ['GET', 'file'],
      ['POST', 'file'],
      ['HEAD', 'file'],
      ['GET', 'delete'],
      ['POST', 'delete'],
      ['DELETE', 'delete'],
    ] as const) {
      const answers = new Set<string>();
      for (const token of dead) {
        answers.add(await answerOf(await fetch(`${base}/${path}/${token}`, { method, headers: { Accept: accept } })));
      }
      t.equal(answers.size, 1, `${method} /${path} as ${accept}`);
      t.match([...answers][0], /^404/);
    }
  }
});

test.test('a link dies at the second of its expiry, and what is being sent then ends', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base, clock } = appliance;
  for (const [expiry, life] of [
    ['1h', HOUR],
    ['1d', 24 * HOUR],
    ['1w', 168 * HOUR],
    ['burn', 168 * HOUR],
  ] as const) {
    const shared = await upload(base, null, { fields: { note: 'words', expiry } });
    clock.forward(life - 3000);
    t.not((await fetch(shared.fileUrl)).status, 404, `${expiry}: three seconds before`);
    clock.forward(3000);
    t.equal((await fetch(shared.fileUrl)).status, 404, `${expiry}: at its time`);
  }
  const never = await upload(base, null, { fields: { note: 'words', expiry: 'never' } });
  t.match(never.text, /^expires: never$/m);
  clock.forward(400 * 24 * HOUR);
  t.equal((await fetch(never.fileUrl)).status, 200);
});

test.test('the default is one day, and the time that is told is never before the true one', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const before = appliance.app.store.ledger.now();
  const shared = await upload(appliance.base, null, { fields: { note: 'words' } });
  const told = Date.parse(/^expires: (.*)$/m.exec(shared.text)?.[1] ?? '');
  t.ok(told >= before + 24 * HOUR && told <= before + 24 * HOUR + 61_000, new Date(told).toISOString());
  t.equal(told % 60_000, 0, 'in whole minutes');
});

test.test('an album is one link with every item, in order, and one archive', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const form = new FormData();
  form.set('caption', 'three things');
  for (const [index, name] of ['one.jpg', 'two.jpg'].entries()) {
    form.append('file', new Blob([new Uint8Array(await picture(index + 1))]), name);
  }
  form.set('note', 'and words\r\nin two lines');
  const response = await fetch(`${appliance.base}/`, {
    method: 'POST',
    body: form,
    headers: { Accept: 'application/json' },
  });
  t.equal(response.status, 201);
  const json = (await response.json()) as { url: string; files: { name: string; type: string; sha256: string }[] };
  t.strictSame(
    json.files.map(({ name, type }) => [name, type]),
    [
      ['one.jpg', 'image/jpeg'],
      ['two.jpg', 'image/jpeg'],
      ['note.txt', 'text/plain'],
    ],
  );
  const file = json.url.replace('/view/', '/file/');
  for (const [index, { sha256: told }] of json.files.entries()) {
    const bytes = Buffer.from(await (await fetch(`${file}/${index + 1}`)).arrayBuffer());
    t.equal(sha256(bytes).toString('hex'), told);
  }
  t.equal(await (await fetch(`${file}/3`)).text(), 'and words\nin two lines');
  for (const number of ['0', '4', '-1', '1e0', '99999', 'x'])
    t.equal((await fetch(`${file}/${number}`)).status, 404, number);
  const zip = Buffer.from(await (await fetch(file)).arrayBuffer());
  for (const name of ['one.jpg', 'two.jpg', 'note.txt']) t.ok(zip.includes(name));
  t.equal((await fetch(file, { method: 'HEAD' })).headers.get('content-length'), String(zip.length));
  const page = await (await fetch(json.url, { headers: { Accept: 'text/html' } })).text();
  t.match(page, 'three things');
});

test.test('ranges, conditions and HEAD do what RFC 9110 says', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => 32 + (i % 90)));
  const shared = await upload(appliance.base, bytes, { name: 'long.txt' });
  const get = (headers: Record<string, string>, method = 'GET'): Promise<Response> =>
    fetch(shared.fileUrl, { method, headers });
  const whole = await get({});
  const tag = whole.headers.get('etag') ?? '';
  t.match(tag, /^"[\w-]{20}"$/);
  t.ok(Buffer.from(await whole.arrayBuffer()).equals(bytes));
  for (const [range, start, end] of [
    ['bytes=0-0', 0, 1],
    ['bytes=0-', 0, 50_000],
    ['bytes=16383-16385', 16383, 16386],
    ['bytes=49999-', 49_999, 50_000],
    ['bytes=-1', 49_999, 50_000],
    ['bytes=100-999999', 100, 50_000],
  ] as const) {
    const part = await get({ Range: range });
    t.equal(part.status, 206, range);
    t.equal(part.headers.get('content-range'), `bytes ${start}-${end - 1}/50000`);
    t.ok(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(start, end)), range);
  }
  t.equal((await get({ Range: 'bytes=50000-' })).status, 416);
  t.equal((await get({ Range: 'bytes=5-1' })).status, 416);
  t.equal((await get({ Range: 'lines=1-2' })).status, 200);
  t.equal((await get({ Range: 'bytes=0-1,5-6' })).status, 200, 'of several ranges: the whole');
  t.equal((await get({ Range: 'bytes=0-1', 'If-Range': tag })).status, 206);
  t.equal((await get({ Range: 'bytes=0-1', 'If-Range': '"other"' })).status, 200);
  t.equal((await get({ 'If-None-Match': tag })).status, 304);
  const head = await get({}, 'HEAD');
  t.equal(head.headers.get('content-length'), '50000');
  t.equal((await head.arrayBuffer()).byteLength, 0);
  t.match(
    (await fetch(`${shared.fileUrl}?download`)).headers.get('content-disposition'),
    /^attachment; filename="?long.txt"?$/,
  );
});

test.test('the sender sees the state, shortens the life and deletes, and a GET changes nothing', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base, clock } = appliance;
  const shared = await upload(base, null, { fields: { note: 'words', views: '2' } });
  const state = async (): Promise<Record<string, unknown>> => {
    const target = `${appliance.base}/delete/${shared.deleteToken}`;
    return (await (await fetch(target, { headers: { Accept: 'application/json' } })).json()) as Record<string, unknown>;
  };
  t.match(await state(), { opened: false, views_left: 2 });
  await fetch(shared.fileUrl, { method: 'POST' });
  // That it was opened is put on record a moment later; how many views are left is there at once.
  t.match(await state(), { views_left: 1 });
  for (let i = 0; i < 100 && (await state())['opened'] !== true; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  t.match(await state(), { opened: true, views_left: 1 });
  const act = (fields: Record<string, string>): Promise<Response> =>
    fetch(`${appliance.base}/delete/${shared.deleteToken}`, { method: 'POST', body: new URLSearchParams(fields) });
  t.equal((await act({ action: 'shorten', expiry: '1w' })).status, 200);
  const day = (await state())['expires'];
  t.equal((await act({ action: 'shorten', expiry: '1h' })).status, 200);
  t.not((await state())['expires'], day, 'a longer life changed nothing, a shorter one did');
  t.equal((await act({ action: 'shorten', expiry: 'never' })).status, 400);
  t.equal((await act({ action: 'explode' })).status, 400);
  await appliance.restart();
  t.match(await state(), { opened: true, views_left: 1 }, 'after a restart all of it is as it was');
  const page = await fetch(`${appliance.base}/delete`, {
    method: 'POST',
    body: new URLSearchParams({ token: ` ${shared.deleteToken} ` }),
    headers: { Accept: 'text/html' },
  });
  t.match(await page.text(), /action" value="delete"/, 'a typed token opens its page');
  t.equal(
    (
      await fetch(`${appliance.base}/delete/${shared.deleteToken}`, {
        method: 'POST',
        body: new URLSearchParams({ action: 'delete' }),
      })
    ).status,
    200,
  );
  clock.forward(1);
  t.equal((await fetch(`${appliance.base}/delete/${shared.deleteToken}`)).status, 404);
});

test.test('an upload that a browser sends again makes one share, and another file makes another', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const send = async (id: string, note: string): Promise<string> => {
    const form = new FormData();
    form.set('note', note);
    const response = await fetch(`${appliance.base}/?progress=${id}`, { method: 'POST', body: form });
    return (await response.text()).split('\n').slice(0, 2).join('\n');
  };
  const id = 'abcdefghijklmnopqrstuv';
  const [first, second] = await Promise.all([send(id, 'same'), send(id, 'same')]);
  t.equal(first, second, 'a double click: one link, one deletion token');
  t.equal(await send(id, 'same'), first, 'a reload of the receipt');
  t.not(await send(id, 'other'), first, 'the same form with something else in it');
  t.not(await send('b'.repeat(22), 'same'), first, 'the same words by another form');
  t.equal(appliance.app.store.ledger.live, 3);
  const [url = '', deletion = ''] = first.split('\n');
  await fetch(deletion.replace('delete: ', ''), { method: 'DELETE' });
  t.not(await send(id, 'same'), first, 'a dead share is not given again');
  t.equal((await fetch(url)).status, 404);
});

test.test('options come as headers with PUT, in the words of the field', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const put = async (headers: Record<string, string>): Promise<Response> =>
    fetch(`${base}/letter.txt`, { method: 'PUT', body: 'words', headers });
  const state = async (response: Response): Promise<Record<string, unknown>> => {
    const target = response.headers.get('x-url-delete') ?? '';
    return (await (await fetch(target, { headers: { Accept: 'application/json' } })).json()) as Record<string, unknown>;
  };
  t.match(await state(await put({ 'Max-Downloads': '4', 'Max-Days': '2' })), { views_left: 4 });
  t.match(await state(await put({ 'X-Views': '5', 'X-Expiry': '1h' })), { views_left: 5 });
  t.match(await state(await put({ 'X-Expiry': 'never' })), { expires: null });
  const locked = await put({ 'X-Passphrase': 'pass', 'X-Caption': 'caption' });
  t.match(locked.headers.get('location'), /\/view\//);
  t.equal(
    (await fetch((locked.headers.get('location') ?? '').replace('/view/', '/file/'), { method: 'POST' })).status,
    403,
  );
  t.equal((await put({ 'X-Expiry': 'soon' })).status, 400);
  const hours = await fetch(`${base}/`, { method: 'POST', body: new URLSearchParams({ note: 'words', expires: '2' }) });
  const told = Date.parse(hours.headers.get('x-expires') ?? '');
  t.ok(Math.abs(told - Date.now() - 2 * HOUR) < 90_000);
});
