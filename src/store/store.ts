/**
 * The sealed store: the door of the room (docs/format/store.md). One loop writes, with one thing in flight.
 *
 * What holds, and why:
 * - An entry resolves only after its page is synced and its change applied, by the function that a start uses.
 * - After a round nothing on the disk opens what was gone before it: the old slot is overwritten and synced, and the new
 *   epoch was sealed from the state in memory, where it is no more.
 * - No key seals one nonce twice, even across crashes: every life begins with a round, and so with keys of its own.
 * - A failed write or sync acknowledges nothing and ends the store (`poisoned`). What the disk holds is then unknown to
 *   this process; the next start finds out.
 *
 * What does not hold: that a medium overwrites in place. SHREDDING.md says what follows where it doesn't.
 *
 * It doesn't know what an entry or a unit means.
 */
import { wipe } from '../base/bytes.js';
import { ForwardClock, type Clock } from '../base/clock.js';
import { invariant, StoreFault } from '../base/errors.js';
import { KiB } from '../base/units.js';
import { ArenaFile } from './arena-file.js';
import type { Arena } from './arena.js';
import { wipeKeys, type EpochKeys } from './epoch.js';
import { destroySlot, writeSet, type SetContext, type SetFiles } from './epoch-set.js';
import { FileFault, type OpenFile, type SetName } from './files.js';
import { longestWhole, sealPage, type Page } from './log-page.js';
import { WriterQueue, type WaitingEntry } from './queue.js';
import { bodyCapacity } from './snapshot.js';
import { destroyBothSlots } from './start.js';
import { FIRST_STATE_KIND, type SealedState } from './state.js';
import type { UnitPool } from './unit-pool.js';

/** The longest entry, whatever the geometry. */
const LONGEST_ENTRY = 64 * KiB;
/** Entries of the store's own (docs/format/store.md, "Log"). */
const FILLED_KIND = 1;
const TICK_KIND = 2;

/** A store that is opened but has no epoch of its own yet: `begin` makes the round that every life begins with. */
export interface StoreParts extends SetContext {
  readonly root: Buffer;
  readonly sets: Record<SetName, SetFiles>;
  readonly arenaFile: OpenFile;
  readonly pool: UnitPool;
  readonly state: SealedState;
  readonly clock: Clock;
  /** The set that the state was read from, and its epoch; null and 0 for a new store. */
  readonly set: SetName | null;
  readonly epoch: number;
  readonly notBefore: number;
}

export interface SealedStoreStats {
  readonly epoch: number;
  readonly dirtySince: number | null;
  readonly rounds: number;
}

export class SealedStore {
  readonly arena: Arena;
  /** Resolves with the fault when the store has ended because of one. */
  readonly poisoned: Promise<Error>;
  readonly #parts: StoreParts;
  readonly #clock: ForwardClock;
  readonly #queue = new WriterQueue();
  readonly #poison: (error: Error) => void;
  #keys: EpochKeys | null = null;
  #set: SetName | null;
  #epoch: number;
  #page = 0;
  #rounds = 0;
  #dirtySince: number | null = null;
  #running: Promise<void> | null = null;
  #ended: Error | null = null;

