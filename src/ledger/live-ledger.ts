/**
 * The ledger over a sealed store (the door is `ledger.ts`).
 *
 * Claims are made in memory, synchronously: `#gone` has the shares whose end is being written, `#viewsLeft` the numbers
 * that are being written. Whoever looks a share up sees them before the medium does.
 */
import { setImmediate } from 'node:timers/promises';
import { secretCopy } from '../base/bytes.js';
import { invariant, Refusal } from '../base/errors.js';
import { KiB, MiB } from '../base/units.js';
import { hmacSha256 } from '../crypto/hash.js';
import { LABEL } from '../crypto/labels.js';
import type { Hold } from '../store/arena.js';
import type { SealedStore } from '../store/store.js';
import type { UnitPool } from '../store/unit-pool.js';
import { SECRET_LENGTH } from '../store/vault.js';
import { LedgerBook } from './ledger-book.js';
import type { LedgerState } from './ledger-state.js';
import type {
  Book,
  GoneCause,
  Ledger,
  LedgerChange,
  NewShare,
  RemovalCause,
  Share,
  ShareId,
  ShareMode,
  TakenView,
} from './ledger.js';
import { encodeRecords, FLAG, ID_LENGTH, recordLength, type LedgerRecord, type RecordedCause } from './record.js';
import type { Row } from './tables.js';
import { mintFileId, type DeletionToken, type FileId, type LinkToken } from './tokens.js';

/** Beyond this, new shares are turned away so that the others don't wait: deletions and burns never are. */
const MOST_WAITING = 4096;
const MOST_WAITING_BYTES = 4 * MiB;
/** Kept free in the snapshot, so that what must be written on a full store always can be. */
const SPARE_ROOM = 256 * KiB;
/** What a record may come to in the tables, indexes and half-full pages included, as a multiple of its length. */
const TABLE_OVERHEAD = 4;
const MOST_VIEWS = 0xffff_ffff;

export class LiveLedger implements Ledger {
  readonly #store: SealedStore;
  readonly #state: LedgerState;
  readonly #pool: UnitPool;
  readonly #gone = new Set<ShareId>();
  readonly #viewsLeft = new Map<ShareId, number>();
  readonly #opened = new Set<ShareId>();
  /** Holds that a share took over, or is taking over. */
  readonly #given = new WeakSet<Hold>();
  #sweeping = false;
  readonly #listeners: ((id: ShareId, cause: GoneCause) => void)[] = [];

