/**
 * HTTP servers with the manners of this appliance: no date, no limit on the whole time of an upload, connections kept
 * long enough for Tor, and an answer to unreadable requests that is as bare as any other.
 */
import { chmod, rm } from 'node:fs/promises';
import http, { type RequestListener, type Server } from 'node:http';
import { Socket, type AddressInfo, type Server as NetServer } from 'node:net';
import { MINUTE, SECOND } from '../base/units.js';
import type { Listen } from '../config/environment.js';
import { inheritedSocket } from './inherited-sockets.js';
import { Residue } from './residue.js';

/** A circuit that is kept costs nothing; a new one costs a visitor half a second. */
const KEEP_ALIVE = 75 * SECOND;
const HEADERS_TIMEOUT = MINUTE;
const MOST_HEADER_BYTES = 16 * 1024;

const BAD_REQUEST = [
  'HTTP/1.1 400 Bad Request',
  "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'X-Content-Type-Options: nosniff',
  'Referrer-Policy: same-origin',
  'Cross-Origin-Resource-Policy: same-origin',
  'Cross-Origin-Opener-Policy: same-origin',
  'Cache-Control: no-store',
  'X-Robots-Tag: noindex',
  'Content-Type: text/plain; charset=utf-8',
  'Content-Length: 31',
  'Connection: close',
  '',
  'The request could not be read.\n',
].join('\r\n');

export const SERVER_OPTIONS = {
  keepAliveTimeout: KEEP_ALIVE,
  headersTimeout: HEADERS_TIMEOUT,
  requestTimeout: 0,
  maxHeaderSize: MOST_HEADER_BYTES,
  // Node's own answer to a request without Host has a Date; nothing here is built from Host, so it is not missed.
  requireHostHeader: false,
  noDelay: true,
} as const;

/** What listens: one of http's own, or something that hands connections to one. */
export interface Listening {
  /** `http://HOST:PORT` as listened on, or the path of the socket. */
  readonly address: string;
  /** Takes no new connections, lets what is under way end within `grace` milliseconds, then cuts the rest. */
  close(grace: number): Promise<void>;
  /** Called when there is time: what connections that wait keep of their last request is forgotten. */
  forget(): void;
}

/** A server, and the wiping of what its connections leave behind. */
export interface Mannered<S extends Server = Server> {
  readonly server: S;
  readonly residue: Residue;
}

/** A server for `handler`. */
export function httpServer(handler: RequestListener): Mannered {
  return configureServer(http.createServer(SERVER_OPTIONS), handler);
}

/** Gives an http or https server its manners. */
export function configureServer<S extends Server>(server: S, handler: RequestListener): Mannered<S> {
  server.on('request', handler);
  // The one who reads the body says "go on"; one that is refused by its headers is never sent.
  server.on('checkContinue', handler);
  server.on('checkExpectation', handler);
  server.on('clientError', (_error, socket) => {
    if (socket.writable && socket instanceof Socket && socket.bytesWritten === 0) socket.end(BAD_REQUEST);
    else socket.destroy();
  });
  return { server, residue: new Residue(server, MOST_HEADER_BYTES) };
}

/**
 * Binds `server`, or takes over the socket that systemd made at that path. `http` has the
 * connections, where `server` only hands them on.
 */
export async function listen(server: NetServer, where: Listen, http: Mannered): Promise<Listening> {
  const inherited = where.kind === 'unix' ? inheritedSocket(where.path, process.env, process.pid) : null;
  if (where.kind === 'unix' && inherited === null) await rm(where.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (inherited !== null) server.listen({ fd: inherited }, ready);
    else if (where.kind === 'unix') server.listen(where.path, ready);
    else server.listen(where.port, where.host, ready);
  });
  if (where.kind === 'unix' && inherited === null) await chmod(where.path, 0o660);
  return {
    address: addressOf(server, where),
    close: (grace) => close(server, http, grace),
    forget: () => http.residue.forgetPaths(),
  };
}

function addressOf(server: NetServer, where: Listen): string {
  if (where.kind === 'unix') return where.path;
  const { port } = server.address() as AddressInfo;
  return `http://${where.host.includes(':') ? `[${where.host}]` : where.host}:${port}`;
}

async function close(server: NetServer, http: Mannered, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  http.residue.closeIdle();
  const timer = setTimeout(() => http.server.closeAllConnections(), grace);
  await closed;
  clearTimeout(timer);
}
