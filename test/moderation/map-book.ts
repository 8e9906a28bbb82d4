/** A book in memory: what the ledger's promise, without the medium. */
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
