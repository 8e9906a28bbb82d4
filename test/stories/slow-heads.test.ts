/** A connection that says nothing, or not enough, is closed in time on every kind of listener, and counted. */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import test from 'tap';
import { freePort } from '../ports.js';
import { loadOf, startAppliance } from './appliance.js';

const HEADERS = 1;
/** Seconds: what is set, how often Node looks, and a busy machine. */
const PATIENCE = HEADERS + 5 + 4;
const HALF = 'GET /faq HTTP/1.1\r\nHost: x\r\n';
/** The beginning of a TLS record that holds a ClientHello. */
const HELLO = Buffer.from('16030100f8010000f40303', 'hex');

interface Case {
  readonly socket: net.Socket;
  readonly first: string | Buffer;
  /** Comes again and again: no silence ends it. */
  readonly next?: string | Buffer;
}

/** Seconds until it was closed; Infinity = later than that. */
async function closed({ socket, first, next }: Case): Promise<number> {
  socket.on('error', () => undefined).resume();
  const begun = performance.now();
  const over = once(socket, 'close').then(() => (performance.now() - begun) / 1000);
  if (first.length > 0) socket.write(first);
  const trickle = setInterval(() => {
    if (next !== undefined && socket.writable) socket.write(next);
  }, 300);
  const timer = setTimeout(() => socket.destroy(), PATIENCE * 1000);
  const took = await over;
  clearInterval(trickle);
  clearTimeout(timer);
  return took < PATIENCE - 0.1 ? took : Infinity;
}

test.test('who does not send a whole head in time is closed, whatever came before it', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-heads-'));
  const port = await freePort();
  const mirror = {
    CHATPIC_MIRROR_LISTEN: `127.0.0.1:${port}`,
    CHATPIC_MIRROR_ORIGIN: 'https://mirror.example',
    CHATPIC_TLS_CERT: path.join(dir, 'cert.pem'),
    CHATPIC_TLS_KEY: path.join(dir, 'key.pem'),
  };
  const settings = { CHATPIC_HEADER_SECONDS: String(HEADERS) };
  const tcp = await startAppliance({ settings: { ...settings, ...mirror } });
  t.teardown(() => tcp.stop());
  const unix = await startAppliance({ settings: { ...settings, CHATPIC_LISTEN: `unix:${dir}/senders.sock` } });
  t.teardown(() => unix.stop());

  const plain = (): net.Socket => net.connect(Number(new URL(tcp.base).port), '127.0.0.1');
  const local = (): net.Socket => net.connect(path.join(dir, 'senders.sock'));
  const raw = (): net.Socket => net.connect(port, '127.0.0.1');
  const secure = (): net.Socket => tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
  const cases: Readonly<Record<string, Case>> = {
    'TCP, nothing': { socket: plain(), first: '' },
    'TCP, half a head': { socket: plain(), first: HALF },
    'TCP, a head that trickles': { socket: plain(), first: HALF, next: 'X: y\r\n' },
    'Unix, nothing': { socket: local(), first: '' },
    'Unix, half a head': { socket: local(), first: HALF },
    'Unix, a head that trickles': { socket: local(), first: HALF, next: 'X: y\r\n' },
    'mirror, not a byte': { socket: raw(), first: '' },
    'mirror, half a ClientHello': { socket: raw(), first: HELLO },
    'mirror, a ClientHello that trickles': { socket: raw(), first: HELLO, next: Buffer.from([0]) },
    'mirror, a handshake and nothing': { socket: secure(), first: '' },
    'mirror, a handshake and half a head': { socket: secure(), first: HALF },
    'mirror, a handshake and a head that trickles': { socket: secure(), first: HALF, next: 'X: y\r\n' },
  };
  const took = await Promise.all(Object.entries(cases).map(async ([name, it]) => [name, await closed(it)] as const));
  for (const [name, seconds] of took) {
    t.ok(seconds < Infinity, `${name}: closed`);
    t.ok(seconds > HEADERS * 0.9, `${name}: not before its time`);
  }
  for (const { turnedAway, use } of await Promise.all([tcp, unix].map(loadOf))) {
    t.equal(turnedAway.headers, 'fewer than 10', 'counted');
    t.equal(use.connections.now, 0);
  }
});
