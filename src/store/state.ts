/**
 * What the store keeps for somebody else: it seals, orders and replays, and doesn't know what an entry or a body means.
 */
import type { UnitPool } from './unit-pool.js';

/** Entries whose first byte is below this are the store's own. */
export const FIRST_STATE_KIND = 16;

export interface SealedState {
  /** Makes an empty state. */
  create(pool: UnitPool): void;
  /** Takes over the body of a snapshot. `take` hands out the next bytes, which are the state's to wipe. */
  restore(pool: UnitPool, take: (length: number) => Promise<Buffer>): Promise<void>;
  /**
   * The one way in which the state changes, live and at a replay: what has expired by `clock` is dropped, then the
   * entries are applied in order. Depends on nothing else than what it was given, before and now.
   */
  apply(clock: number, entries: readonly Buffer[]): void;
  /** How many would be dropped if the clock stood at `clock`. Changes nothing. */
  due(clock: number): number;
  /** Gives back room in the body that is not used any more. Called before each round; changes nothing that is kept. */
  compact(): Promise<void>;
  /** Bytes of the body as it is now. */
  bodyLength(): number;
  /**
   * The body, in pieces that the caller wipes. The store asks for a piece only when the one before is written, with the
   * event loop running in between, and applies nothing meanwhile.
   */
  body(): Iterable<Buffer>;
  /** Overwrites every secret that is held. */
  wipe(): void;
}
