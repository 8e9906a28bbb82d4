/**
 * Answers with content that are under way. Each holds some pieces of it in memory, and a reader may stand still for minutes;
 * so the pieces are the smaller the more readers there are, and pages give paths instead of the pictures themselves. Nobody
 * is turned away for that. Pieces are read and pages are made a few at a time, so that a thousand readers do not stand between
 * an upload and its next step.
 */
import type { IncomingMessage } from 'node:http';
import { KiB } from '../base/units.js';
import { CHUNK_LENGTH } from '../crypto/stream.js';
import type { Pacing } from '../retrieval/content.js';
import type { Release } from './places.js';

const LARGEST = 256 * KiB;
/** Of one answer: what is sent, what is read next, and what it is opened from. */
const PIECES_HELD = 3;
/** A page with its pictures in it has up to this much. */
const PAGE_BYTES = 2_000_000;
const AT_ONCE = 2;
/** Of so many turns one is the oldest's. */
const OLDEST_EVERY = 8;

/** Bytes of a small answer, which comes whole before the rest of larger ones. */
const SMALL = 256 * KiB;

interface Waiting {
  /** How many times as much as a small answer it had. */
  readonly rank: number;
  /** The number of its request, in the order in which they were heard. */
  readonly heard: number;
  readonly enter: () => void;
}

export class Readers {
  readonly #bytes: number;
  #count = 0;
  #working = 0;
  #turns = 0;
  readonly #waiting: Waiting[] = [];
  #heard = 0;
  readonly #numbers = new WeakMap<IncomingMessage, number>();

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

  /** A request has come, before it is its turn to be begun. */
  hear(request: IncomingMessage): void {
    this.#numbers.set(request, ++this.#heard);
  }

  /** How the answer to `request` is read. */
  of(request: IncomingMessage): Pacing {
    const heard = this.#numbers.get(request) ?? ++this.#heard;
    return { pieceBytes: () => this.pieceBytes(), turn: (work, served) => this.#turn(work, served, heard) };
  }

  /** Bytes of the next piece, in whole chunks: of content, one at the least. */
  pieceBytes(): number {
    const share = this.#bytes / (PIECES_HELD * Math.max(1, this.#count));
    return Math.min(LARGEST, Math.max(1, Math.floor(share / CHUNK_LENGTH)) * CHUNK_LENGTH);
  }

  /**
   * Runs `work` when it is its turn. First comes the answer that had the least until now (of `served` bytes), of those that
   * had about as much the one whose request came last: a small one waits for few others, however many read something large or
   * came all at once. Now and then it is the one that has waited longest.
   */
  async #turn<T>(work: () => Promise<T>, served: number, heard: number): Promise<T> {
    if (this.#working < AT_ONCE) this.#working++;
    else await new Promise<void>((enter) => this.#waiting.push({ rank: Math.floor(served / SMALL), heard, enter }));
    try {
      return await work();
    } finally {
      const next = this.#next();
      if (next === undefined) this.#working--;
      else next.enter();
    }
  }

  #next(): Waiting | undefined {
    this.#turns = (this.#turns + 1) % OLDEST_EVERY;
    if (this.#turns === 0) return this.#waiting.shift();
    let first = 0;
    for (const [index, one] of this.#waiting.entries()) if (isBefore(one, this.#waiting[first])) first = index;
    return this.#waiting.splice(first, 1)[0];
  }

  /** So many that pages must be light. */
  get many(): boolean {
    return this.#count * PAGE_BYTES > this.#bytes;
  }
}

function isBefore(one: Waiting, other: Waiting | undefined): boolean {
  if (other === undefined || one.rank !== other.rank) return one.rank < (other?.rank ?? Infinity);
  return one.heard >= other.heard;
}
