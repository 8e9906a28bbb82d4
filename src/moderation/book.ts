/** Where this room keeps things: books of the ledger, sealed and durable tables of small keys and values. */
export type { Book, BookEntry } from '../ledger/ledger.js';

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
