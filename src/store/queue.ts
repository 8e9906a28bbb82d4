/** What waits for the writer: entries to commit and rounds to make, in the order in which they were asked for. */
import { wipe } from '../base/bytes.js';
import { longestWhole, roomOfPage, shareOfPage } from './log-page.js';

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface WaitingEntry extends Waiting {
  readonly kind: 'entry';
  /** Wiped when it is written or refused. */
  readonly bytes: Buffer;
}

export interface WaitingRound extends Waiting {
  readonly kind: 'round';
}

export class WriterQueue {
  readonly #waiting: (WaitingEntry | WaitingRound)[] = [];
  #first = 0;
  #bytes = 0;

  get length(): number {
    return this.#waiting.length - this.#first;
  }

  /** Bytes of entries that wait. */
  get bytes(): number {
    return this.#bytes;
  }

  get head(): WaitingEntry | WaitingRound | undefined {
    return this.#waiting[this.#first];
  }

  push(item: WaitingEntry | WaitingRound): void {
    this.#waiting.push(item);
    if (item.kind === 'entry') this.#bytes += item.bytes.length;
  }

  /** All rounds that were asked for in a row: one round answers them all. */
  takeRounds(): WaitingRound[] {
    const rounds: WaitingRound[] = [];
    for (let head = this.head; head?.kind === 'round'; head = this.head) {
      rounds.push(head);
      this.#advance();
    }
    return rounds;
  }

  /** Entries for one page: as many as fit whole; or one alone that needs pages of its own. */
  takePage(pageBytes: number): WaitingEntry[] {
    const taken: WaitingEntry[] = [];
    let room = roomOfPage(pageBytes);
    for (let head = this.head; head?.kind === 'entry'; head = this.head) {
      const long = head.bytes.length > longestWhole(pageBytes);
      if (taken.length > 0 && (long || shareOfPage(head.bytes.length) > room)) break;
      taken.push(head);
      this.#advance();
      if (long) break;
      room -= shareOfPage(head.bytes.length);
    }
    return taken;
  }

  /** Refuses all that wait. */
  rejectAll(error: unknown): void {
    for (let head = this.head; head !== undefined; head = this.head) {
      this.#advance();
      if (head.kind === 'entry') wipe(head.bytes);
      head.reject(error);
    }
  }

  #advance(): void {
    const head = this.#waiting[this.#first++];
    if (head?.kind === 'entry') this.#bytes -= head.bytes.length;
    if (this.#first < 1024 && this.#first < this.#waiting.length) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}
