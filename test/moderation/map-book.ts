/** A book in memory: what the ledger's promise, without the medium. */
import type { LedgerChange } from '../../src/ledger/ledger.js';
import type { Book, BookEntry } from '../../src/moderation/book.js';

export class MapBook implements Book {
  readonly #values = new Map<string, Buffer>();
  /** Puts and deletes so far; the next one after `failAt` of them is refused. */
  writes = 0;
  failAt = Infinity;

  get(key: Uint8Array): Buffer | null {
    const value = this.#values.get(Buffer.from(key).toString('hex'));
    return value === undefined ? null : Buffer.from(value);
  }

  put(key: Uint8Array, value: Uint8Array): Promise<void> {
    if (this.writes++ >= this.failAt) return Promise.reject(new Error('the medium is gone'));
    if (key.length < 1 || key.length > 255 || value.length > 32 * 1024) return Promise.reject(new Error('size'));
    this.#values.set(Buffer.from(key).toString('hex'), Buffer.from(value));
    return Promise.resolve();
  }

  delete(key: Uint8Array): Promise<boolean> {
    if (this.writes++ >= this.failAt) return Promise.reject(new Error('the medium is gone'));
    return Promise.resolve(this.#values.delete(Buffer.from(key).toString('hex')));
  }

  add(key: Uint8Array, by: number): Promise<void> {
    const value = Buffer.alloc(8);
    value.writeBigUInt64BE(BigInt(this.count(key) + by));
    return this.put(key, value);
  }

  count(key: Uint8Array): number {
    const value = this.get(key);
    return value === null ? 0 : Number(value.readBigUInt64BE());
  }

  entries(): BookEntry[] {
    return [...this.#values]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => ({ key: Buffer.from(key, 'hex'), value: Buffer.from(value) }));
  }
}

/** Books in memory, and what of the ledger the queue needs: which units are kept, by file ID. */
export class MapLedger {
  readonly kept = new Map<string, number>();
  readonly #books = new Map<number, MapBook>();

  get keptUnits(): number {
    return [...this.kept.values()].reduce((sum, units) => sum + units, 0);
  }

  book(space: number): MapBook {
    const book = this.#books.get(space) ?? new MapBook();
    this.#books.set(space, book);
    return book;
  }

  async change(changes: readonly LedgerChange[]): Promise<void> {
    for (const change of changes) {
      if (change.kind === 'keep') this.kept.set(change.fileId, change.hold.units.length);
      else if (change.kind === 'let-go') this.kept.delete(change.fileId);
      else if (change.kind === 'put') await this.book(change.space).put(change.key, change.value);
      else if (change.kind === 'add') await this.book(change.space).add(change.key, change.by);
      else await this.book(change.space).delete(change.key);
    }
  }
}
