/**
 * The only numbers that moderation keeps: how often a thing happened in a quarter. docs/format/moderation.md, section 5.
 *
 * What holds: no count is of one person, file or moment. In public, fewer than ten is `null`, and the quarter under way
 * is rounded down to tens, so that watching the page shows no single event.
 */
import { Reader, Writer } from '../base/cursor.js';
import type { BookChange } from '../ledger/ledger.js';
import { SPACE, type Book } from './book.js';

/** Rows of the public report first, then those for the desk alone. The order is the format's: new ones go last. */
export const COUNTED = [
  'reports',
  'removedAfterReport',
  'blockedAtUpload',
  'takedowns',
  'takedownsGranted',
  'takedownsRefused',
  'takedownsLate',
  'authorityRequests',
  'authorityAnswered',
  'borderline',
  'released',
  'bans',
  'reportsWithoutEvidence',
  'unchecked',
] as const;
export type Counted = (typeof COUNTED)[number];
const PUBLIC_ROWS = COUNTED.slice(0, 9);

/** Below it a number could point at people. */
const FEW = 10;
const KEY_LENGTH = 4;

export interface QuarterCounts {
  readonly year: number;
  readonly quarter: 1 | 2 | 3 | 4;
  readonly running: boolean;
  /** `null` = fewer than ten. */
  readonly counts: Readonly<Record<string, number | null>>;
}

export class Counters {
  readonly #book: Book;

  constructor(book: Book) {
    this.#book = book;
  }

  add(what: Counted, now: number): Promise<void> {
    return this.#book.add(keyOf(quarterOf(now), what), 1);
  }

  /** The exact count of the quarter in which `now` is, for the desk. */
  exact(what: Counted, now: number): number {
    return this.#book.count(keyOf(quarterOf(now), what));
  }

  /** What the public may know, the latest quarter first. A quarter in which nothing was counted is not among them. */
  report(now: number): readonly QuarterCounts[] {
    const current = quarterOf(now);
    const quarters = new Set(this.#book.entries().map(({ key }) => new Reader(key).u16() * 4 + key.readUInt8(2) - 1));
    return [...quarters]
      .sort((a, b) => b - a)
      .map((quarter) => {
        const running = quarter === current;
        const counts = Object.fromEntries(PUBLIC_ROWS.map((what) => [what, this.#shown(quarter, what, running)]));
        return { year: Math.floor(quarter / 4), quarter: ((quarter % 4) + 1) as 1 | 2 | 3 | 4, running, counts };
      });
  }

  #shown(quarter: number, what: Counted, running: boolean): number | null {
    const count = this.#book.count(keyOf(quarter, what));
    if (count < FEW) return null;
    return running ? count - (count % FEW) : count;
  }
}

/** One more, to be committed together with what is counted. */
export function countChange(what: Counted, now: number): BookChange {
  return { kind: 'add', space: SPACE.counters, key: keyOf(quarterOf(now), what), by: 1 };
}

/** Quarters since the year 0, in UTC. */
function quarterOf(time: number): number {
  const date = new Date(time);
  return date.getUTCFullYear() * 4 + Math.floor(date.getUTCMonth() / 3);
}

/** year u16 ‖ quarter u8 (1 to 4) ‖ row u8. */
function keyOf(quarter: number, what: Counted): Buffer {
  const key = Buffer.alloc(KEY_LENGTH);
  new Writer(key)
    .u16(Math.floor(quarter / 4))
    .u8((quarter % 4) + 1)
    .u8(COUNTED.indexOf(what));
  return key;
}
