/**
 * Requests under way, and how fast each goes: a body must keep up the least rate over a minute, and so must the reader of an
 * answer. There is no limit on the whole time, because an upload over Tor may honestly take long.
 *
 * While something is full, patience is shorter: a body that comes at less than `PRESSED_RATE`, and a reader who took nothing
 * for a few seconds, may be cut to make room for somebody else. So who holds all places must pay for them in bandwidth.
 *
 * There is no timer for each: `sweep` is called every second, and looks at all of them.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal } from '../base/errors.js';
import { KiB, MINUTE, SECOND } from '../base/units.js';
import type { Counts } from './counts.js';

/** Bytes a second below which a body gives way while all places are taken. The slowest tenth of Tor's circuits has more. */
const PRESSED_RATE = 20_000;
/** Bytes a second: rates below it are all the same. */
const HARDLY = 1000;
/** So long a body may take to get going, and a reader to take the next piece, before they give way. */
const PRESSED_BODY = SECOND;
const PRESSED_READER = 5 * SECOND;
const SAMPLE = 5 * SECOND;
/** Of a body, or all of it, before anything is done for it. Any circuit brings this within a second or two. */
const FIRST_BYTES = 16 * KiB;
/** Answers leave in pieces of this size: a reader at the least rate takes one in this many bytes' time. */
const PIECE = 256 * KiB;
/** The sum of what waits is not taken anew more often than this. */
const FRESH = 100;

interface Sample {
  readonly at: number;
  readonly bytes: number;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly began: number;
  /** Bytes of the connection that had come at three moments: a minute ago at most, and five to ten seconds ago. */
  minute: Sample;
  older: Sample;
  newer: Sample;
  /** What the reader had taken when that last changed. */
  taken: Sample;
  /** The first bytes of its body are waited for, and lie where they came in. */
  gathering: boolean;
  /** What is to be done when it is over, however it ends. */
  readonly onEnd: (() => void)[];
}

export interface ExchangeParts {
  readonly monotonic: () => number;
  readonly leastRate: number;
  /** Bytes of all answers together that wait for their readers. */
  readonly answerBytes: number;
  readonly counts: Counts;
}

