/**
 * HTTP servers with the manners of this appliance: no date, no limit on the whole time of an upload, connections kept
 * long enough for Tor, and an answer to unreadable requests that is as bare as any other.
 */
import { chmod, rm } from 'node:fs/promises';
import http, { type RequestListener, type Server } from 'node:http';
import { Socket, type AddressInfo } from 'node:net';
import { MINUTE, SECOND } from '../base/units.js';
import type { Listen } from '../config/environment.js';

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

/** A server for `handler`. `prepare` is given every connection before its first request. */
export function httpServer(handler: RequestListener): Server {
  const server = http.createServer({
    keepAliveTimeout: KEEP_ALIVE,
    headersTimeout: HEADERS_TIMEOUT,
    requestTimeout: 0,
    maxHeaderSize: MOST_HEADER_BYTES,
    noDelay: true,
  });
  server.on('request', handler);
  // The one who reads the body says "go on"; one that is refused by its headers is never sent.
  server.on('checkContinue', handler);
  server.on('checkExpectation', handler);
  server.on('clientError', (_error, socket) => {
    if (socket.writable && socket instanceof Socket && socket.bytesWritten === 0) socket.end(BAD_REQUEST);
    else socket.destroy();
  });
  return server;
}

/** Binds `server`; resolves with where it is: `http://HOST:PORT`, or the path of the socket. */
export async function listen(server: Server, where: Listen): Promise<string> {
  if (where.kind === 'unix') await rm(where.path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => {
      server.off('error', reject);
      resolve();
    };
    if (where.kind === 'unix') server.listen(where.path, ready);
    else server.listen(where.port, where.host, ready);
  });
  if (where.kind === 'unix') {
    await chmod(where.path, 0o660);
    return where.path;
  }
  const { port } = server.address() as AddressInfo;
  return `http://${where.host.includes(':') ? `[${where.host}]` : where.host}:${port}`;
}

/** Takes no new connections, lets what is under way end within `grace` milliseconds, then cuts the rest. */
export async function close(server: Server, grace: number): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), grace);
  await closed;
  clearTimeout(timer);
}
