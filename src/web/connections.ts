/**
 * Open connections, over all listeners. When they are full, a plain maximum would lock every honest visitor out; so one
 * that does nothing goes instead: the oldest that has not finished the head of its first request within a second, else the one
 * that has been kept open longest without a request, else those whose bodies trickle or whose readers stand still, else the
 * oldest without a whole head or, at last, without the first bytes of its body. Only where all of them are at work is the new
 * one turned away.
 */
import type { Socket } from 'node:net';
import { bareAnswer } from './bare-answer.js';
import type { Counts } from './counts.js';
import type { Exchanges } from './exchanges.js';
import { SECOND } from '../base/units.js';

/**
 * Requests that may be under way on one connection. No browser sends one before the last was answered, and Node would take in
 * a thousand of them before it looks at how much waits to be sent.
 */
const MOST_PIPELINED = 16;
/** Heads that take too long are looked for so often, in milliseconds; Node would do so twice a minute. */
export const HEAD_CHECK = 5 * SECOND;
/** Many connections are taken in before one of them is read: one that has just come gives way last. */
const HEAD_GRACE = SECOND;
/** Slow ones are looked for among all, so a few go at once. */
const SHED_AT_ONCE = 32;

/**
 * Thrown through Node's parser, so that it takes nothing more out of a piece of bytes that holds hundreds of requests: nothing
 * else ends it there. residue.ts, which feeds the parser, catches it.
 */
export class TooManyAhead extends Error {}

const TOO_MANY = bareAnswer('503 Service Unavailable', 'All connections are in use. Try again in 10 seconds.', [
  'Retry-After: 10',
]);

export interface ConnectionsParts {
  readonly most: number;
  /** Milliseconds until a whole head must have come on a new connection, whatever comes before: tor's line, a handshake. */
  readonly headers: number;
  readonly exchanges: Exchanges;
  readonly counts: Counts;
  readonly monotonic: () => number;
}

export class Connections {
  readonly #parts: ConnectionsParts;
  readonly #open = new Set<Socket>();
  /** No request of theirs was heard yet, the oldest first, and since when they are there. */
  readonly #unheard = new Map<Socket, number>();
  /** Between two requests, the one that has waited longest first. */
  readonly #idle = new Set<Socket>();
  /** Requests under way: more than one where a client does not wait for answers. */
  readonly #busy = new WeakMap<Socket, number>();
  /** Of connections over TLS, by the address of the peer: requests come on another object than the one accepted. */
  readonly #peers = new Map<string, Socket>();

  constructor(parts: ConnectionsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes a connection that was just accepted. False = it was turned away. */
  admit(socket: Socket): boolean {
    if (this.#open.size >= this.#parts.most && !this.#makeRoom()) {
      this.#parts.counts.add('connections');
      socket.on('error', () => undefined);
      socket.end(TOO_MANY, () => socket.destroy());
      return false;
    }
    const peer = peerOf(socket);
    this.#open.add(socket);
    this.#unheard.set(socket, this.#parts.monotonic());
    if (peer !== null) this.#peers.set(peer, socket);
    socket.once('close', () => {
      this.#forget(socket);
      if (peer !== null && this.#peers.get(peer) === socket) this.#peers.delete(peer);
    });
    return true;
  }

  /** A request of this connection has begun; the function that comes back says that it is over. Throws `TooManyAhead`. */
  begin(carrier: Socket): () => void {
    const socket = this.#open.has(carrier) ? carrier : this.#peers.get(peerOf(carrier) ?? '');
    if (socket === undefined) return () => undefined;
    const busy = this.#busy.get(socket) ?? 0;
    if (busy >= MOST_PIPELINED) {
      this.#parts.counts.add('connections');
      socket.destroy();
      throw new TooManyAhead();
    }
    this.#unheard.delete(socket);
    this.#idle.delete(socket);
    this.#busy.set(socket, busy + 1);
    return () => {
      const left = (this.#busy.get(socket) ?? 1) - 1;
      this.#busy.set(socket, left);
      if (left === 0 && this.#open.has(socket) && !socket.destroyed) this.#idle.add(socket);
    };
  }

  /** Called each second. Node looks after heads itself, with an answer, but not before a handshake has ended. */
  sweep(): void {
    const now = this.#parts.monotonic();
    for (const [socket, since] of this.#unheard) {
      if (now - since < this.#parts.headers + HEAD_CHECK) return;
      this.#parts.counts.add('headers');
      this.#forget(socket);
      socket.destroy();
    }
  }

  #makeRoom(): boolean {
    const oldest = this.#slowToBegin(HEAD_GRACE) ?? this.#idle.values().next().value;
    if (oldest !== undefined) return this.#letGo(oldest);
    if (this.#parts.exchanges.shed(SHED_AT_ONCE) > 0) return true;
    const first = this.#slowToBegin(0);
    return first === null ? this.#parts.exchanges.shedWaiting() : this.#letGo(first);
  }

  /** The oldest of those not heard for at least `age` milliseconds. */
  #slowToBegin(age: number): Socket | null {
    const [oldest] = this.#unheard;
    if (oldest === undefined) return null;
    const [socket, since] = oldest;
    return this.#parts.monotonic() - since >= age ? socket : null;
  }

  #letGo(socket: Socket): true {
    this.#parts.counts.add('connections');
    // Its place is free at once: `close` comes a moment later.
    this.#forget(socket);
    socket.destroy();
    return true;
  }

  #forget(socket: Socket): void {
    this.#open.delete(socket);
    this.#unheard.delete(socket);
    this.#idle.delete(socket);
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string | null {
  return remotePort === undefined ? null : `${remoteAddress ?? ''} ${remotePort}`;
}
