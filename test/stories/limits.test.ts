/** Limits without addresses: what is full makes room by letting go of who does nothing, and says so to the rest. */
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import test, { type Test } from 'tap';
import { formOf, loadOf, postForm, startAppliance, upload, type Appliance } from './appliance.js';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function started(t: Test, settings: Readonly<Record<string, string>>): Promise<Appliance> {
  const appliance = await startAppliance({ settings });
  t.teardown(() => appliance.stop());
  return appliance;
}

interface Raw {
  readonly socket: net.Socket;
  /** What came so far. */
  heard(): string;
  /** Resolves when the connection has ended. */
  readonly ended: Promise<unknown>;
}

/** A connection that sends `text` and does nothing more. */
async function raw(t: Test, { base }: Appliance, text = ''): Promise<Raw> {
  const { hostname, port } = new URL(base);
  const socket = net.connect(Number(port), hostname);
  let heard = '';
  socket.on('error', () => undefined);
  socket.on('data', (piece: Buffer) => void (heard += piece.toString('latin1')));
  const ended = once(socket, 'close');
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  if (text !== '') socket.write(text);
  return { socket, heard: () => heard, ended };
}

function within(ended: Promise<unknown>, milliseconds: number): Promise<boolean> {
  return Promise.race([ended.then(() => true), pause(milliseconds).then(() => false)]);
}

const PUT = (length: number): string => `PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

test.test('when connections are full, the oldest that has not finished its headers goes', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_CONNECTIONS: '16' });
  const silent: Raw[] = [];
  for (let i = 0; i < 40; i++) silent.push(await raw(t, appliance, i % 2 === 0 ? '' : 'GET / HTTP/1.1\r\nX: '));
  await pause(200);
  t.ok((await loadOf(appliance)).use.connections.now <= 16);
  t.ok(silent.slice(0, 20).every(({ socket }) => socket.destroyed));
  t.notOk(
    silent.slice(-10).some(({ socket }) => socket.destroyed),
    'the newest are still there',
  );
  t.equal((await fetch(`${appliance.base}/faq`)).status, 200);
  t.match((await upload(appliance.base, null, { fields: { note: 'words' } })).url, /view/);
  t.ok(Number((await loadOf(appliance)).turnedAway.connections) >= 24, 'counted');
});

test.test('connections that are at work are not cut for a new one, which is told', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_CONNECTIONS: '16' });
  const busy: Raw[] = [];
  for (let i = 0; i < 16; i++) {
    busy.push(
      await raw(
        t,
        appliance,
        `GET /progress/${'p'.repeat(21)}${String.fromCharCode(97 + i)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      ),
    );
  }
  await pause(200);
  const late = await raw(t, appliance);
  t.ok(await within(late.ended, 2000));
  t.match(late.heard(), /^HTTP\/1\.1 503 [^]*Retry-After: 10[^]*Try again in 10 seconds\.\n$/);
  t.notOk(busy.some(({ socket }) => socket.destroyed));
  busy[0]?.socket.destroy();
  await pause(100);
  t.equal((await fetch(`${appliance.base}/faq`)).status, 200);
});

const FORM =
  'POST /contact HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 500\r\n\r\nmess';

test.test('when connections are full of bodies that have only just begun, the oldest of them goes', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_CONNECTIONS: '16' });
  const forms: Raw[] = [];
  for (let i = 0; i < 16; i++) forms.push(await raw(t, appliance, FORM));
  await pause(200);
  t.match((await upload(appliance.base, null, { fields: { note: 'words' } })).url, /view/);
  t.ok(forms[0]?.socket.destroyed);
  t.notOk(forms.slice(-10).some(({ socket }) => socket.destroyed));
});

