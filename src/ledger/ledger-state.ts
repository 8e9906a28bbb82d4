/**
 * The state that the store seals for the ledger: shards of rows, the vault, the pepper, the counters.
 *
 * What holds, and why: `apply` is the one way in which it changes, live and at a replay, and depends on nothing but the
 * clock of the page, the entries and what was there. S goes from a record to the vault and nowhere else.
 */
import { setImmediate } from 'node:timers/promises';
import type { SqlJsStatic } from 'sql.js';
import { secretBytes, secretCopy, wipe } from '../base/bytes.js';
import { invariant, unreachable } from '../base/errors.js';
import { KiB } from '../base/units.js';
import { randomSecret } from '../crypto/random.js';
import type { UnitList } from '../store/arena.js';
import type { SealedState } from '../store/state.js';
import type { UnitPool } from '../store/unit-pool.js';
import { SECRET_LENGTH, Vault } from '../store/vault.js';
import type { BookChange, ShareMode } from './ledger.js';
import { FLAG, parseRecords, type LedgerRecord, type PutRecord } from './record.js';
import { Tables, type ExpiryPlace, type Kept, type Row } from './tables.js';
import type { FileId } from './tokens.js';

const PEPPER_LENGTH = 32;
const VAULT_PIECE = 64 * KiB;
const COUNTER_LENGTH = 8;

/** How the rows are laid out. Tests hand in tiny ones. */
export interface Sharding {
  readonly shards: number;
  /** Bytes of a page of SQLite. */
  readonly pageBytes: number;
  /** Expired shares that are worked on in one turn: however many expire at once, nobody else waits longer than for these. */
  readonly atOnce: number;
}

const SHARDING: Sharding = { shards: 16, pageBytes: 4 * KiB, atOnce: 128 };

/** Told of what ends without anybody having asked, and of everything that leaves something to be shredded. */
export interface StateListener {
  expired(row: Row): void;
  shredded(): void;
}

export class LedgerState implements SealedState {
  listener: StateListener | null = null;
  readonly #sqlite: SqlJsStatic;
  readonly #sharding: Sharding;
  #shards: readonly Tables[] = [];
  #vault: Vault;
  #pool: UnitPool | null = null;
  #pepper = secretBytes(PEPPER_LENGTH);
  /** No share expires before this. */
  #earliest = Infinity;
  /** The latest clock on record: what has expired by it is dropped. */
  #recorded = 0;
  /** From the call of `compact` to the end of the body that follows. */
  #sealing = false;
  /** For each shard, how far `takeExpired` has come. */
  #taken: (ExpiryPlace | undefined)[] = [];
  #live = 0;
  #keptUnits = 0;
  readonly #units: Record<ShareMode, number> = { timed: 0, burn: 0, never: 0 };

  /** `places` is the number of units: a share has at least one. */
  constructor(sqlite: SqlJsStatic, places: number, sharding = SHARDING) {
    this.#sqlite = sqlite;
    this.#vault = new Vault(places);
    this.#sharding = sharding;
  }

  get pepper(): Uint8Array {
    return this.#pepper;
  }

  get vault(): Vault {
    return this.#vault;
  }

  /** Rows, those that have expired and were not swept yet included. */
  get live(): number {
    return this.#live;
  }

  unitsOf(mode: ShareMode): number {
    return this.#units[mode];
  }

  /** Units that are kept as evidence. */
  get keptUnits(): number {
    return this.#keptUnits;
  }

  create(pool: UnitPool): void {
    this.#pool = pool;
    this.#pepper = randomSecret(PEPPER_LENGTH);
    const { shards, pageBytes } = this.#sharding;
    this.#shards = Array.from({ length: shards }, () => new Tables(this.#sqlite, null, pageBytes));
  }

