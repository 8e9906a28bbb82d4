/**
 * Open connections, over all listeners. When they are full, a plain maximum would lock every honest visitor out; so one
 * that does nothing goes instead: the oldest that has not finished the head of its first request, else the one that has been
 * kept open longest without a request, else those whose bodies trickle or whose readers stand still. Only where all of
 * them are at work is the new one turned away.
 */
import type { Socket } from 'node:net';
import { bareAnswer } from './bare-answer.js';
import type { Counts } from './counts.js';
import type { Exchanges } from './exchanges.js';

/**
 * Requests that may be under way on one connection. No browser sends one before the last was answered, and Node would take in
 * a thousand of them before it looks at how much waits to be sent.
 */
const MOST_PIPELINED = 16;
/** Slow ones are looked for among all, so a few go at once. */
const SHED_AT_ONCE = 32;

const TOO_MANY = bareAnswer('503 Service Unavailable', 'All connections are in use. Try again in 10 seconds.', [
  'Retry-After: 10',
]);

export class Connections {
  readonly #most: number;
  readonly #exchanges: Exchanges;
  readonly #counts: Counts;
  readonly #open = new Set<Socket>();
  /** No request of theirs was heard yet, the oldest first. */
  readonly #unheard = new Set<Socket>();
  /** Between two requests, the one that has waited longest first. */
  readonly #idle = new Set<Socket>();
  /** Requests under way: more than one where a client does not wait for answers. */
  readonly #busy = new WeakMap<Socket, number>();
  /** Of connections over TLS, by the address of the peer: requests come on another object than the one accepted. */
  readonly #peers = new Map<string, Socket>();

  constructor(most: number, exchanges: Exchanges, counts: Counts) {
    this.#most = most;
    this.#exchanges = exchanges;
    this.#counts = counts;
  }

  get size(): number {
    return this.#open.size;
  }

  /** Takes a connection that was just accepted. False = it was turned away. */
  admit(socket: Socket): boolean {
    if (this.#open.size >= this.#most && !this.#makeRoom()) {
      this.#counts.add('connections');
      socket.on('error', () => undefined);
      socket.end(TOO_MANY, () => socket.destroy());
      return false;
    }
    const peer = peerOf(socket);
    this.#open.add(socket);
    this.#unheard.add(socket);
    if (peer !== null) this.#peers.set(peer, socket);
    socket.once('close', () => {
      this.#forget(socket);
      if (peer !== null && this.#peers.get(peer) === socket) this.#peers.delete(peer);
    });
    return true;
  }

  /** A request of this connection has begun; the function that comes back says that it is over. Null = it is one too many. */
  begin(carrier: Socket): (() => void) | null {
    const socket = this.#open.has(carrier) ? carrier : this.#peers.get(peerOf(carrier) ?? '');
    if (socket === undefined) return () => undefined;
    const busy = this.#busy.get(socket) ?? 0;
    if (busy >= MOST_PIPELINED) {
      this.#counts.add('connections');
      socket.destroy();
      return null;
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

  #makeRoom(): boolean {
    const [oldest] = this.#unheard.size > 0 ? this.#unheard : this.#idle;
    if (oldest === undefined) return this.#exchanges.shed(SHED_AT_ONCE) > 0;
    this.#counts.add('connections');
    // Its place is free at once: `close` comes a moment later.
    this.#forget(oldest);
    oldest.destroy();
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