test.test('of bodies that are equally slow, the one that has just come goes last', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_CONNECTIONS: '40' });
  const forms: Raw[] = [];
  for (let i = 0; i < 39; i++) forms.push(await raw(t, appliance, FORM));
  await pause(200);
  appliance.clock.forward(2000);
  // All trickle on; the last sends no more, as one whose bytes nobody had time to read.
  const late = await raw(t, appliance, FORM);
  await pause(100);
  appliance.clock.forward(1500);
  for (const { socket } of forms) socket.write('a');
  await pause(100);
  t.equal((await fetch(`${appliance.base}/faq`)).status, 200);
  t.ok(
    forms.slice(0, 30).every(({ socket }) => socket.destroyed),
    'some at once, the oldest first',
  );
  t.notOk(late.socket.destroyed);
});

test.test('a stalled upload and a stalled small form are cut, and leave nothing', async (t) => {
  const appliance = await started(t, {});
  const free = appliance.app.store.arena.capacity().free;
  const file = await raw(t, appliance, PUT(1_000_000) + 'words '.repeat(50_000));
  const form = await raw(t, appliance, FORM);
  await pause(300);
  appliance.clock.forward(30_000);
  t.notOk(await within(Promise.race([file.ended, form.ended]), 1500), 'not before a minute is over');
  appliance.clock.forward(31_000);
  t.ok(await within(form.ended, 2500));
  t.notOk(file.socket.destroyed, 'in its first minute it was fast enough');
  appliance.clock.forward(61_000);
  t.ok(await within(file.ended, 2500));
  for (let i = 0; i < 50 && appliance.app.store.arena.capacity().free !== free; i++) await pause(20);
  t.equal(appliance.app.store.arena.capacity().free, free, 'no unit is kept');
  t.equal((await loadOf(appliance)).turnedAway.bodies, 'fewer than 10');
});

test.test('100 MB at 0.6 Mbit/s are taken, however long that is', async (t) => {
  const appliance = await started(t, { CHATPIC_FREE_MB: '100', CHATPIC_STORE_MB: '256' });
  const piece = Buffer.alloc(75_000, 'words ');
  const length = 100_000_000;
  const request = http.request(`${appliance.base}/a.txt`, { method: 'PUT', headers: { 'Content-Length': length } });
  const answered = once(request, 'response') as Promise<[http.IncomingMessage]>;
  for (let at = 0; at < length; at += piece.length) {
    if (!request.write(piece.subarray(0, length - at))) await once(request, 'drain');
    // A second goes by with each piece.
    appliance.clock.forward(1000);
    if (at % (20 * piece.length) === 0) await pause(60);
  }
  request.end();
  const [response] = await answered;
  response.resume();
  t.equal(response.statusCode, 201);
});

test.test('an upload takes a place when its body has got going, and is cut when it does not', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_UPLOADS: '2' });
  const trickles: Raw[] = [];
  for (let i = 0; i < 20; i++) trickles.push(await raw(t, appliance, PUT(500_000) + 'words '));
  await pause(200);
  t.equal((await loadOf(appliance)).use.uploads.now, 0);
  t.match((await upload(appliance.base, null, { fields: { note: 'words' } })).url, /view/);
  t.notOk(trickles.some(({ socket }) => socket.destroyed));
  trickles[0]?.socket.write('words '.repeat(30_000));
  await pause(200);
  t.equal((await loadOf(appliance)).use.uploads.now, 1);
  appliance.clock.forward(61_000);
  for (const { ended } of trickles.slice(1)) t.ok(await within(ended, 2500));
  t.notOk(trickles[0]?.socket.destroyed, 'that one was fast enough');
});

