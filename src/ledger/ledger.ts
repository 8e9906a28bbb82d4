/**
 * The door of the ledger: what is live, who may take it, and what is gone.
 *
 * What holds, and why:
 * - Every promise that resolves is durable: the record is in a synced page of the log, and was applied in memory by the
 *   same function that a start after a crash uses.
 * - `takeView`, `remove` and expiry decide synchronously, in memory, before anything is written: of any number of
 *   callers exactly one gets the last view, and everyone after it finds nothing.
 * - It knows shares by keyed hashes of their tokens. It never has a link token, a deletion token, a key, a caption or a
 *   name; the secret S of a share is in the vault alone.
 *
 * What does not hold: a promise that is refused because a write failed says nothing about the medium. The process ends
 * then, and the next start says what is true.
 */
import type { Brand } from '../base/brand.js';
import type { Hold, UnitList } from '../store/arena.js';
import type { DeletionToken, FileId, LinkToken } from './tokens.js';

/** Sixteen bytes in hex: a keyed hash of the link token. Opaque outside the ledger. */
export type ShareId = Brand<string, 'ShareId'>;

export type ShareMode = 'timed' | 'burn' | 'never';

/** Who ended a share by an act. */
export type RemovalCause = 'deleted' | 'taken-down' | 'moderated';

/** Every way in which a share ends. */
export type GoneCause = RemovalCause | 'viewed' | 'expired';

/** One live share as it was when it was looked up. */
export interface Share {
  readonly id: ShareId;
  /** `cp-` and ten characters, public. */
  readonly fileId: FileId;
  /** Milliseconds since 1970; null = never. Dead from that instant on. */
  readonly expiresAt: number | null;
  readonly mode: ShareMode;
  /** Null = not limited; a burn has 1. */
  readonly viewsLeft: number | null;
  readonly hasPassphrase: boolean;
  /** Some view was taken or content served. Kept lazily: lost if the machine dies in the second after. */
  readonly opened: boolean;
  /** Held for review: not served until released. */
  readonly held: boolean;
  /** What holds its content, in order. */
  readonly units: UnitList;
}

export interface NewShare {
  readonly link: LinkToken;
  readonly deletion: DeletionToken;
  /** S, 32 bytes. Copied; the caller wipes its own. */
  readonly secret: Uint8Array;
  readonly expiresAt: number | null;
  readonly mode: ShareMode;
  /** Null = not limited; a burn has 1. */
  readonly views: number | null;
  readonly hasPassphrase: boolean;
  readonly held: boolean;
  /** The units that hold the content, already synced. Becomes the share's own when the promise resolves. */
  readonly hold: Hold;
  /** What is committed together with the share. */
  readonly also?: (made: Share) => readonly LedgerChange[];
}

/** A view that was taken: this caller, and nobody else, may serve it once `durable` has resolved. */
export interface TakenView {
  /** S, a copy. The caller wipes it. */
  readonly secret: Buffer;
  /** A reader's hold on the units. The caller releases it. */
  readonly hold: Hold;
  /** The share died with this view. */
  readonly last: boolean;
  /** Views left after this one; null = not limited (nothing was written then). */
  readonly viewsLeft: number | null;
  /** The tombstone or the smaller number is on the medium. No content byte may leave before. */
  readonly durable: Promise<void>;
}

/** One change of a book, to be made in the same commit as something else. */
export type BookChange =
  | { readonly kind: 'put'; readonly space: number; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly space: number; readonly key: Uint8Array }
  | { readonly kind: 'add'; readonly space: number; readonly key: Uint8Array; readonly by: number };

/**
 * What may be made in one commit with something else.
 *
 * `keep` keeps units of a share from being used again after it has died, under its file ID, until `let-go`; what is kept
 * under that file ID already stays. `hold` proves that the units are the share's still, and is the caller's to release.
 */
export type LedgerChange =
  | BookChange
  | { readonly kind: 'keep'; readonly fileId: FileId; readonly hold: Hold }
  | { readonly kind: 'let-go'; readonly fileId: FileId };

export interface BookEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/**
 * A sealed, durable table of small keys and values: counters, block lists, codes, reports. A space is a number from 0
 * to 255 that its owner names once. Keys have 1 to 255 bytes, values at most 32 KiB. Reads see what is durable.
 */
export interface Book {
  get(key: Uint8Array): Buffer | null;
  put(key: Uint8Array, value: Uint8Array): Promise<void>;
  /** False where the key was not there. */
  delete(key: Uint8Array): Promise<boolean>;
  /** Adds to a counter, which begins at 0. Additions made at the same time all count. */
  add(key: Uint8Array, by: number): Promise<void>;
  /** The value of a counter. */
  count(key: Uint8Array): number;
  /** All entries in the order of their keys, as they are at the call. */
  entries(): readonly BookEntry[];
}

export interface Ledger {
  /** The store's clock, milliseconds since 1970: never goes back, not even over a restart. */
  now(): number;
  /** Live shares only: expired is null at the instant of expiry. */
  find(link: LinkToken): Share | null;
  findByDeletion(token: DeletionToken): Share | null;
  findByFileId(fileId: FileId): Share | null;
  /** A copy of S, 32 bytes, which the caller wipes; null when the share is gone by now. */
  secretOf(share: Share): Buffer | null;
  /**
   * Makes a share; resolves when it is durable and owns the hold's units. Refuses ('store-full', 'busy') without taking
   * the hold.
   */
  put(share: NewShare): Promise<Share>;
  /** Takes one view, synchronously. Null = gone. Of an unlimited share: secret and hold, nothing is written. */
  takeView(share: Share): TakenView | null;
  /** Cheap, idempotent, durable a little later. */
  markOpened(share: Share): void;
  /**
   * Ends a share; resolves when the tombstone (and the changes that come with it) is durable. False = someone else
   * was first, and the changes were not made.
   */
  remove(share: Share, cause: RemovalCause, also?: readonly LedgerChange[]): Promise<boolean>;
  /** Brings the expiry forward; a later one than now set changes nothing. Null = gone. */
  shorten(share: Share, expiresAt: number): Promise<Share | null>;
  setHeld(share: Share, held: boolean, also?: readonly LedgerChange[]): Promise<Share | null>;
  /** The listener is called synchronously when a share dies, for any cause. */
  onGone(listener: (id: ShareId, cause: GoneCause) => void): void;
  /**
   * Ends what has expired: secrets wiped, listeners called, units free. Some at once, and says how many; the rest in turns,
   * so that nobody waits. Called each second.
   */
  sweepExpired(): number;
  /** A reader's hold on the units of a live share; null = gone. */
  hold(share: Share): Hold | null;
  book(space: number): Book;
  /** Several changes in one commit. */
  change(changes: readonly LedgerChange[]): Promise<void>;
  /**
   * A reader's hold on units that are kept, whether or not their share lives; null = nothing is kept under this file ID. Of
   * the share itself nothing is said: who reads there has a key from elsewhere.
   */
  holdKept(fileId: FileId): Hold | null;
  /** Units that are kept, of all of them. */
  readonly keptUnits: number;
  /** Shares that are live. */
  readonly live: number;
  /** Units that shares of this mode own, for limits by class. */
  unitsOf(mode: ShareMode): number;
}
