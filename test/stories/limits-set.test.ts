/** Limits that are set: each with its answer and its counter. The others are in limits.test.ts and slow-heads.test.ts. */
import { once } from 'node:events';
import net from 'node:net';
import test, { type Test } from 'tap';
import { formOf, loadOf, picture, postForm, startAppliance, type Appliance } from './appliance.js';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function started(t: Test, settings: Readonly<Record<string, string>>): Promise<Appliance> {
  const appliance = await startAppliance({ settings });
  t.teardown(() => appliance.stop());
  return appliance;
}

test.test('the least rate of a body is what is set', async (t) => {
  const appliance = await started(t, { CHATPIC_LEAST_RATE: '5000' });
  const { hostname, port } = new URL(appliance.base);
  const socket = net.connect(Number(port), hostname);
  socket.on('error', () => undefined).resume();
  const ended = once(socket, 'close').then(() => true);
  socket.write('PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n' + 'words '.repeat(100_000));
  await pause(300);
  appliance.clock.forward(61_000);
  await pause(1500);
  t.notOk(socket.destroyed, '600 kB in a minute are enough');
  socket.write('words '.repeat(20_000));
  await pause(300);
  appliance.clock.forward(61_000);
  t.ok(await Promise.race([ended, pause(2500)]), '120 kB are not');
  t.equal((await loadOf(appliance)).turnedAway.bodies, 'fewer than 10');
});

test.test('pictures that wait for a decoder are as many as are set, and the next is told to come back', async (t) => {
  const appliance = await started(t, { CHATPIC_DECODERS: '1', CHATPIC_DECODER_QUEUE: '1' });
  const photos = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => picture(seed, 2000, 1500)));
  const answers = await Promise.all(photos.map((photo) => postForm(appliance.base, formOf(photo))));
  const busy = answers.filter(({ status }) => status === 503);
  t.ok(answers.some(({ status }) => status === 201));
  t.ok(busy.length >= 1);
  t.match(busy[0]?.headers.get('retry-after'), /^\d+$/);
  t.equal((await loadOf(appliance)).turnedAway.decoders, 'fewer than 10');
});

test.test('a circuit has as many requests, uploads and connections as are set', async (t) => {
  const appliance = await started(t, {
    CHATPIC_LISTEN_PROXY: 'haproxy',
    CHATPIC_CIRCUIT_REQUESTS: '3',
    CHATPIC_CIRCUIT_UPLOADS: '1',
    CHATPIC_CIRCUIT_CONNECTIONS: '2',
  });
  const { hostname, port } = new URL(appliance.base);
  const say = async (circuit: number, text: string): Promise<{ socket: net.Socket; heard: () => string }> => {
    const socket = net.connect(Number(port), hostname);
    let heard = '';
    socket.on('error', () => undefined).on('data', (piece: Buffer) => void (heard += piece.toString('latin1')));
    t.teardown(() => socket.destroy());
    socket.write(`PROXY TCP6 fc00:dead:beef:4dad::0:${circuit.toString(16)} ::1 ${circuit} 80\r\n${text}`);
    await pause(300);
    return { socket, heard: () => heard };
  };
  const page = 'GET /robots.txt HTTP/1.1\r\nHost: x\r\n\r\n';
  const asked = await say(1, page.repeat(4));
  t.equal(asked.heard().split('HTTP/1.1 200').length - 1, 3);
  t.match(asked.heard(), /HTTP\/1\.1 429 [^]*Retry-After: \d+/);
  t.match((await say(2, page)).heard(), /^HTTP\/1\.1 200/, 'another circuit is another matter');
  const put = 'PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\nwords';
  const first = await say(3, put);
  t.match((await say(3, put)).heard(), /^HTTP\/1\.1 429 /, 'one upload at a time');
  const third = await say(3, page);
  await pause(200);
  t.ok(third.socket.destroyed || third.socket.closed, 'two connections at a time');
  t.notOk(first.socket.destroyed);
  const { turnedAway } = await loadOf(appliance);
  t.equal(turnedAway.circuit, 'fewer than 10');
});
