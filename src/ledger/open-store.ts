/** The door through which everything that is kept is opened, closed, sealed and destroyed. */
import type { Clock } from '../base/clock.js';
import type { Arena } from '../store/arena.js';
import type { RootKey } from '../store/root-key.js';
import type { Ledger } from './ledger.js';

export interface StoreOptions {
  readonly dataDir: string;
  /** Where the epoch slots live. Another folder than the data folder, in RAM, makes the store amnesic. */
  readonly slotDir: string;
  readonly rootKey: RootKey;
  readonly storeMegabytes: number;
  readonly clock: Clock;
  /**
   * A wall clock that is more than a day ahead of the last record, with shares that would expire by it, refuses the start
   * unless this is true.
   */
  readonly acceptClockJump?: boolean;
  /** Called now and then while the arena is being filled after the first start, and once at the end. */
  readonly onFilling?: (filledUnits: number, totalUnits: number) => void;
}

export interface StoreStats {
  readonly epoch: number;
  /** Something was shredded since the last round: the disk still holds what opens it, to one who has root and link. */
  readonly dirty: boolean;
  /** Since when, on the ledger's clock; null = clean. */
  readonly dirtySince: number | null;
  readonly rounds: number;
  readonly live: number;
}

export interface OpenedStore {
  readonly ledger: Ledger;
  readonly arena: Arena;
  /** A sealing round: afterwards nothing on the disk brings back what is gone. */
  roll(): Promise<void>;
  stats(): StoreStats;
  /** A final round, then every key in memory wiped and every file closed. A second call does nothing. */
  close(): Promise<void>;
  /** Both slots overwritten and synced, keys wiped. The store can't be opened again, by anyone. */
  panic(): Promise<void>;
  /** Resolves with the fault when a write or a sync failed: nothing is acknowledged any more, the process must end. */
  readonly poisoned: Promise<Error>;
  /** True where this call made the store. */
  readonly made: boolean;
}

export type OpenStore = (options: StoreOptions) => Promise<OpenedStore>;