  constructor(parts: StoreParts) {
    this.#parts = parts;
    this.#set = parts.set;
    this.#epoch = parts.epoch;
    this.#clock = new ForwardClock(parts.clock, parts.notBefore);
    let poison: (error: Error) => void = () => undefined;
    this.poisoned = new Promise((resolve) => {
      poison = resolve;
    });
    this.#poison = poison;
    this.arena = new ArenaFile(parts.arenaFile, parts.geometry, parts.pool, (error) => this.#fail(error));
  }

  /** The clock of the store: never goes back. */
  now(): number {
    return this.#clock.now();
  }

  stats(): SealedStoreStats {
    return { epoch: this.#epoch, dirtySince: this.#dirtySince, rounds: this.#rounds };
  }

  /** Why the store has ended, or null. */
  get ended(): Error | null {
    return this.#ended;
  }

  /** Entries that wait for the writer, and their bytes. */
  get waiting(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#queue.length, bytes: this.#queue.bytes };
  }

  /** The longest body that a snapshot can hold. */
  get bodyCapacity(): number {
    return bodyCapacity(this.#parts.geometry);
  }

  /** Bytes that the body could still grow by. */
  get bodyRoom(): number {
    return this.bodyCapacity - this.#parts.state.bodyLength();
  }

  get longestEntry(): number {
    const { pageBytes, pages } = this.#parts.geometry;
    return Math.min(LONGEST_ENTRY, (pages - 1) * longestWhole(pageBytes));
  }

  /** Something was shredded: the disk holds what could bring it back until the next round. */
  markDirty(): void {
    this.#dirtySince ??= this.now();
  }

  /** Commits an entry. Takes over `bytes` and wipes them. Resolves when it is on the medium and applied. */
  commit(bytes: Buffer): Promise<void> {
    invariant(bytes.length > 0 && bytes.length <= this.longestEntry, 'an entry fits the log');
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'entry', bytes, resolve, reject }));
  }