export class Exchanges {
  readonly #parts: ExchangeParts;
  readonly #all = new Map<IncomingMessage, Exchange>();
  readonly #bySocket = new WeakMap<Socket, Set<Exchange>>();
  #waiting: Sample = { at: -Infinity, bytes: 0 };

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#all.size;
  }

  begin(request: IncomingMessage, response: ServerResponse): void {
    const at = this.#parts.monotonic();
    const read = { at, bytes: request.socket.bytesRead };
    const taken = { at, bytes: takenBy(request) };
    const samples = { minute: read, older: read, newer: read, taken };
    const exchange = { request, response, began: at, ...samples, gathering: false, onEnd: [] };
    this.#all.set(request, exchange);
    const { socket } = request;
    this.#on(socket).add(exchange);
    response.once('close', () => this.#end(exchange));
  }

  /** A method of its own, since a listener that lives as long as the connection would keep its first request otherwise. */
  #on(socket: Socket): Set<Exchange> {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const exchanges = new Set<Exchange>();
    this.#bySocket.set(socket, exchanges);
    socket.once('close', () => this.#endAll(socket));
    return exchanges;
  }

  /** Calls `then` when a request is over, at once if it is. */
  onEnd(request: IncomingMessage, then: () => void): void {
    const exchange = this.#all.get(request);
    if (exchange === undefined) then();
    else exchange.onEnd.push(then);
  }

  /**
   * An answer that waits for the one before it has no connection of its own yet, and hears nothing of its end: so the
   * connection's own end ends all of them.
   */
  #endAll(socket: Socket): void {
    for (const exchange of [...(this.#bySocket.get(socket) ?? [])]) this.#end(exchange);
  }

  #end(exchange: Exchange): void {
    this.#all.delete(exchange.request);
    this.#bySocket.get(exchange.request.socket)?.delete(exchange);
    for (const then of exchange.onEnd.splice(0)) then();
  }

  of(request: IncomingMessage): Exchange | null {
    return this.#all.get(request) ?? null;
  }

  /**
   * Resolves when the body has got going: its first bytes, or all of it, have come. Nothing is read from it, so that one who
   * only says that much will come costs a connection and no more. Refuses 'cut-off' when the request is over before.
   */
  async gotGoing(request: IncomingMessage): Promise<void> {
    // What came in one piece with the head is there after this.
    await Promise.resolve();
    const exchange = this.#all.get(request);
    if (exchange !== undefined && !isGoing(request)) await gather(exchange);
    if (!this.#all.has(request)) throw new Refusal('cut-off', 'the request was cut off');
  }

  /** Whether what waits for readers leaves no room for another large answer. */
  get full(): boolean {
    const now = this.#parts.monotonic();
    if (now - this.#waiting.at > FRESH) {
      let bytes = 0;
      for (const { response } of this.#all.values()) bytes += waitingIn(response);
      this.#waiting = { at: now, bytes };
    }
    return this.#waiting.bytes > this.#parts.answerBytes;
  }

  /** The slowest of `among` that must give way now; null = all of them are fast enough. */
  slowest(among: Iterable<Exchange>): Exchange | null {
    let slowest: Exchange | null = null;
    let least = PRESSED_RATE;
    for (const exchange of among) {
      const rate = this.#bodyRate(exchange);
      if (rate === null || rate >= least) continue;
      slowest = exchange;
      least = rate;
    }
    return slowest;
  }

  /**
   * Cuts up to `count`: readers that stand still and the slowest bodies, of those equally slow the oldest. Says how many. One
   * whose bytes nobody had time to read looks as slow as one that sent none, but it has just come.
   */
  shed(count: number): number {
    const slow: { readonly exchange: Exchange; readonly rate: number; readonly why: 'bodies' | 'readers' }[] = [];
    for (const exchange of this.#all.values()) {
      const rate = this.#bodyRate(exchange);
      if (rate !== null && rate < PRESSED_RATE) slow.push({ exchange, rate, why: 'bodies' });
      else if (this.#stalls(exchange)) slow.push({ exchange, rate: 0, why: 'readers' });
    }
    const order = (a: (typeof slow)[0], b: (typeof slow)[0]): number =>
      Math.floor(a.rate / HARDLY) - Math.floor(b.rate / HARDLY) || a.exchange.began - b.exchange.began;
    const first = slow.sort(order).slice(0, count);
    for (const { exchange, why } of first) this.cut(exchange, why);
    return first.length;
  }

  /** Cuts the oldest whose body has not got going, however short a time ago it came. False = there is none. */
  shedWaiting(): boolean {
    for (const exchange of this.#all.values()) {
      const came = exchange.request.socket.bytesRead - exchange.minute.bytes;
      if (came >= FIRST_BYTES || !awaitsBody(exchange)) continue;
      this.cut(exchange, 'bodies');
      return true;
    }
    return false;
  }

  cut(exchange: Exchange, why: 'bodies' | 'readers'): void {
    exchange.request.socket.destroy();
    this.#end(exchange);
    this.#parts.counts.add(why);
  }

  /** Called each second. */
  sweep(): void {
    const now = this.#parts.monotonic();
    for (const exchange of this.#all.values()) {
      if (this.#bodyIsOver(exchange, now)) this.cut(exchange, 'bodies');
      else if (this.#readerIsGone(exchange, now)) this.cut(exchange, 'readers');
    }
    if (!this.full) return;
    this.#waiting = { at: -Infinity, bytes: 0 };
    for (const exchange of this.#all.values()) if (this.#stalls(exchange)) this.cut(exchange, 'readers');
  }

  #bodyIsOver(exchange: Exchange, now: number): boolean {
    const read = { at: now, bytes: exchange.request.socket.bytesRead };
    if (now - exchange.newer.at >= SAMPLE) {
      exchange.older = exchange.newer;
      exchange.newer = read;
    }
    if (now - exchange.minute.at < MINUTE) return false;
    const came = read.bytes - exchange.minute.bytes;
    const least = (this.#parts.leastRate * (now - exchange.minute.at)) / SECOND;
    exchange.minute = read;
    return came < least && awaitsBody(exchange);
  }

  #readerIsGone(exchange: Exchange, now: number): boolean {
    const bytes = takenBy(exchange.request);
    if (bytes !== exchange.taken.bytes || waitingIn(exchange.response) === 0) exchange.taken = { at: now, bytes };
    return now - exchange.taken.at > Math.max(MINUTE, (PIECE / this.#parts.leastRate) * SECOND);
  }

  /** Bytes a second of a body that is awaited, lately; null = it is not the client who is slow, or not yet. */
  #bodyRate(exchange: Exchange): number | null {
    const { request, began, older } = exchange;
    const now = this.#parts.monotonic();
    if (now - began < PRESSED_BODY || !awaitsBody(exchange)) return null;
    return ((request.socket.bytesRead - older.bytes) / Math.max(1, now - older.at)) * SECOND;
  }

  #stalls({ response, taken }: Exchange): boolean {
    return waitingIn(response) > 0 && this.#parts.monotonic() - taken.at > PRESSED_READER;
  }
}

/** More of the body is to come, and what came was read: the client is the one who is waited for. */
function awaitsBody({ request, gathering }: Exchange): boolean {
  return !request.complete && (gathering || request.readableLength === 0);
}

function isGoing(request: IncomingMessage): boolean {
  return request.complete || request.readableLength >= Math.min(FIRST_BYTES, request.readableHighWaterMark);
}

/** Resolves when enough has come, or when the request is over. Node's parser has each piece before `look`. */
function gather(exchange: Exchange): Promise<void> {
  const { request, onEnd } = exchange;
  const { socket } = request;
  exchange.gathering = true;
  return new Promise((resolve) => {
    const done = (): void => {
      exchange.gathering = false;
      socket.off('data', look);
      resolve();
    };
    const look = (): void => {
      if (isGoing(request)) done();
    };
    socket.on('data', look);
    onEnd.push(done);
  });
}

function waitingIn(response: ServerResponse): number {
  return response.socket === null ? response.writableLength : response.socket.writableLength + response.writableLength;
}

/** What the system has taken off our hands. */
function takenBy({ socket }: IncomingMessage): number {
  return socket.bytesWritten - socket.writableLength;
}
