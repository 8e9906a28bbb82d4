/** What must never be on a disk or in the output: searched for after a session with everything in it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { startProcess } from '../recovery/process.js';
import { filesBelow, formOf, parseShared, picture, postForm } from '../stories/appliance.js';
import { found, formsOf, words, type Needle } from './needles.js';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

test.test('the searcher finds a word in every form', (t) => {
  const needle = words('planted', 'a-planted-word-0123456789');
  for (const { form, bytes } of formsOf(needle)) {
    const hay = new Map([['file', Buffer.concat([Buffer.alloc(1000, 7), bytes, Buffer.alloc(10)])]]);
    t.ok(
      found([needle], hay).some((hit) => hit.includes(`(${form})`)),
      form,
    );
  }
  for (let shift = 0; shift < 3; shift++) {
    const coded = Buffer.from(
      Buffer.concat([Buffer.from('xyz'.slice(0, shift)), needle.bytes, Buffer.from('tail')]).toString('base64'),
    );
    t.not(found([needle], new Map([['file', coded]])).length, 0, `inside Base64, shifted by ${shift}`);
  }
  t.strictSame(found([needle], new Map([['file', Buffer.alloc(5000, 1)]])), []);
  t.end();
});

test.test(
  'after a session with rounds, no link, token, name, caption, word or pixel is in any file or in the output',
  async (t) => {
    const dir = await mkdtemp(path.join(tmpdir(), 'chatpic-traces-'));
    t.teardown(() => rm(dir, { recursive: true, force: true }));
    const life = startProcess({
      CHATPIC_DATA_DIR: path.join(dir, 'var'),
      CHATPIC_LISTEN: '127.0.0.1:0',
      CHATPIC_STORE_MB: '32',
      CHATPIC_ROLL_SECONDS: '1',
      TMPDIR: dir,
    });
    const base = await life.ready;
    await pause(1500);
    const before = new Map([...(await filesBelow(dir))].map(([name, bytes]) => [name, bytes.length]));
    const needles: Needle[] = [
      words('file name', 'unmistakable-holiday-name'),
      words('caption', 'an unmistakable caption'),
      words('note', 'unmistakable words of a note'),
      words('passphrase', 'unmistakable passphrase'),
      words('user agent', 'UnmistakableAgent/1.0'),
      words('forwarded address', '203.0.113.77'),
      words('report path', 'unmistakable-path'),
      words('query', 'unmistakable-query'),
      words('client name', 'client-said-unmistakable'),
    ];
    const headers = {
      'User-Agent': 'UnmistakableAgent/1.0',
      'X-Forwarded-For': '203.0.113.77',
      Forwarded: 'for=203.0.113.77',
    };
    const photo = await picture(5);
    const send = async (bytes: Uint8Array | null, fields: Record<string, string>) => {
      const form = formOf(bytes, {
        name: 'unmistakable-holiday-name.jpg',
        fields: { caption: 'an unmistakable caption', ...fields },
      });
      const shared = parseShared(await (await postForm(base, form, headers)).text());
      needles.push(words('link token', shared.token), words('deletion token', shared.deleteToken));
      return shared;
    };
    const note = { note: 'unmistakable words of a note' };
    const plain = await send(photo, {});
    const served = Buffer.from(await (await fetch(plain.fileUrl, { headers })).arrayBuffer());
    for (let at = 700; at + 24 < served.length; at += Math.ceil(served.length / 12)) {
      needles.push({ name: `pixels at ${at}`, bytes: served.subarray(at, at + 24) });
    }
    const burned = await send(null, { ...note, expiry: 'burn' });
    const locked = await send(photo, { passphrase: 'unmistakable passphrase', views: '2' });
    const deleted = await send(null, note);
    await fetch(burned.fileUrl, { method: 'POST', headers });
    await fetch(locked.fileUrl, {
      method: 'POST',
      body: new URLSearchParams({ passphrase: 'unmistakable passphrase x' }),
    });
    await (
      await fetch(locked.url, {
        method: 'POST',
        headers: { ...headers, Accept: 'text/html' },
        body: new URLSearchParams({ passphrase: 'unmistakable passphrase' }),
      })
    ).text();
    await fetch(deleted.deleteUrl, { method: 'DELETE', headers });
    await fetch(`${base}/unmistakable-path?unmistakable-query=1`, { headers });
    await fetch(`${base}/view/unmistakable-path`, { method: 'POST', headers });
    await fetch(`${base}/client-said-unmistakable`, {
      method: 'PUT',
      body: Buffer.from('%PDF-1.7 \0unmistakable words of a note'),
      headers,
    });
    await postForm(base, formOf(Buffer.alloc(300), { name: 'client-said-unmistakable.png' }), headers);
    await pause(2500);
    const during = await filesBelow(dir);
    t.strictSame(found(needles, during), [], 'while it runs');
    t.strictSame(found(needles, new Map([['output', Buffer.from(life.output())]])), []);
    t.equal(await life.stop(), 0);
    t.strictSame(found(needles, await filesBelow(dir)), [], 'after it was stopped');
    t.strictSame(found(needles, new Map([['output', Buffer.from(life.output())]])), []);
    const after = new Map([...(await filesBelow(dir))].map(([name, bytes]) => [name, bytes.length]));
    t.strictSame([...after].sort(), [...before].sort(), 'the names, sizes and number of files never change');
    for (const line of life
      .output()
      .split('\n')
      .filter((said) => said.startsWith('chatpic:'))) {
      t.match(line, /^chatpic: [a-z-]+( code=-?\d+)*$/, 'the logger says fixed words and numbers');
    }
  },
);

test.test('a used store and an empty one look the same: noise of one size', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'chatpic-noise-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const life = startProcess({ CHATPIC_DATA_DIR: dir, CHATPIC_LISTEN: '127.0.0.1:0', CHATPIC_STORE_MB: '32' });
  const base = await life.ready;
  await pause(1000);
  await postForm(base, formOf(Buffer.alloc(2_000_000, 'a'), { name: 'a.txt' }));
  await life.stop();
  for (const [name, bytes] of await filesBelow(dir)) {
    if (name.startsWith('key')) continue;
    const counts = new Uint32Array(256);
    for (const byte of bytes) counts[byte] = (counts[byte] ?? 0) + 1;
    const expected = bytes.length / 256;
    const chi = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
    // 255 degrees of freedom: mean 255, deviation 22.6; noise is beyond eight deviations once in a lifetime of universes.
    t.ok(Math.abs(chi - 255) < 8 * 22.6, `${name}: ${chi.toFixed(0)}`);
  }
});
