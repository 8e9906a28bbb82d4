/**
 * Places for uploads: how many are in flight, and how many bytes they bring. When they are taken, an upload that trickles
 * gives its place to the next; where all of them come at a decent rate, the next is asked to come back.
 */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '../base/errors.js';
import type { Exchange, Exchanges } from './exchanges.js';

/** Gives back what was taken. Calling it again does nothing. */
export type Release = () => void;

interface Taken {
  readonly bytes: number;
  readonly release: Release;
}

const RETRY_SECONDS = 10;

export class Places {
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #exchanges: Exchanges;
  readonly #taken = new Map<Exchange, Taken>();
  #count = 0;
  #bytes = 0;

  constructor(most: number, mostBytes: number, exchanges: Exchanges) {
    this.#most = most;
    this.#mostBytes = mostBytes;
    this.#exchanges = exchanges;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a place for an upload that says it has `bytes` bytes. Refuses 'busy'. */
  take(request: IncomingMessage, bytes: number): Release {
    // One alone may have more than all together: the limits per file say whether it fits.
    while (this.#count >= this.#most || (this.#count > 0 && this.#bytes + bytes > this.#mostBytes)) this.#makeRoom();
    this.#count++;
    this.#bytes += bytes;
    const exchange = this.#exchanges.of(request);
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      this.#count--;
      this.#bytes -= bytes;
      if (exchange !== null) this.#taken.delete(exchange);
    };
    if (exchange !== null) this.#taken.set(exchange, { bytes, release });
    return release;
  }

  #makeRoom(): void {
    const slowest = this.#exchanges.slowest(this.#taken.keys());
    if (slowest === null) {
      throw new Refusal('busy', 'all places for uploads are taken', { seconds: RETRY_SECONDS, bound: 'uploads' });
    }
    this.#taken.get(slowest)?.release();
    this.#exchanges.cut(slowest, 'bodies');
  }
}

/** So many at a time, and no more. */
export class Seats {
  readonly #most: number;
  #taken = 0;

  constructor(most: number) {
    this.#most = most;
  }

  get count(): number {
    return this.#taken;
  }

  /** Null = all are taken. */
  take(): Release | null {
    if (this.#taken >= this.#most) return null;
    this.#taken++;
    let held = true;
    return () => {
      if (held) this.#taken--;
      held = false;
    };
  }
}
