/**
 * What this room asks of a sealed, durable table of keys and values. The ledger's books are one. Values are at most
 * 32 KiB; a promise that resolved is durable.
 */
export interface BookEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

export interface Book {
  get(key: Uint8Array): Buffer | null;
  put(key: Uint8Array, value: Uint8Array): Promise<void>;
  /** False where the key was not there. */
  delete(key: Uint8Array): Promise<boolean>;
  /** Adds to a counter, which begins at 0. */
  add(key: Uint8Array, by: number): Promise<void>;
  count(key: Uint8Array): number;
  /** In the order of their keys, as they are at the call. */
  entries(): readonly BookEntry[];
}