  constructor(store: SealedStore, state: LedgerState, pool: UnitPool) {
    this.#store = store;
    this.#state = state;
    this.#pool = pool;
    state.listener = {
      expired: (row) => {
        const id = idOf(row.id);
        if (!this.#gone.has(id)) this.#announce(id, 'expired');
        this.#forget(id);
      },
      shredded: () => store.markDirty(),
    };
  }

  get live(): number {
    return this.#state.live - this.#gone.size;
  }

  now(): number {
    return this.#store.now();
  }

  find(link: LinkToken): Share | null {
    this.#alive();
    return this.#view(this.#state.byId(this.#hash(LABEL.link, link)));
  }

  findByDeletion(token: DeletionToken): Share | null {
    this.#alive();
    const deletion = this.#hash(LABEL.deletion, token);
    return this.#view(this.#state.search((tables) => tables.byDeletion(deletion)));
  }

  findByFileId(fileId: FileId): Share | null {
    this.#alive();
    return this.#view(this.#state.search((tables) => tables.byFileId(fileId)));
  }

  secretOf(share: Share): Buffer | null {
    const row = this.#liveRow(share.id);
    return row === null ? null : this.#state.vault.copyOf(row.place);
  }

  hold(share: Share): Hold | null {
    const row = this.#liveRow(share.id);
    return row === null ? null : this.#pool.hold(row.units);
  }

  async put(share: NewShare): Promise<Share> {
    const record = this.#putRecord(share);
    const made = shareOf({ ...record, place: 0 }, record.views);
    const also = recorded(share.also?.(made) ?? []);
    this.#admit(record, ...also);
    invariant(!this.#given.has(share.hold), 'a hold is given to one share only');
    this.#given.add(share.hold);
    const own = this.#pool.hold(share.hold.units);
    try {
      await this.#commit([record, ...also]);
      share.hold.release();
    } finally {
      own.release();
    }
    return made;
  }

  takeView(share: Share): TakenView | null {
    const row = this.#liveRow(share.id);
    if (row === null) return null;
    const left = this.#leftOf(row);
    const taken = { secret: this.#state.vault.copyOf(row.place), hold: this.#pool.hold(row.units) };
    if (left === null) return { ...taken, last: false, viewsLeft: null, durable: Promise.resolve() };
    const viewsLeft = left - 1;
    if (viewsLeft === 0) return { ...taken, last: true, viewsLeft, durable: this.#end(row, 'viewed') };
    this.#viewsLeft.set(share.id, viewsLeft);
    const durable = this.#commit([{ kind: 'views', id: row.id, views: viewsLeft }]).then(() => {
      if (this.#viewsLeft.get(share.id) === viewsLeft) this.#viewsLeft.delete(share.id);
    });
    return { ...taken, last: false, viewsLeft, durable };
  }

  markOpened(share: Share): void {
    const row = this.#liveRow(share.id);
    if (row === null || (row.flags & FLAG.opened) !== 0 || this.#opened.has(share.id)) return;
    this.#opened.add(share.id);
    void this.#commit([{ kind: 'opened', id: row.id }])
      .catch(() => undefined)
      .finally(() => this.#opened.delete(share.id));
  }

  async remove(share: Share, cause: RemovalCause, also: readonly LedgerChange[] = []): Promise<boolean> {
    const row = this.#liveRow(share.id);
    if (row === null) return false;
    await this.#end(row, cause, also);
    return true;
  }

  async shorten(share: Share, expiresAt: number): Promise<Share | null> {
    const row = this.#liveRow(share.id);
    if (row === null) return null;
    if (row.expiresAt === null || expiresAt < row.expiresAt) {
      await this.#commit([{ kind: 'expiry', id: row.id, expiresAt: Math.max(1, Math.floor(expiresAt)) }]);
    }
    return this.#view(this.#state.byId(row.id));
  }

  async setHeld(share: Share, held: boolean, also: readonly LedgerChange[] = []): Promise<Share | null> {
    const row = this.#liveRow(share.id);
    if (row === null) return null;
    await this.#commit([{ kind: 'held', id: row.id, held }, ...recorded(also)]);
    return this.#view(this.#state.byId(row.id));
  }

  onGone(listener: (id: ShareId, cause: GoneCause) => void): void {
    this.#listeners.push(listener);
  }

  sweepExpired(): number {
    if (this.#store.ended !== null) return 0;
    const now = this.now();
    const { ended } = this.#endSome(now);
    if (this.#sweeping || !this.#state.hasExpired(now)) return ended;
    this.#sweeping = true;
    void this.#sweep(now)
      .catch(() => undefined)
      .finally(() => (this.#sweeping = false));
    return ended;
  }

  book(space: number): Book {
    return new LedgerBook(space, this.#state, (changes) => this.change(changes));
  }

  async change(changes: readonly LedgerChange[]): Promise<void> {
    const records = recorded(changes);
    if (changes.some((change) => this.#grows(change))) this.#admit(...records);
    // Until the change is applied nothing else may keep the units from being used again.
    const held = changes.flatMap((change) => (change.kind === 'keep' ? [this.#pool.hold(change.hold.units)] : []));
    try {
      await this.#commit(records);
    } finally {
      for (const hold of held) hold.release();
    }
  }

  holdKept(fileId: FileId): Hold | null {
    this.#alive();
    const units = this.#state.keptOf(fileId);
    return units === null ? null : this.#pool.hold(units);
  }

  get keptUnits(): number {
    return this.#state.keptUnits;
  }

  unitsOf(mode: ShareMode): number {
    return this.#state.unitsOf(mode);
  }

  /** Ends some of what has expired by `now`: nobody reads on. Of those that were looked at, some had ended by an act. */
  #endSome(now: number): { readonly looked: number; readonly ended: number } {
    const looked = this.#state.takeExpired(now);
    const rows = looked.filter((row) => !this.#gone.has(idOf(row.id)));
    for (const row of rows) {
      this.#gone.add(idOf(row.id));
      this.#state.vault.wipe(row.place);
      this.#announce(idOf(row.id), 'expired');
    }
    return { looked: looked.length, ended: rows.length };
  }

  /**
   * Ends the rest, some each turn, and then puts the clock on record: a wrong one can't revive them from then on, and their
   * rows are dropped and their units free.
   */
  async #sweep(now: number): Promise<void> {
    while (this.#endSome(now).looked > 0) await setImmediate();
    await this.#store.recordClock();
    while (this.#store.ended === null && this.#state.dropSome()) await setImmediate();
  }

  /** Claims the end of a share at once; resolves when its tombstone is durable. */
  #end(row: Row, cause: RecordedCause, also: readonly LedgerChange[] = []): Promise<void> {
    const id = idOf(row.id);
    this.#gone.add(id);
    this.#announce(id, cause);
    return this.#commit([{ kind: 'gone', id: row.id, cause }, ...recorded(also)]).then(() => this.#forget(id));
  }

  #announce(id: ShareId, cause: GoneCause): void {
    for (const listener of this.#listeners) listener(id, cause);
  }

  #forget(id: ShareId): void {
    this.#gone.delete(id);
    this.#viewsLeft.delete(id);
  }

  #commit(records: readonly LedgerRecord[]): Promise<void> {
    return this.#store.commit(encodeRecords(records));
  }

  /** What frees room is never turned away, or a full store could not be emptied. */
  #grows(change: LedgerChange): boolean {
    if (change.kind !== 'put') return change.kind === 'add' || change.kind === 'keep';
    const before = this.#state.bookOf(change.key).bookGet(change.space, change.key);
    return before === null || before.length < change.value.length;
  }

  /** Refuses what the snapshot would have no room for, and what would make everyone wait. */
  #admit(...records: readonly LedgerRecord[]): void {
    this.#alive();
    const { entries, bytes } = this.#store.waiting;
    if (entries >= MOST_WAITING || bytes >= MOST_WAITING_BYTES) {
      throw new Refusal('busy', 'the ledger has too much waiting to be written');
    }
    const length = records.reduce((sum, record) => sum + recordLength(record), 0);
    if (length > this.#store.longestEntry) throw new Refusal('too-large', 'a record is longer than the log can hold');
    const spare = Math.min(SPARE_ROOM, this.#store.bodyCapacity / 8);
    if (this.#store.bodyRoom < spare + TABLE_OVERHEAD * (bytes + length)) {
      throw new Refusal('store-full', 'the ledger has no room for another entry');
    }
  }

  #putRecord(share: NewShare): LedgerRecord & { readonly kind: 'put' } {
    const { link, deletion, secret, expiresAt, mode, views, hasPassphrase, held, hold } = share;
    invariant(secret.length === SECRET_LENGTH && hold.units.length > 0, 'a share has a secret and at least one unit');
    invariant(views === null || (views > 0 && views <= MOST_VIEWS), 'a limit of views fits its field');
    return {
      kind: 'put',
      id: this.#hash(LABEL.link, link),
      deletion: this.#hash(LABEL.deletion, deletion),
      fileId: this.#newFileId(),
      expiresAt: expiresAt === null ? null : Math.floor(expiresAt),
      mode,
      views,
      flags: (hasPassphrase ? FLAG.passphrase : 0) | (held ? FLAG.held : 0),
      secret,
      units: hold.units,
    };
  }

  #newFileId(): FileId {
    for (;;) {
      const fileId = mintFileId();
      if (this.#state.search((tables) => tables.byFileId(fileId)) === null) return fileId;
    }
  }

  /** What a token is known by. HMAC under the pepper: without it no token can be tried against the tables. */
  #hash(label: string, token: string): Buffer {
    return secretCopy(hmacSha256(this.#state.pepper, label, token).subarray(0, ID_LENGTH));
  }

  #liveRow(id: ShareId): Row | null {
    this.#alive();
    if (this.#gone.has(id)) return null;
    const row = this.#state.byId(Buffer.from(id, 'hex'));
    return row === null || this.#hasExpired(row) ? null : row;
  }

  #view(row: Row | null): Share | null {
    if (row === null || this.#gone.has(idOf(row.id)) || this.#hasExpired(row)) return null;
    return shareOf(row, this.#leftOf(row));
  }

  #leftOf(row: Row): number | null {
    return row.views === null ? null : (this.#viewsLeft.get(idOf(row.id)) ?? row.views);
  }

  #hasExpired(row: Row): boolean {
    return row.expiresAt !== null && row.expiresAt <= this.now();
  }

  /** A store that has ended answers nothing: what it has in memory may not be what is on the medium. */
  #alive(): void {
    if (this.#store.ended !== null) throw new Refusal('busy', 'the store is not open');
  }
}

function recorded(changes: readonly LedgerChange[]): LedgerRecord[] {
  return changes.map((change) => {
    switch (change.kind) {
      case 'keep':
        return { kind: 'keep', fileId: change.fileId, units: change.hold.units };
      case 'let-go':
        return change;
      default:
        return { kind: 'book', change };
    }
  });
}

function idOf(id: Buffer): ShareId {
  return id.toString('hex') as ShareId;
}

function shareOf(row: Row, viewsLeft: number | null): Share {
  return {
    id: idOf(row.id),
    fileId: row.fileId,
    expiresAt: row.expiresAt,
    mode: row.mode,
    viewsLeft,
    hasPassphrase: (row.flags & FLAG.passphrase) !== 0,
    opened: (row.flags & FLAG.opened) !== 0,
    held: (row.flags & FLAG.held) !== 0,
    units: row.units,
  };
}
