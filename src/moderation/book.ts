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
  /** In the order of their keys, as they are at the call. Counters are among them. */
  entries(): readonly BookEntry[];
}

/** The spaces of the ledger's books that this room owns. Never renumbered: docs/format/moderation.md. */
export const SPACE = {
  lists: 16,
  cases: 17,
  preserved: 18,
  notices: 19,
  counters: 20,
  audit: 21,
  accounts: 22,
} as const;
