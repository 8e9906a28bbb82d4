/**
 * Places for uploads: how many are in flight, and how many bytes they bring. Nobody takes one before its body has got going.
 * When they are taken, the slowest upload that trickles gives its place to the next; where all of them come at a decent
 * rate, the next waits a moment and is asked to come back then.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { IncomingMessage } from 'node:http';
import { Refusal } from '../base/errors.js';
import { SECOND } from '../base/units.js';
import type { Exchange, Exchanges } from './exchanges.js';

/** Gives back what was taken. Calling it again does nothing. */
export type Release = () => void;

interface Taken {
  readonly bytes: number;
  readonly release: Release;
}

const RETRY_SECONDS = 10;
/** Milliseconds for which one waits for a place, and between two looks. */
const WAIT = 2 * SECOND;
const LOOK = 50;

export class Places {
  readonly #most: number;
  readonly #mostBytes: number;
  readonly #exchanges: Exchanges;
  readonly #taken = new Map<Exchange, Taken>();
  #count = 0;
  #bytes = 0;
  #waiting = 0;

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

  /**
   * Takes a place for an upload that says it has `bytes` bytes, once it has begun to come. Refuses 'busy', and 'cut-off' where
   * it ends before.
   */
  async take(request: IncomingMessage, bytes: number): Promise<Release> {
    await this.#exchanges.gotGoing(request);
    if (!this.#fits(bytes) && !this.#makeRoom(bytes)) await this.#wait(bytes);
    return this.#enter(request, bytes);
  }

  /** One alone may have more than all together: the limits per file say whether it fits. */
  #fits(bytes: number): boolean {
    return this.#count === 0 || (this.#count < this.#most && this.#bytes + bytes <= this.#mostBytes);
  }

  #enter(request: IncomingMessage, bytes: number): Release {
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

  /** Lets go of the slowest until `bytes` fit; false = nobody else is slow. */
  #makeRoom(bytes: number): boolean {
    while (!this.#fits(bytes)) {
      const slowest = this.#exchanges.slowest(this.#taken.keys());
      if (slowest === null) return false;
      this.#taken.get(slowest)?.release();
      this.#exchanges.cut(slowest, 'bodies');
    }
    return true;
  }

  /** Those who wait hold what has come of them: no more of them than there are places. */
  async #wait(bytes: number): Promise<void> {
    this.#waiting++;
    try {
      for (let waited = 0; !this.#fits(bytes) && !this.#makeRoom(bytes); waited += LOOK) {
        if (waited >= WAIT || this.#waiting > this.#most) {
          throw new Refusal('busy', 'all places for uploads are taken', { seconds: RETRY_SECONDS, bound: 'uploads' });
        }
        await pause(LOOK);
      }
    } finally {
      this.#waiting--;
    }
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
