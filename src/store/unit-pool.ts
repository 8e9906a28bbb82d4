/**
 * Which units are free, and who refers to the others.
 *
 * What holds, and why: a unit is owned by at most one row and kept for at most one, the same; every hold, the owner and the
 * keeping count as one reference each. The unit goes back to the free ones when the last reference goes, which is when its
 * tombstone is durable (the row is dropped by the apply function only), it is kept no longer, and its last reader is gone.
 */
import { invariant, StoreFault } from '../base/errors.js';
import { randomBelow } from '../crypto/random.js';
import type { Capacity, Hold, UnitList } from './arena.js';

const NOWHERE = -1;

export class UnitPool {
  readonly #references: Uint16Array;
  readonly #owned: Uint8Array;
  /** Kept beside the row, and after it. */
  readonly #kept: Uint8Array;
  /** Free units that are filled, in no order; `#place` says where in it a unit stands. */
  readonly #free: Uint32Array;
  readonly #place: Int32Array;
  #freeCount = 0;
  #filled = 0;

  constructor(units: number) {
    this.#references = new Uint16Array(units);
    this.#owned = new Uint8Array(units);
    this.#kept = new Uint8Array(units);
    this.#free = new Uint32Array(units);
    this.#place = new Int32Array(units).fill(NOWHERE);
  }

  capacity(): Capacity {
    return { total: this.#references.length, filled: this.#filled, free: this.#freeCount };
  }

  /** Units below `filled` may be handed out from now on. */
  setFilled(filled: number): void {
    for (; this.#filled < filled; this.#filled++) {
      if (this.#references[this.#filled] === 0) this.#addFree(this.#filled);
    }
  }

  reserve(count: number): Hold | null {
    const units = this.draw(count);
    return units === null ? null : new UnitHold(this, units);
  }

  /** A further reference to units that somebody refers to already. */
  hold(units: UnitList): Hold {
    for (const unit of units) this.#add(unit);
    return new UnitHold(this, units.slice() as UnitList);
  }

  /** A row's reference. A unit that has an owner already means that two shares claim it: the store is not usable. */
  own(units: UnitList): void {
    for (const unit of units) {
      if (this.#owned[unit] !== 0 || this.#kept[unit] !== 0) throw claimedTwice(unit);
      this.#claim(this.#owned, unit);
    }
  }

  /** The row is gone, durably. */
  disown(units: UnitList): void {
    for (const unit of units) this.#unclaim(this.#owned, unit);
  }

  /**
   * A reference beside a row's, which outlives the row. `owned` says whether the row is there: units that belong to another
   * one can't be kept.
   */
  keep(units: UnitList, owned: boolean): void {
    for (const unit of units) {
      if (this.#kept[unit] !== 0 || this.#owned[unit] !== (owned ? 1 : 0)) throw claimedTwice(unit);
      this.#claim(this.#kept, unit);
    }
  }

  /** Kept no longer, durably. */
  letGo(units: UnitList): void {
    for (const unit of units) this.#unclaim(this.#kept, unit);
  }

  /** One reference less. */
  drop(unit: number): void {
    const left = (this.#references[unit] ?? 0) - 1;
    invariant(left >= 0, 'a unit is released as often as it was taken');
    this.#references[unit] = left;
    if (left === 0 && unit < this.#filled) this.#addFree(unit);
  }

  /** Random free units with one reference each; null where there are not so many. */
  draw(count: number): UnitList | null {
    if (count > this.#freeCount) return null;
    const units = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const unit = this.#free[randomBelow(this.#freeCount)] ?? 0;
      this.#removeFree(unit);
      this.#add(unit);
      units[i] = unit;
    }
    return units as UnitList;
  }

  #claim(claims: Uint8Array, unit: number): void {
    claims[unit] = 1;
    if (this.#references[unit] === 0) this.#removeFree(unit);
    this.#add(unit);
  }

  #unclaim(claims: Uint8Array, unit: number): void {
    invariant(claims[unit] === 1, 'a unit is given up by the one who has it');
    claims[unit] = 0;
    this.drop(unit);
  }

  #add(unit: number): void {
    const count = (this.#references[unit] ?? 0) + 1;
    invariant(count <= 0xffff, 'a unit has at most 65535 references');
    this.#references[unit] = count;
  }

  #addFree(unit: number): void {
    this.#place[unit] = this.#freeCount;
    this.#free[this.#freeCount++] = unit;
  }

  /** Takes a unit out of the free ones by moving the last of them to its place. */
  #removeFree(unit: number): void {
    const place = this.#place[unit] ?? NOWHERE;
    if (place === NOWHERE) return;
    const last = this.#free[--this.#freeCount] ?? 0;
    this.#free[place] = last;
    this.#place[last] = place;
    this.#place[unit] = NOWHERE;
  }
}

class UnitHold implements Hold {
  readonly #pool: UnitPool;
  #units: UnitList;
  #released = false;

  constructor(pool: UnitPool, units: UnitList) {
    this.#pool = pool;
    this.#units = units;
  }

  get units(): UnitList {
    return this.#units;
  }

  grow(count: number): boolean {
    invariant(!this.#released, 'a released hold does not grow');
    const more = this.#pool.draw(count);
    if (more === null) return false;
    const all = new Uint32Array(this.#units.length + more.length);
    all.set(this.#units);
    all.set(more, this.#units.length);
    this.#units = all as UnitList;
    return true;
  }

  trim(count: number): void {
    if (this.#released) return;
    for (const unit of this.#units.subarray(count)) this.#pool.drop(unit);
    this.#units = this.#units.slice(0, count) as UnitList;
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    for (const unit of this.#units) this.#pool.drop(unit);
  }
}

function claimedTwice(unit: number): StoreFault {
  return new StoreFault(
    'ledger',
    `unit ${unit} of the arena is claimed by two shares, or does not exist`,
    'this should never happen: stop, keep the data folder, and report it',
  );
}
