/**
 * The door of the arena: units of 256 KiB in one file, taken in random order, holding ciphertext only.
 *
 * What holds, and why:
 * - A unit is handed out only when it was filled with random bytes once and that is on record, so a used unit and a free
 *   one look the same.
 * - A unit is free again only when nothing refers to it: the row that owns it (until its tombstone is durable), its being
 *   kept as evidence, and each hold (until its release) count as one reference each. So no unit is ever in two shares, and none is written over
 *   while a reader is still on it.
 *
 * It knows nothing of keys, shares or what the bytes mean.
 */
import type { Brand } from '../base/brand.js';

/** Units in the order in which they hold their bytes. Minted by the arena and by the parser of records only. */
export type UnitList = Brand<Uint32Array, 'UnitList'>;

/** A reference to units. The one who has it releases it; releasing twice, or after the ledger took it, does nothing. */
export interface Hold {
  readonly units: UnitList;
  /** Adds `count` random free units at the end. False, and nothing changed, where there are not so many. */
  grow(count: number): boolean;
  /** Gives back all but the first `count` units. */
  trim(count: number): void;
  release(): void;
}

/** Numbers of units. `filled` grows to `total` after the first start; `free` is what can be reserved now. */
export interface Capacity {
  readonly total: number;
  readonly filled: number;
  readonly free: number;
}

export interface Arena {
  /** Bytes of one unit. */
  readonly unitBytes: number;
  /** `count` random free units, or null where there are not so many. */
  reserve(count: number): Hold | null;
  /** Writes `bytes` at `offset` of the units laid end to end. Not durable before `sync`. */
  write(units: UnitList, offset: number, bytes: Uint8Array): Promise<void>;
  /**
   * Reads exactly `length` bytes at `offset` of the units laid end to end, into a buffer that the caller owns. Asking
   * beyond the units is a bug of the caller.
   */
  read(units: UnitList, offset: number, length: number): Promise<Buffer>;
  /** Like `read`: fills `out`. */
  readInto(units: UnitList, offset: number, out: Buffer): Promise<void>;
  /** Resolves when everything written before the call is on the medium. Calls made at the same time share one sync. */
  sync(): Promise<void>;
  capacity(): Capacity;
}
