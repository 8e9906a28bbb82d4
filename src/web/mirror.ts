/**
 * The clearnet mirror's listener: TLS 1.3 and nothing older. A visitor who comes in plain http to the same port gets a
 * redirect and nothing else.
 *
 * Which of the two speaks shows in the first byte: a TLS handshake begins with 0x16, which no HTTP method does.
 */
import https from 'node:https';
import type { RequestListener } from 'node:http';
import net, { type Server as NetServer, type Socket } from 'node:net';
import { configureServer, SERVER_OPTIONS, type Mannered, type Patience } from './listen.js';

const HANDSHAKE = 0x16;
const RECORD_HEAD = 5;
/** A longer one is no TLS, and TLS says so. */
const MOST_RECORD = RECORD_HEAD + 16_384;

export interface TlsFiles {
  /** PEM. */
  readonly certificate: string | Buffer;
  readonly key: string | Buffer;
}

export interface MirrorServer {
  /** Listens, and hands connections on. */
  readonly front: NetServer;
  readonly secure: Mannered;
}

/** A server that hands connections to TLS, or answers them with a redirect to `origin`. */
export function mirrorServer(
  handler: RequestListener,
  { certificate, key }: TlsFiles,
  origin: string,
  patience: Patience,
): MirrorServer {
  // Before the first request time runs out for handshakes as for heads: in connections.ts, whatever trickles in.
  const tls = { cert: certificate, key, minVersion: 'TLSv1.3', handshakeTimeout: 0 } as const;
  const options = { ...SERVER_OPTIONS, headersTimeout: patience.headers, ...tls };
  const secure = configureServer(https.createServer(options), handler, patience);
  // It listens to nothing itself; only when told that it does, it keeps the list of its connections that residue.ts needs.
  secure.server.emit('listening');
  const front = net.createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    whenSpoken(socket, (first) => {
      if (first[0] === HANDSHAKE) {
        socket.unshift(first);
        secure.server.emit('connection', socket);
      } else {
        redirect(socket, origin, first);
      }
    });
  });
  return { front, secure };
}

/**
 * Calls `then` with what came first: of a handshake, its whole first record. Before that a connection has no state of TLS, which
 * takes 50 KB in small pieces that the C library does not give back to the system.
 */
function whenSpoken(socket: Socket, then: (first: Buffer) => void): void {
  let held: Buffer = Buffer.alloc(0);
  const close = (): void => void socket.destroy();
  const read = (): void => {
    for (let piece = socket.read() as Buffer | null; piece !== null; piece = socket.read() as Buffer | null)
      held = Buffer.concat([held, piece]);
    if (held.length < spokenLength(held)) return;
    socket.off('readable', read).off('end', close);
    then(held);
  };
  socket.on('readable', read).on('end', close);
}

/** A record is five bytes, the last two of which are the length of the rest (RFC 8446, 5.1); of HTTP one byte says enough. */
function spokenLength(held: Buffer): number {
  if (held[0] !== HANDSHAKE) return 1;
  return held.length < RECORD_HEAD ? RECORD_HEAD : Math.min(RECORD_HEAD + held.readUInt16BE(3), MOST_RECORD);
}

/** The path is kept where the request's first line is whole and plain; anything else leads to the front page. */
function redirect(socket: Socket, origin: string, first: Buffer): void {
  const path = /^(?:GET|HEAD) (\/[\w./~?=&%-]*) HTTP\/1\.[01]\r\n/.exec(first.toString('latin1'))?.[1] ?? '/';
  first.fill(0);
  const head = [
    'HTTP/1.1 301 Moved Permanently',
    `Location: ${origin}${path}`,
    'Cache-Control: no-store',
    'Content-Length: 0',
  ];
  socket.end([...head, 'Connection: close', '', ''].join('\r\n'));
}