test.test('when all places are taken, the slowest upload gives its place to the next', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_UPLOADS: '4' });
  const free = appliance.app.store.arena.capacity().free;
  const slow: Raw[] = [];
  for (let i = 0; i < 4; i++) slow.push(await raw(t, appliance, PUT(5_000_000) + 'words '.repeat(3000)));
  await pause(200);
  t.equal((await loadOf(appliance)).use.uploads.now, 4);
  // All are below the rate that is asked for now; the last is the slowest.
  for (const { socket } of slow.slice(0, 3)) socket.write('words '.repeat(2000));
  await pause(100);
  appliance.clock.forward(3000);
  t.match((await upload(appliance.base, null, { fields: { note: 'words' } })).url, /view/);
  await pause(100);
  t.strictSame(
    slow.map(({ socket }) => socket.destroyed),
    [false, false, false, true],
  );
  // Those that come at a decent rate stay, and the next waits for a place and is asked to come back.
  const fourth = await raw(t, appliance, PUT(5_000_000) + 'words '.repeat(3000));
  const fast = setInterval(() => {
    for (const { socket } of [...slow, fourth]) if (!socket.destroyed) socket.write('words '.repeat(2000));
  }, 100);
  await pause(1000);
  const late = await fetch(`${appliance.base}/b.txt`, { method: 'PUT', body: 'words' });
  t.equal(late.status, 503);
  t.equal(late.headers.get('retry-after'), '10');
  t.match(await late.text(), /all places for uploads are taken/i);
  const patient = fetch(`${appliance.base}/b.txt`, { method: 'PUT', body: 'words' });
  await pause(500);
  fourth.socket.destroy();
  t.equal((await patient).status, 201, 'a place became free meanwhile');
  clearInterval(fast);
  for (const { socket } of slow) socket.destroy();
  for (let i = 0; i < 50 && (await loadOf(appliance)).use.uploads.now > 0; i++) await pause(20);
  t.equal(appliance.app.store.arena.capacity().free, free - 2, 'only the shares that were made are there');
  const { use, turnedAway } = await loadOf(appliance);
  t.match([use.uploads, turnedAway.uploads], [{ now: 0, most: 4 }, 'fewer than 10']);
});

test.test('uploads that say they bring more than there may be in flight wait for one another', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_UPLOAD_MB: '2' });
  const first = await raw(t, appliance, PUT(1_500_000) + 'words '.repeat(100_000));
  await pause(200);
  const second = await fetch(`${appliance.base}/b.txt`, { method: 'PUT', body: Buffer.alloc(600_000, 'words ') });
  t.equal(second.status, 503);
  t.equal((await fetch(`${appliance.base}/b.txt`, { method: 'PUT', body: 'words' })).status, 201);
  first.socket.destroy();
  await pause(200);
  const alone = await fetch(`${appliance.base}/b.txt`, { method: 'PUT', body: Buffer.alloc(2_500_000, 'words ') });
  t.equal(alone.status, 201, 'one alone may have more');
});

