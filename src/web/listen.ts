/**
 * HTTP servers with the manners of this appliance: no date, no limit on the whole time of an upload, connections kept
 * long enough for Tor, and an answer to unreadable requests that is as bare as any other.
 */
import { chmod, rm } from 'node:fs/promises';
import http, { type RequestListener, type Server } from 'node:http';
import { Socket, type AddressInfo, type Server as NetServer } from 'node:net';
import { TLSSocket } from 'node:tls';
import { SECOND } from '../base/units.js';
import type { Listen } from '../config/environment.js';
import { bareAnswer } from './bare-answer.js';
import { HEAD_CHECK } from './connections.js';
import { inheritedSocket } from './inherited-sockets.js';
import { Residue } from './residue.js';

/** A circuit that is kept costs nothing; a new one costs a visitor half a second. */
const KEEP_ALIVE = 75 * SECOND;
const MOST_HEADER_BYTES = 16 * 1024;
/** How often connections that became idle are looked for while a listener closes, in milliseconds. */
const SWEEP = 250;

const BAD_REQUEST = bareAnswer('400 Bad Request', 'The request could not be read.');
const TOO_SLOW = bareAnswer('408 Request Timeout', 'The request took too long to come. Try again.');

export const SERVER_OPTIONS = {
  keepAliveTimeout: KEEP_ALIVE,
  connectionsCheckingInterval: HEAD_CHECK,
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

/** How patient a server is with heads of requests, and whom it tells of those it gave up. */
export interface Patience {
  /** Milliseconds. */
  readonly headers: number;
  readonly onSlowHead: () => void;
}

const PATIENT: Patience = { headers: 60 * SECOND, onSlowHead: () => undefined };

/** A server for `handler`. */
export function httpServer(handler: RequestListener, patience = PATIENT): Mannered {
  const server = http.createServer({ ...SERVER_OPTIONS, headersTimeout: patience.headers });
  return configureServer(server, handler, patience);
}

/** Gives an http or https server its manners. */
export function configureServer<S extends Server>(
  server: S,
  handler: RequestListener,
  { onSlowHead }: Patience,
): Mannered<S> {
  server.on('request', handler);
  // The one who reads the body says "go on"; one that is refused by its headers is never sent.
  server.on('checkContinue', handler);
  server.on('checkExpectation', handler);
  server.on('clientError', (error, socket) => {
    const slow = 'code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    if (slow) onSlowHead();
    // Before the handshake has ended nothing can be said, and what waits to be would keep the connection open.
    const handshaking = socket instanceof TLSSocket && 'secureConnecting' in socket && socket.secureConnecting === true;
    if (!handshaking && socket.writable && socket instanceof Socket && socket.bytesWritten === 0)
      socket.end(slow ? TOO_SLOW : BAD_REQUEST);
    else socket.destroy();
  });
  return { server, residue: new Residue(server, MOST_HEADER_BYTES) };
}

/**
 * Binds `server`, or takes over the socket that systemd made for it. `http` is the server that has the
 * connections, where `server` only hands them on. `inherited` is the descriptor of a socket that listens already.
 */
export async function listen(
  server: NetServer,
  where: Listen,
  http: Mannered,
  inherited = inheritedSocket(where.kind === 'unix' ? where.path : `tcp-${where.port}`, process.env, process.pid),
): Promise<Listening> {
  const sockets = connectionsOf(server);
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
    close: (grace) => close(server, http, { sockets, grace }),
    forget: () => http.residue.forgetPaths(),
  };
}

/** Every connection of `server`, those included that http has not seen yet: before tor's line, or before a handshake. */
function connectionsOf(server: NetServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.prependListener('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

function addressOf(server: NetServer, where: Listen): string {
  if (where.kind === 'unix') return where.path;
  const { port } = server.address() as AddressInfo;
  return `http://${where.host.includes(':') ? `[${where.host}]` : where.host}:${port}`;
}

interface Ending {
  readonly sockets: ReadonlySet<Socket>;
  readonly grace: number;
}

async function close(server: NetServer, http: Mannered, { sockets, grace }: Ending): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A kept connection is idle only once its last answer has ended, and one on which nothing came yet is no visit.
  const letGo = (): void => {
    http.residue.closeIdle();
    for (const socket of sockets) if (socket.bytesRead === 0) socket.destroy();
  };
  const sweep = setInterval(letGo, SWEEP);
  const timer = setTimeout(() => {
    http.server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
  }, grace);
  letGo();
  await closed;
  clearInterval(sweep);
  clearTimeout(timer);
}
