/**
 * What a connection leaves behind in memory, and its wiping.
 *
 * What holds, and why:
 * - All sockets are read into one piece of memory, and what they read is overwritten as soon as Node's parser is done with it:
 *   it copies bodies and headers out. A listener for `data` in place of the parser's own feeds it and sees to it, and also
 *   keeps the parser from reading the socket by itself, into a buffer of the process that nobody could wipe. Node would
 *   otherwise ask the system for 64 KiB for each piece, however small, and give them back.
 * - The parser keeps the path of its last request until the next one begins. `forgetPaths` gives those of connections that
 *   wait for a request a new beginning; what is freed the allocator overwrites (see systemd/chatpic.service). Parsers of
 *   closed connections are not kept for the next one.
 *
 * What does not hold: strings that were made of those bytes are in V8's heap until they are collected (`janitor/`).
 */
import { createRequire } from 'node:module';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as TlsServer } from 'node:tls';
import type { Socket } from 'node:net';
import { giveBack, secretBytes } from '../base/bytes.js';
import { KiB } from '../base/units.js';
import { TooManyAhead } from './connections.js';

/** What is used here of Node's parser. */
interface Parser {
  remove(): void;
  initialize(type: number, resource: object, mostHeaderBytes: number, lenient: number, connections: Connections): void;
}

/** The list by which a server knows its connections; `idle` are those that are between two requests. */
interface Connections {
  idle(): readonly Parser[];
}

interface Inside {
  readonly HTTPParser: { readonly REQUEST: number };
  readonly parsers: { max: number };
}

/** What is used here of a connection: Node's own option `onread` does the same, for sockets that one makes oneself. */
interface Readings {
  readonly _handle?: { useUserBuffer?(room: Buffer): void } | null;
  [symbol: symbol]: unknown;
}

/**
 * What sockets read, one at a time: the listeners of each have had it, and it is wiped, before the next is read. The parser
 * makes a copy for each request, so a longer one costs memory where many come at once; up to 256 KiB none was quicker.
 */
const ROOM = secretBytes(31 * KiB);

const { HTTPParser, parsers } = createRequire(import.meta.url)('_http_common') as Inside;

/** Calls deep: more than any answer or record that Node keeps on the stack, which are of 16 KiB. */
const DEPTH = 4000;

/**
 * Overwrites the stack below the caller: Node decrypts TLS records and puts small answers together in buffers on it, which
 * stay there until something else comes as deep.
 */
export function overwriteStack(depth = DEPTH): number {
  return depth === 0 ? 0 : 1 + overwriteStack(depth - 1);
}

/** Wipes what comes in on connections of a server. `forgetPaths` is called when there is time for it. */
export class Residue {
  readonly #server: Server;
  readonly #mostHeaderBytes: number;
  /** Answers under way on each open connection. */
  readonly #underWay = new Map<Socket, number>();

  /** Listens on `server`, which must have its own listeners already and reads heads of at most `mostHeaderBytes`. */
  constructor(server: Server, mostHeaderBytes: number) {
    this.#server = server;
    this.#mostHeaderBytes = mostHeaderBytes;
    parsers.max = 0;
    server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', (socket: Socket) => this.#watch(socket));
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      const { socket } = request;
      this.#add(socket, 1);
      response.once('close', () => this.#add(socket, -1));
    });
  }

  /** Lets each connection that waits for its next request forget the path of the last. */
  forgetPaths(): void {
    // What came for a connection that had been given up already is handed to nobody.
    ROOM.fill(0);
    const connections = connectionsOf(this.#server);
    if (connections === undefined) return;
    for (const parser of connections.idle()) {
      parser.remove();
      parser.initialize(HTTPParser.REQUEST, {}, this.#mostHeaderBytes, 0, connections);
    }
  }

  /** Ends the connections on which nothing is under way. */
  closeIdle(): void {
    for (const [socket, underWay] of this.#underWay) if (underWay === 0) socket.destroy();
  }

  #watch(socket: Socket): void {
    this.#underWay.set(socket, 0);
    const [feed] = socket.listeners('data') as ((piece: Buffer) => void)[];
    if (feed === undefined) throw new Error('expected the parser to listen to its connection');
    socket.off('data', feed);
    readIntoRoom(socket);
    socket.on('data', (piece: Buffer) => fed(socket, feed, piece));
    socket.once('close', () => this.#underWay.delete(socket));
  }

  #add(socket: Socket, by: number): void {
    const underWay = this.#underWay.get(socket);
    if (underWay !== undefined) this.#underWay.set(socket, underWay + by);
  }
}

/**
 * From now on `socket` is read into `ROOM`. While it is paused it is not read, so that nothing has to be kept elsewhere. Where
 * Node has other insides, each piece keeps memory of its own.
 */
function readIntoRoom(socket: Socket): void {
  const inside = socket as unknown as Readings;
  const symbols = Object.getOwnPropertySymbols(socket);
  const [room, taken] = ['kBuffer', 'kBufferCb'].map((name) => symbols.find(({ description }) => description === name));
  if (room === undefined || taken === undefined || inside._handle?.useUserBuffer === undefined) return;
  inside._handle.useUserBuffer(ROOM);
  inside[room] = ROOM;
  inside[taken] = (length: number): void => void socket.emit('data', ROOM.subarray(0, length));
}

/** Gives `piece` to the parser, wipes it, and gives its memory back where it has its own. */
function fed(socket: Socket, feed: (piece: Buffer) => void, piece: Buffer): void {
  try {
    feed.call(socket, piece);
  } catch (error) {
    if (!(error instanceof TooManyAhead)) throw error;
  } finally {
    wipeAndGiveBack(piece);
  }
}

function wipeAndGiveBack(piece: Buffer): void {
  piece.fill(0);
  if (piece.buffer !== ROOM.buffer) giveBack(piece);
}

/** Node has the list behind a symbol, from when the server listens. */
function connectionsOf(server: Server): Connections | undefined {
  const symbol = Object.getOwnPropertySymbols(server).find(
    ({ description }) => description === 'http.server.connections',
  );
  return symbol === undefined ? undefined : (server as unknown as Record<symbol, Connections>)[symbol];
}