test.test('a reader who takes nothing is cut; one who reads slowly is not', async (t) => {
  const appliance = await started(t, {});
  const long = await upload(appliance.base, Buffer.alloc(20_000_000, 'words '), { name: 'a.txt' });
  const ask = `GET /file/${long.token} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const still = await raw(t, appliance);
  still.socket.pause();
  still.socket.write(ask);
  const slow = await raw(t, appliance);
  slow.socket.pause();
  slow.socket.write(ask);
  await pause(300);
  for (let i = 0; i < 8; i++) {
    appliance.clock.forward(50_000);
    slow.socket.resume();
    await pause(1100);
    slow.socket.pause();
    if (i === 0) t.notOk(still.socket.destroyed);
  }
  // A paused socket learns of its end when it reads on.
  still.socket.resume();
  t.ok(await within(still.ended, 2000));
  t.ok(still.heard().length < 20_000_000);
  slow.socket.resume();
  await within(slow.ended, 1000);
  t.ok(slow.heard().length > 20_000_000, 'all of it came');
});

test.test('answers that nobody reads are bounded in memory, and forms still come', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_ANSWER_MB: '1' });
  const long = await upload(appliance.base, Buffer.alloc(12_000_000, 'words '), { name: 'a.txt' });
  const readers: Raw[] = [];
  for (let i = 0; i < 80; i++) {
    const reader = await raw(t, appliance);
    reader.socket.pause();
    reader.socket.write(`GET /file/${long.token} HTTP/1.1\r\nHost: x\r\n\r\n`);
    readers.push(reader);
  }
  let refused = await fetch(long.url);
  for (let i = 0; i < 150 && refused.status === 200; i++) {
    await refused.arrayBuffer();
    await pause(200);
    refused = await fetch(long.url);
  }
  t.equal(refused.status, 503);
  t.match(await refused.text(), /wait for their readers/);
  t.equal((await fetch(`${appliance.base}/`)).status, 200);
  const cut = async (): Promise<boolean> => (await loadOf(appliance)).turnedAway.readers !== 0;
  for (let i = 0; i < 20 && !(await cut()); i++) {
    appliance.clock.forward(6000);
    await pause(1200);
  }
  t.ok(await cut(), 'who stood still has made room');
});

test.test('requests that were sent ahead end with their connection, and too many of them end it', async (t) => {
  const appliance = await started(t, {});
  const page = 'GET /faq HTTP/1.1\r\nHost: x\r\n\r\n';
  const stream = `GET /progress/${'p'.repeat(22)} HTTP/1.1\r\nHost: x\r\n\r\n`;
  // The first answer goes on: those behind it have no connection of their own yet.
  const ahead = await raw(t, appliance, stream + page.repeat(10));
  await pause(300);
  t.equal((await loadOf(appliance)).use.requests.now, 11);
  ahead.socket.destroy();
  await pause(300);
  t.equal((await loadOf(appliance)).use.requests.now, 0);
  const many = await raw(t, appliance, stream + page.repeat(100));
  t.ok(await within(many.ended, 2000));
  t.equal((await loadOf(appliance)).use.requests.now, 0);
  const few = await raw(t, appliance, page.repeat(5));
  await pause(300);
  t.equal(few.heard().split('HTTP/1.1 200').length - 1, 5, 'a few are answered, in order');
});

test.test('links that never expire have their part of the store, also when they come at once', async (t) => {
  const appliance = await started(t, { CHATPIC_NEVER_PERCENT: '10', CHATPIC_STORE_MB: '32', CHATPIC_FREE_MB: '2' });
  const { total } = appliance.app.store.arena.capacity();
  const send = async (expiry: string): Promise<number> =>
    (await postForm(appliance.base, formOf(null, { fields: { note: 'words', expiry } }))).status;
  const all = await Promise.all(Array.from({ length: 20 }, () => send('never')));
  t.equal(all.filter((status) => status === 201).length, Math.floor(total / 10));
  t.equal(all.filter((status) => status === 507).length, 20 - Math.floor(total / 10));
  t.equal(await send('1d'), 201, 'the rest is for the others');
  t.not((await loadOf(appliance)).turnedAway.never, 0);
});

test.test('wrong passphrases of a share are slowed after as many as are set', async (t) => {
  const appliance = await started(t, { CHATPIC_PASSPHRASE_TRIES: '3' });
  const locked = await upload(appliance.base, null, { fields: { note: 'words', passphrase: 'right' } });
  const open = (passphrase: string): Promise<Response> =>
    fetch(locked.fileUrl, { method: 'POST', body: new URLSearchParams({ passphrase }) });
  for (let i = 0; i < 3; i++) t.equal((await open('wrong')).status, 403);
  const slowed = await open('right');
  t.equal(slowed.status, 429);
  appliance.clock.forward(1000 * Number(slowed.headers.get('retry-after')));
  t.equal(await (await open('right')).text(), 'words');
});

test.test('progress pictures have seats, and uploads need none', async (t) => {
  const appliance = await started(t, { CHATPIC_MOST_PROGRESS: '2' });
  const watch = (last: string): Promise<Raw> =>
    raw(t, appliance, `GET /progress/${'p'.repeat(21)}${last}.gif HTTP/1.1\r\nHost: x\r\n\r\n`);
  const [first] = [await watch('a'), await watch('b')];
  await pause(100);
  const third = await fetch(`${appliance.base}/progress/${'p'.repeat(21)}c.gif`);
  t.equal(third.status, 503);
  t.match((await upload(appliance.base, null, { fields: { note: 'words' } })).url, /view/);
  first.socket.destroy();
  await pause(700);
  const fourth = await watch('d');
  await pause(100);
  t.match(fourth.heard(), /^HTTP\/1\.1 200/);
});