  /** Makes a round; those who ask at the same time share it. */
  roll(): Promise<void> {
    return new Promise((resolve, reject) => this.#enqueue({ kind: 'round', resolve, reject }));
  }

  /** Commits that the units below `filled` are filled, then hands them out. */
  recordFilled(filled: number): Promise<void> {
    const bytes = Buffer.alloc(5);
    bytes.writeUInt8(FILLED_KIND);
    bytes.writeUInt32BE(filled, 1);
    return this.commit(bytes);
  }

  /** Puts the clock on record: from then on nothing that has expired by now comes back, whatever a later clock says. */
  recordClock(): Promise<void> {
    return this.commit(Buffer.from([TICK_KIND]));
  }

  /**
   * The arena could not be filled on. A full disk only leaves it smaller than was asked for, and what is shared already
   * must still burn and expire; any other fault ends the store.
   */
  fillingFailed(error: unknown): void {
    if (error instanceof FileFault && error.code === 'ENOSPC') return;
    this.#fail(error);
  }

  /** What waits is committed, a last round made if there is anything to seal, and all keys wiped. */
  async close(): Promise<void> {
    if (this.#ended === null && (this.#dirtySince !== null || this.#page > 1)) await this.roll();
    while (this.#running !== null) await this.#running;
    this.#end(new StoreFault('store', 'the store is closed', 'start it again'));
  }

  /** Both slots gone, and then again what a round that was under way may have written meanwhile. */
  async panic(): Promise<void> {
    const { sets, geometry } = this.#parts;
    this.#end(new StoreFault('slot', 'the slots were destroyed', 'begin anew with `chatpic init`'));
    await destroyBothSlots(sets, geometry);
    if (this.#running === null) return;
    await this.#running;
    await destroyBothSlots(sets, geometry);
  }

  #enqueue(item: Parameters<WriterQueue['push']>[0]): void {
    this.#queue.push(item);
    if (this.#ended !== null) this.#queue.rejectAll(this.#ended);
    else this.#running ??= this.#run();
  }

  /** The loop. Starts a tick late, so that all who ask in one tick share a page. */
  async #run(): Promise<void> {
    await Promise.resolve();
    try {
      while (this.#queue.length > 0 && this.#ended === null) {
        if (this.#queue.head?.kind === 'round') await this.#answerRounds();
        else await this.#commitPage();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#running = null;
    }
  }

  async #answerRounds(): Promise<void> {
    const rounds = this.#queue.takeRounds();
    try {
      await this.#round();
    } catch (error) {
      for (const round of rounds) round.reject(error);
      throw error;
    }
    for (const round of rounds) round.resolve();
  }

  async #commitPage(): Promise<void> {
    const { pageBytes, pages } = this.#parts.geometry;
    const head = this.#queue.head;
    const needed = head?.kind === 'entry' ? Math.ceil(head.bytes.length / longestWhole(pageBytes)) : 1;
    if (this.#page + needed > pages) await this.#round();
    const batch = this.#queue.takePage(pageBytes);
    const entries = batch.map(({ bytes }) => bytes);
    try {
      const clock = this.now();
      await this.#write(clock, batch);
      this.#alive();
      applyEntries(this.#parts, clock, entries);
    } catch (error) {
      for (const item of batch) item.reject(error);
      throw error;
    } finally {
      wipe(...entries);
    }
    for (const item of batch) item.resolve();
  }

  async #write(clock: number, batch: readonly WaitingEntry[]): Promise<void> {
    const longest = longestWhole(this.#parts.geometry.pageBytes);
    const [first] = batch;
    if (first === undefined || first.bytes.length <= longest) {
      await this.#writePage({ kind: 'entries', clock, entries: batch.map(({ bytes }) => bytes) });
      return;
    }
    for (let at = 0; at < first.bytes.length; at += longest) {
      const last = at + longest >= first.bytes.length;
      await this.#writePage({ kind: 'part', clock, bytes: first.bytes.subarray(at, at + longest), last });
    }
  }

  async #writePage(page: Page): Promise<void> {
    const { sealer, geometry, sets } = this.#parts;
    this.#alive();
    invariant(this.#keys !== null && this.#set !== null, 'a page is written in an epoch');
    const { log } = sets[this.#set];
    const index = this.#page++;
    await log.write(sealPage(sealer, this.#keys, geometry.pageBytes, index, page), index * geometry.pageBytes);
    await log.sync();
  }

  /** A round (docs/format/store.md, "Rounds"). The overwriting of the old slot is the shred and the commit. */
  async #round(): Promise<void> {
    const { sets, geometry, pool, state } = this.#parts;
    this.#alive();
    const next: SetName = this.#set === 'a' ? 'b' : 'a';
    const dirtySince = this.#dirtySince;
    this.#dirtySince = null;
    let keys: EpochKeys | null = null;
    try {
      await state.compact();
      const head = {
        epoch: this.#epoch + 1,
        clock: this.now(),
        unitBytes: geometry.unitBytes,
        units: geometry.units,
        filled: pool.capacity().filled,
        bodyLength: state.bodyLength(),
      };
      keys = await writeSet(this.#parts, sets[next], head, state.body(), () => this.#alive());
      this.#alive();
      if (this.#set !== null) await destroySlot(sets[this.#set], geometry);
      this.#alive();
      wipeKeys(this.#keys);
      [this.#keys, this.#set, this.#epoch, this.#page] = [keys, next, head.epoch, 1];
      this.#rounds++;
      keys = null;
    } catch (error) {
      this.#dirtySince = dirtySince;
      throw error;
    } finally {
      wipeKeys(keys);
    }
  }

  /** After panic or a fault nothing more is written. */
  #alive(): void {
    if (this.#ended !== null) throw this.#ended;
  }

  #fail(error: unknown): void {
    if (this.#ended !== null) return;
    const fault = error instanceof Error ? error : new Error('the store failed');
    this.#end(fault);
    this.#poison(fault);
  }

  #end(why: Error): void {
    this.#ended ??= why;
    this.#queue.rejectAll(this.#ended);
    wipeKeys(this.#keys);
    wipe(this.#parts.root);
    this.#parts.state.wipe();
  }
}

/** What a page changes, live and at a replay: the store's own entries here, the others in the state. */
export function applyEntries(
  { pool, state }: { readonly pool: UnitPool; readonly state: SealedState },
  clock: number,
  entries: readonly Buffer[],
): void {
  for (const entry of entries) {
    if (entry[0] === FILLED_KIND) pool.setFilled(entry.readUInt32BE(1));
  }
  state.apply(
    clock,
    entries.filter((entry) => (entry[0] ?? 0) >= FIRST_STATE_KIND),
  );
}
