/**
 * The audit trail: what staff decided, in order. docs/format/moderation.md, section 7.
 *
 * Construction: a hash chain. Each entry's hash is SHA-256 of the hash before it and the entry; the last is kept beside. The
 * last `MOST_ENTRIES` are kept: with each further one the oldest goes, and its hash is kept as what the rest begins with.
 * What holds: an entry that was changed, taken out, put in or moved shows, and so does a tail that was cut off, to anyone
 * who wrote down an older last hash (the desk shows it).
 * What does not hold: who has the root key and writes everything anew leaves no trace but that older hash.
 */
import { Reader, Writer } from '../base/cursor.js';
import { invariant } from '../base/errors.js';
import { equalBytes, sha256 } from '../crypto/hash.js';
import type { BookChange } from '../ledger/ledger.js';
import { SPACE, type Book } from './book.js';
import { fieldSize, readField, writeField } from './text-field.js';

/** The order is the format's: new ones go last. */
export const AUDIT_ACTIONS = [
  'signed-in',
  'kept',
  'removed',
  'removed-and-banned',
  'preserved',
  'released',
  'viewed',
  'notice-granted',
  'notice-refused',
  'notice-answered',
  'removed-by-file-id',
  'ban-lifted',
  'list-added',
  'list-removed',
  'account-added',
  'account-reset',
  'account-removed',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

export interface AuditEntry {
  readonly number: number;
  readonly at: number;
  /** Name of the account. */
  readonly actor: string;
  readonly action: AuditAction;
  /** A public file ID, a reference, a list's name or an account's; never anything of a visitor's. */
  readonly subject: string;
}

const VERSION = 1;
const HASH_LENGTH = 32;
const NO_HASH = Buffer.alloc(HASH_LENGTH);
/** Entries have a key of 8 bytes; the last hash stands after all of them, under one of 9, what they begin with under one of 10. */
const HEAD_KEY = Buffer.alloc(9, 0xff);
const ANCHOR_KEY = Buffer.alloc(10, 0xff);
/** About 2 MiB of the store's snapshot, which everything shares. */
export const MOST_ENTRIES = 20_000;

type Commit = (entry: readonly BookChange[]) => Promise<boolean>;

/** What the kept entries begin with: the hash before the first of them, and its number. */
interface Anchor {
  readonly hash: Buffer;
  readonly number: number;
}

export class AuditTrail {
  readonly #book: Book;
  readonly #most: number;
  #anchor: Anchor = { hash: NO_HASH, number: 0 };
  #last: Buffer = NO_HASH;
  /** Number of the next entry. */
  #count = 0;
  /** Entries are written one after the other, so that the chain has one order. */
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(book: Book, most: number) {
    this.#book = book;
    this.#most = most;
  }

  /** Opens a trail; null where it does not hold together. A crash between entry and last hash is mended. */
  static async open(book: Book, most = MOST_ENTRIES): Promise<AuditTrail | null> {
    const trail = new AuditTrail(book, most);
    const head = book.get(HEAD_KEY);
    trail.#anchor = anchorOf(book);
    const last = chain(book, trail.#anchor);
    if (last === null) return null;
    const { hash, count, before } = last;
    const whole = head === null ? count <= 1 : equalBytes(head, hash) || equalBytes(head, before);
    if (!whole) return null;
    trail.#last = hash;
    trail.#count = count;
    if (head === null || !equalBytes(head, hash)) await book.put(HEAD_KEY, hash);
    return trail;
  }

  /** The hash over everything so far, to be written down elsewhere. */
  get head(): Buffer {
    return Buffer.from(this.#last);
  }

  /**
   * Adds an entry in the same commit as what it tells of: `commit` makes the changes given with its own, and says whether
   * it made them. Where it did not, nothing was added. Entries are added one after the other.
   */
  add(entry: Omit<AuditEntry, 'number'>, commit: Commit = (changes) => this.#put(changes)): Promise<boolean> {
    const turn = this.#writing.then(() => this.#write(entry, commit));
    this.#writing = turn.catch(() => undefined);
    return turn;
  }

  /** All entries, the latest first. */
  entries(): readonly AuditEntry[] {
    return entriesOf(this.#book, this.#anchor)
      .map(({ number, value }) => parseEntry(number, value))
      .reverse();
  }

  async #put(changes: readonly BookChange[]): Promise<boolean> {
    for (const change of changes) {
      if (change.kind === 'put') await this.#book.put(change.key, change.value);
      else if (change.kind === 'delete') await this.#book.delete(change.key);
    }
    return true;
  }

  async #write(entry: Omit<AuditEntry, 'number'>, commit: Commit): Promise<boolean> {
    const value = encodeEntry(entry);
    const hash = sha256(this.#last, value);
    const space = SPACE.audit;
    const anchor = this.#nextAnchor();
    const written = await commit([
      { kind: 'put', space, key: keyOf(this.#count), value },
      { kind: 'put', space, key: HEAD_KEY, value: hash },
      ...(anchor === this.#anchor ? [] : dropOldest(anchor)),
    ]);
    if (!written) return false;
    this.#count++;
    this.#last = hash;
    this.#anchor = anchor;
    return true;
  }

  /** Where the kept entries begin once there is one more: the same place, while there is room. */
  #nextAnchor(): Anchor {
    const { hash, number } = this.#anchor;
    if (this.#count - number < this.#most) return this.#anchor;
    const oldest = this.#book.get(keyOf(number));
    invariant(oldest !== null, 'the oldest entry of the trail is there');
    return { hash: sha256(hash, oldest), number: number + 1 };
  }
}

/** Walks the chain: its last hash, the one before, the number after the last. Null where a number is missing. */
function chain(book: Book, anchor: Anchor): { hash: Buffer; before: Buffer; count: number } | null {
  let { hash } = anchor;
  let before = hash;
  let count = anchor.number;
  for (const { number, value } of entriesOf(book, anchor)) {
    if (number !== count) return null;
    count++;
    before = hash;
    hash = sha256(hash, value);
  }
  return { hash, before, count };
}

/** One that was to go and stands there still, because a crash came in between, is passed over. */
function entriesOf(book: Book, anchor: Anchor): { number: number; value: Buffer }[] {
  return book
    .entries()
    .filter(({ key }) => key.length === 8)
    .map(({ key, value }) => ({ number: new Reader(key).u64(), value }))
    .filter(({ number }) => number >= anchor.number);
}

function anchorOf(book: Book): Anchor {
  const value = book.get(ANCHOR_KEY);
  if (value === null) return { hash: NO_HASH, number: 0 };
  const reader = new Reader(value);
  return { hash: Buffer.from(reader.bytes(HASH_LENGTH)), number: reader.u64() };
}

/** Begins the kept entries at `anchor`, and drops the one before. */
function dropOldest({ hash, number }: Anchor): readonly BookChange[] {
  const space = SPACE.audit;
  const value = Buffer.alloc(HASH_LENGTH + 8);
  new Writer(value).bytes(hash).u64(number);
  return [
    { kind: 'put', space, key: ANCHOR_KEY, value },
    { kind: 'delete', space, key: keyOf(number - 1) },
  ];
}

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(8);
  new Writer(key).u64(number);
  return key;
}

function encodeEntry({ at, actor, action, subject }: Omit<AuditEntry, 'number'>): Buffer {
  const [who, what] = [Buffer.from(actor), Buffer.from(subject)];
  const value = Buffer.alloc(1 + 8 + 1 + fieldSize(who) + fieldSize(what));
  const writer = new Writer(value).u8(VERSION).u64(at).u8(AUDIT_ACTIONS.indexOf(action));
  writeField(writer, who);
  writeField(writer, what);
  return value;
}

function parseEntry(number: number, value: Buffer): AuditEntry {
  const reader = new Reader(value);
  invariant(reader.u8() === VERSION, 'an audit entry has a known version');
  const at = reader.u64();
  const action = AUDIT_ACTIONS[reader.u8()];
  invariant(action !== undefined, 'an audit entry has a known action');
  return { number, at, action, actor: readField(reader).toString(), subject: readField(reader).toString() };
}
