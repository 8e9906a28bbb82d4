import http from 'node:http';
import test from 'tap';
import { startAppliance, type Appliance } from './appliance.js';

const ID = 'progressprogressprogre';

/** Reads a streamed document to its end. */
async function streamed(url: string): Promise<string> {
  const response = await fetch(url);
  return response.text();
}

/** Sends a form slowly, piece by piece, and resolves with the status. */
function slowUpload(appliance: Appliance, pieces: number, pause: number): Promise<number> {
  const head = `--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n`;
  const piece = Buffer.alloc(40_000, 'words ');
  const tail = '\r\n--b--\r\n';
  const length = head.length + pieces * piece.length + tail.length;
  return new Promise((resolve, reject) => {
    const request = http.request(`${appliance.base}/?progress=${ID}`, {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=b', 'Content-Length': length },
    });
    request.on('response', (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.write(head);
    let sent = 0;
    const timer = setInterval(() => {
      if (sent++ < pieces) request.write(piece);
      else {
        clearInterval(timer);
        request.end(tail);
      }
    }, pause);
  });
}

test.test(
  'the progress of an upload is told while it arrives, as a picture and as text, and ends with it',
  async (t) => {
    const appliance = await startAppliance();
    t.teardown(() => appliance.stop());
    const gif = fetch(`${appliance.base}/progress/${ID}.gif`).then(async (response) =>
      Buffer.from(await response.arrayBuffer()),
    );
    const text = streamed(`${appliance.base}/progress/${ID}`);
    t.equal(await slowUpload(appliance, 40, 100), 201);
    const picture = await gif;
    t.equal(picture.toString('latin1', 0, 6), 'GIF89a');
    t.equal(picture.at(-1), 0x3b, 'the picture ends');
    const frames = picture.toString('latin1').split('\x21\xf9\x04').length - 1;
    t.ok(frames >= 5, `${frames} frames`);
    const lines = [...(await text).matchAll(/<p>([^<]*)<\/p>/g)].map(([, line = '']) => line);
    t.ok(
      lines.some((line) => /\d+\u00a0?\s?% ?: .* of /.test(line) || / of .*MB/.test(line)),
      lines.join(' | '),
    );
    t.match(lines.at(-1), /Done/);
  },
);

test.test('an upload that is cut off says so, and nothing is held open for those who only ask', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const text = streamed(`${appliance.base}/progress/${ID}`);
  await new Promise<void>((resolve) => {
    const request = http.request(`${appliance.base}/?progress=${ID}`, {
      method: 'POST',
      headers: { 'Content-Type': 'multipart/form-data; boundary=b', 'Content-Length': 1_000_000 },
    });
    request.on('error', () => resolve());
    request.write(`--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nwords`);
    setTimeout(() => request.destroy(new Error('left')), 3500);
  });
  t.match(await text, /connection ended/);
  for (const name of ['short', `${ID}x`, 'progress-progress-prog', `${ID}.png`]) {
    t.equal((await fetch(`${appliance.base}/progress/${name}`)).status, 404, name);
  }
});

test.test('progress pictures are bounded in number, and places come free when readers leave', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const open = (name: string): Promise<http.IncomingMessage> =>
    new Promise((resolve, reject) => {
      http.get(`${appliance.base}/progress/${name}.gif`, { agent: false }, resolve).on('error', reject);
    });
  const names = Array.from({ length: 256 }, (_, at) => `place${String(at).padStart(17, '0')}`);
  const streams = await Promise.all(names.map(open));
  t.ok(streams.every(({ statusCode }) => statusCode === 200));
  const refused = await open(ID);
  t.equal(refused.statusCode, 503);
  t.ok(Number(refused.headers['retry-after']) > 0);
  for (const stream of [...streams, refused]) stream.destroy();
  let status = 0;
  for (let tries = 0; tries < 50 && status !== 200; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const again = await open(ID);
    status = again.statusCode ?? 0;
    again.destroy();
  }
  t.equal(status, 200);
});
