/** A book over the shards (the door is `ledger.ts`). */
import { invariant } from '../base/errors.js';
import { KiB } from '../base/units.js';
import { parseCounter, type LedgerState } from './ledger-state.js';
import type { Book, BookChange, BookEntry } from './ledger.js';

const LONGEST_KEY = 255;
const LONGEST_VALUE = 32 * KiB;

export class LedgerBook implements Book {
  readonly #space: number;
  readonly #state: LedgerState;
  readonly #change: (changes: readonly BookChange[]) => Promise<void>;

  constructor(space: number, state: LedgerState, change: (changes: readonly BookChange[]) => Promise<void>) {
    invariant(Number.isInteger(space) && space >= 0 && space <= 255, 'a space is a number from 0 to 255');
    this.#space = space;
    this.#state = state;
    this.#change = change;
  }

  get(key: Uint8Array): Buffer | null {
    return this.#state.bookOf(key).bookGet(this.#space, key);
  }

  async put(key: Uint8Array, value: Uint8Array): Promise<void> {
    invariant(value.length <= LONGEST_VALUE, 'a value of a book has at most 32 KiB');
    checkKey(key);
    await this.#change([{ kind: 'put', space: this.#space, key, value }]);
  }

  async delete(key: Uint8Array): Promise<boolean> {
    checkKey(key);
    if (this.get(key) === null) return false;
    await this.#change([{ kind: 'delete', space: this.#space, key }]);
    return true;
  }

  async add(key: Uint8Array, by: number): Promise<void> {
    checkKey(key);
    invariant(Number.isSafeInteger(by) && by >= 0, 'a counter only grows');
    await this.#change([{ kind: 'add', space: this.#space, key, by }]);
  }

  count(key: Uint8Array): number {
    return parseCounter(this.get(key));
  }

  entries(): BookEntry[] {
    const all = this.#state.shards.flatMap((tables) => tables.bookList(this.#space));
    return all.sort((a, b) => Buffer.compare(a.key, b.key));
  }
}

function checkKey(key: Uint8Array): void {
  invariant(key.length > 0 && key.length <= LONGEST_KEY, 'a key of a book has 1 to 255 bytes');
}
