/**
 * Answers with content that are under way. Each holds some pieces of it in memory, and a reader may stand still for minutes;
 * so the pieces are the smaller the more readers there are, and pages give paths instead of the pictures themselves. Nobody
 * is turned away for that. Pieces are read a few at a time, so that a thousand readers do not stand between an upload and
 * its next step.
 */
import { KiB } from '../base/units.js';
import { CHUNK_LENGTH } from '../crypto/stream.js';
import type { Pacing } from '../retrieval/content.js';
import type { Release } from './places.js';

const LARGEST = 256 * KiB;
/** Of one answer: what is sent, what is read next, and what it is opened from. */
const PIECES_HELD = 3;
/** A page with its pictures in it has up to this much. */
const PAGE_BYTES = 2_000_000;
const READ_AT_ONCE = 4;

export class Readers implements Pacing {
  readonly #bytes: number;
  #count = 0;
  #reading = 0;
  readonly #first: (() => void)[] = [];
  readonly #next: (() => void)[] = [];

  /** `bytes` of memory are for all of them together. */
  constructor(bytes: number) {
    this.#bytes = bytes;
  }

  begin(): Release {
    this.#count++;
    let under = true;
    return () => {
      if (under) this.#count--;
      under = false;
    };
  }

  /** Bytes of the next piece, in whole chunks: of content, one at the least. */
  pieceBytes(): number {
    const share = this.#bytes / (PIECES_HELD * Math.max(1, this.#count));
    return Math.min(LARGEST, Math.max(1, Math.floor(share / CHUNK_LENGTH)) * CHUNK_LENGTH);
  }

  async turn<T>(read: () => Promise<T>, first: boolean): Promise<T> {
    if (this.#reading < READ_AT_ONCE) this.#reading++;
    else await new Promise<void>((resolve) => (first ? this.#first : this.#next).push(resolve));
    try {
      return await read();
    } finally {
      const enter = this.#first.shift() ?? this.#next.shift();
      if (enter === undefined) this.#reading--;
      else enter();
    }
  }

  /** So many that pages must be light. */
  get many(): boolean {
    return this.#count * PAGE_BYTES > this.#bytes;
  }
}
