import net from 'node:net';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { parseShared, startAppliance, upload, picture, type Appliance } from './appliance.js';

const LARGE = Buffer.alloc(2_000_000, 'words ');

interface Slow {
  readonly request: ClientRequest;
  readonly answer: Promise<{ readonly status: number; readonly text: string }>;
}

/** An upload of which the first half is sent. */
async function halfSent({ base }: Appliance): Promise<Slow> {
  const { hostname, port } = new URL(base);
  const headers = { 'Content-Length': LARGE.length, Connection: 'keep-alive' };
  const sent = request({ hostname, port, method: 'PUT', path: '/note.txt', headers });
  const answer = (async () => {
    const [incoming] = (await once(sent, 'response')) as [IncomingMessage];
    const pieces = await incoming.toArray();
    return { status: incoming.statusCode ?? 0, text: Buffer.concat(pieces as Buffer[]).toString() };
  })();
  answer.catch(() => undefined);
  await new Promise<void>((resolve) => sent.write(LARGE.subarray(0, LARGE.length / 2), () => resolve()));
  await sleep(200);
  return { request: sent, answer };
}

async function elapsed(action: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await action();
  return performance.now() - began;
}

test.test(
  'an upload under way when the appliance is stopped is acknowledged, and is there after the restart',
  async (t) => {
    const appliance = await startAppliance({ settings: { CHATPIC_ANY_FILE: 'on' } });
    t.teardown(() => appliance.stop());
    const before = await upload(appliance.base, await picture(1));
    const slow = await halfSent(appliance);
    const closing = appliance.app.close(20_000);
    await sleep(300);
    await t.rejects(fetch(`${appliance.base}/`), 'nobody new is let in meanwhile');
    slow.request.end(LARGE.subarray(LARGE.length / 2));
    const { status, text } = await slow.answer;
    t.equal(status, 201);
    t.ok((await elapsed(() => closing)) < 5000, 'a kept connection holds nothing up once its answer has ended');
    await appliance.restart();
    const pathOf = (url: string): string => new URL(url).pathname;
    const got = await fetch(appliance.base + pathOf(parseShared(text).fileUrl));
    t.ok(Buffer.from(await got.arrayBuffer()).equals(LARGE));
    t.equal((await fetch(appliance.base + pathOf(before.fileUrl))).status, 200, 'and so is what was there before');
  },
);

test.test('an upload that does not end within the bound is cut, and nothing of it stays', async (t) => {
  const appliance = await startAppliance({ settings: { CHATPIC_ANY_FILE: 'on' } });
  t.teardown(() => appliance.stop());
  const slow = await halfSent(appliance);
  const took = await elapsed(() => appliance.app.close(500));
  t.ok(took >= 450 && took < 5000, `stopped after ${Math.round(took)} ms`);
  await t.rejects(slow.answer);
  await appliance.restart();
  t.equal(appliance.app.store.stats().live, 0);
});

test.test('a connection on which nothing came does not hold the stop up', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { hostname, port } = new URL(appliance.base);
  const silent = net.connect(Number(port), hostname);
  await once(silent, 'connect');
  await sleep(50);
  const ended = once(silent, 'close');
  t.ok((await elapsed(() => appliance.app.close(20_000))) < 5000);
  await ended;
});
