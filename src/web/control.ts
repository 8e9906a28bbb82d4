/**
 * The operator's door to the appliance while it runs: HTTP and JSON over a Unix socket that its own user alone may open.
 *
 * It stands apart from the visitors' listeners and has nothing of theirs: no pages, no shares. Verbs of `chatpic` use it
 * where the store is open already, and `curl --unix-socket` does too. The socket is there while the appliance runs; it holds
 * nothing, and its mode is its guard.
 */
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { Refusal } from '../base/errors.js';
import { SECOND } from '../base/units.js';
import { listenAlone } from './own-socket.js';

/** Answers one call; what it throws as a `Refusal` is told, anything else is not. */
export type ControlCall = (body: Readonly<Record<string, unknown>>) => object | Promise<object>;

/** By method and path: `POST /vouchers`. */
export type ControlCalls = Readonly<Record<string, ControlCall>>;

export interface Control {
  close(): Promise<void>;
}

const MOST_BYTES = 64 * 1024;

/** Opens the door at `path`, in the place of one that an earlier life may have left. */
export async function openControl(path: string, calls: ControlCalls): Promise<Control> {
  const server = http.createServer({ requestTimeout: 10 * SECOND }, (request, response) => {
    void answer(calls, request, response);
  });
  await listenAlone(server, path);
  return {
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(calls: ControlCalls, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const call = calls[`${request.method ?? ''} ${request.url ?? ''}`];
  try {
    if (call === undefined) send(response, 404, { error: 'gone', message: 'there is no such call' });
    else send(response, 200, await call(await jsonOf(request)));
  } catch (error) {
    if (error instanceof Refusal)
      send(response, error.code === 'busy' ? 503 : 400, { error: error.code, message: error.message });
    else send(response, 500, { error: 'internal', message: 'something broke on our side' });
  }
}

async function jsonOf(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    size += piece.length;
    if (size > MOST_BYTES) throw new Refusal('too-large', 'the call is too large', { limit: MOST_BYTES });
    pieces.push(piece);
  }
  if (size === 0) return {};
  try {
    const value: unknown = JSON.parse(Buffer.concat(pieces).toString('utf8'));
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new Refusal('malformed', 'expected an object in JSON');
}

function send(response: ServerResponse, status: number, body: object): void {
  response.sendDate = false;
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8' });
  response.end(`${JSON.stringify(body)}\n`);
}