  async restore(pool: UnitPool, take: (length: number) => Promise<Buffer>): Promise<void> {
    this.#pool = pool;
    this.#pepper = await take(PEPPER_LENGTH);
    const places = (await take(4)).readUInt32BE();
    invariant(places <= this.#vault.size, 'a store never becomes smaller');
    const vault = await take(places * SECRET_LENGTH);
    try {
      const shards: Tables[] = [];
      const count = (await take(1)).readUInt8();
      invariant(count === this.#sharding.shards, 'the number of shards is fixed');
      for (let shard = 0; shard < count; shard++) {
        const length = (await take(4)).readUInt32BE();
        shards.push(new Tables(this.#sqlite, await take(length), this.#sharding.pageBytes));
      }
      this.#shards = shards;
      const taken: number[] = [];
      for (const tables of shards) {
        const dead: Row[] = [];
        tables.forEach((row) => {
          if (isZero(vault.subarray(row.place * SECRET_LENGTH, (row.place + 1) * SECRET_LENGTH))) {
            dead.push(row);
          } else {
            taken.push(row.place);
            this.#adopt(row);
          }
        });
        // It expired while its round was being written, after the clock of that round: dead stays dead.
        for (const { id } of dead) tables.delete(id);
      }
      this.#vault.restore(vault, taken);
      for (const tables of shards) for (const kept of tables.keptList()) this.#claim(kept);
    } finally {
      wipe(vault);
    }
  }

  /**
   * A replay drops all that has expired before it goes on. Live, a part is dropped here and the rest by `dropSome`, in
   * turns: until then it is refused by its time, its units are nobody else's, and no record changes that.
   */
  apply(clock: number, entries: readonly Buffer[]): void {
    this.#recorded = clock;
    while (this.dropSome() && this.listener === null);
    for (const entry of entries) {
      for (const record of parseRecords(entry)) this.#applyRecord(record);
    }
  }

  /** Whether anything has expired by `clock` and was not dropped yet. */
  hasExpired(clock: number): boolean {
    return clock >= this.#earliest;
  }

  /** Some of what has expired by `clock`, each share once. Empty = that was all. */
  takeExpired(clock: number): Row[] {
    if (!this.hasExpired(clock)) return [];
    const rows: Row[] = [];
    for (const [shard, tables] of this.#shards.entries()) {
      const some = tables.expired(clock, this.#sharding.atOnce - rows.length, this.#taken[shard]);
      const last = some.at(-1);
      if (last !== undefined) this.#taken[shard] = { expiresAt: last.expiresAt ?? 0, id: last.id };
      rows.push(...some);
      if (rows.length === this.#sharding.atOnce) break;
    }
    return rows;
  }

  /** Drops some of what has expired by the clock on record. True while there may be more. Nothing while a body is taken. */
  dropSome(): boolean {
    if (this.#sealing || !this.hasExpired(this.#recorded)) return false;
    let room = this.#sharding.atOnce;
    for (const tables of this.#shards) {
      for (const row of tables.expired(this.#recorded, room)) {
        this.#drop(row);
        this.listener?.expired(row);
        room--;
      }
      if (room === 0) return true;
    }
    this.#earliest = Math.min(...this.#shards.map((tables) => tables.earliest()));
    return false;
  }

  due(clock: number): number {
    return this.#shards.reduce((sum, tables) => sum + tables.due(clock), 0);
  }

  async compact(): Promise<void> {
    while (this.dropSome()) await setImmediate();
    for (const tables of this.#shards) {
      // One shard a tick: readers get their turn in between.
      if (tables.compact()) await setImmediate();
    }
    this.#sealing = true;
  }

  bodyLength(): number {
    const images = this.#shards.reduce((sum, tables) => sum + 4 + tables.imageBytes(), 0);
    return PEPPER_LENGTH + 4 + this.#vault.bytes.length + 1 + images;
  }

  *body(): Generator<Buffer, void, undefined> {
    yield secretCopy(this.#pepper);
    yield u32(this.#vault.size);
    const vault = this.#vault.bytes;
    for (let at = 0; at < vault.length; at += VAULT_PIECE) yield secretCopy(vault.subarray(at, at + VAULT_PIECE));
    yield Buffer.from([this.#shards.length]);
    for (const tables of this.#shards) {
      const image = tables.image();
      yield u32(image.length);
      yield image;
    }
    this.#sealing = false;
  }

  wipe(): void {
    this.#vault.wipeAll();
    wipe(this.#pepper);
  }

  /** Frees the memory of the tables. Nothing can be looked up afterwards. */
  close(): void {
    this.wipe();
    for (const tables of this.#shards) tables.close();
    this.#shards = [];
  }

  byId(id: Uint8Array): Row | null {
    return this.#shardOf(id).byId(id);
  }

  /** The first shard that knows the answer. */
  search(look: (tables: Tables) => Row | null): Row | null {
    for (const tables of this.#shards) {
      const row = look(tables);
      if (row !== null) return row;
    }
    return null;
  }

  /** The units that are kept under a file ID; null = none. */
  keptOf(fileId: FileId): UnitList | null {
    return this.#keptShard(fileId).keptGet(fileId);
  }

  bookOf(key: Uint8Array): Tables {
    return this.#shard(key.reduce((sum, byte) => sum + byte, 0));
  }

  get shards(): readonly Tables[] {
    return this.#shards;
  }

  #applyRecord(record: LedgerRecord): void {
    if (record.kind === 'put') {
      this.#put(record);
    } else if (record.kind === 'book') {
      this.#change(record.change);
    } else if (record.kind === 'keep') {
      this.#keep(record);
    } else if (record.kind === 'let-go') {
      this.#letGo(record.fileId);
    } else {
      const row = this.byId(record.id);
      if (row !== null) this.#applyTo(row, record);
    }
  }

  #applyTo(row: Row, record: Exclude<LedgerRecord, { kind: 'put' | 'book' | 'keep' | 'let-go' }>): void {
    const tables = this.#shardOf(row.id);
    switch (record.kind) {
      case 'gone':
        this.#drop(row);
        break;
      case 'views':
        tables.setViews(row.id, record.views);
        break;
      case 'opened':
        tables.setFlags(row.id, row.flags | FLAG.opened);
        break;
      case 'held':
        tables.setFlags(row.id, record.held ? row.flags | FLAG.held : row.flags & ~FLAG.held);
        break;
      case 'expiry':
        tables.setExpiry(row.id, record.expiresAt);
        this.#earliest = Math.min(this.#earliest, record.expiresAt);
        break;
      default:
        unreachable(record);
    }
  }

  #put(record: PutRecord): void {
    const { id, deletion, fileId, expiresAt, mode, views, flags, secret, units } = record;
    const row = { id, deletion, fileId, expiresAt, mode, views, flags, place: this.#vault.store(secret), units };
    this.#shardOf(id).insert(row);
    this.#adopt(row);
  }

  #adopt(row: Row): void {
    this.#owner().own(row.units);
    this.#live++;
    this.#units[row.mode] += row.units.length;
    if (row.expiresAt !== null) this.#earliest = Math.min(this.#earliest, row.expiresAt);
  }

  /** The one place where a share ends: row, secret and units. */
  #drop(row: Row): void {
    this.#vault.free(row.place);
    this.#shardOf(row.id).delete(row.id);
    this.#owner().disown(row.units);
    this.#live--;
    this.#units[row.mode] -= row.units.length;
    this.listener?.shredded();
  }

  /** Once for a share; what is kept already stays as it is. */
  #keep(kept: Kept): void {
    if (this.keptOf(kept.fileId) !== null) return;
    this.#claim(kept);
    this.#keptShard(kept.fileId).keptPut(kept.fileId, kept.units);
  }

  #claim({ fileId, units }: Kept): void {
    this.#owner().keep(units, this.search((tables) => tables.byFileId(fileId)) !== null);
    this.#keptUnits += units.length;
  }

  #letGo(fileId: FileId): void {
    const units = this.keptOf(fileId);
    if (units === null) return;
    this.#keptShard(fileId).keptDelete(fileId);
    this.#owner().letGo(units);
    this.#keptUnits -= units.length;
    this.listener?.shredded();
  }

  #change(change: BookChange): void {
    const tables = this.bookOf(change.key);
    const before = tables.bookGet(change.space, change.key);
    switch (change.kind) {
      case 'put':
        tables.bookPut(change.space, change.key, change.value);
        break;
      case 'delete':
        tables.bookDelete(change.space, change.key);
        break;
      case 'add':
        tables.bookPut(change.space, change.key, encodeCounter(parseCounter(before) + change.by));
        break;
      default:
        unreachable(change);
    }
    if (before !== null && change.kind !== 'add') this.listener?.shredded();
  }

  #owner(): UnitPool {
    invariant(this.#pool !== null, 'a state is created or restored before it is used');
    return this.#pool;
  }

  #keptShard(fileId: FileId): Tables {
    return this.bookOf(Buffer.from(fileId, 'latin1'));
  }

  #shardOf(id: Uint8Array): Tables {
    return this.#shard(id[0] ?? 0);
  }

  #shard(number: number): Tables {
    const tables = this.#shards[number % this.#shards.length];
    invariant(tables !== undefined, 'a state is created or restored before it is used');
    return tables;
  }
}

export function parseCounter(value: Buffer | null): number {
  return value?.length === COUNTER_LENGTH ? Number(value.readBigUInt64BE()) : 0;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

function encodeCounter(count: number): Buffer {
  const bytes = Buffer.alloc(COUNTER_LENGTH);
  bytes.writeBigUInt64BE(BigInt(count));
  return bytes;
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
