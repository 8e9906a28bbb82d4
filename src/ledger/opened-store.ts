/** Everything that is kept, opened. */
import type { Arena } from '../store/arena.js';
import type { Opened } from '../store/open.js';
import type { LedgerState } from './ledger-state.js';
import type { Ledger } from './ledger.js';

export interface StoreStats {
  readonly epoch: number;
  /** Something was shredded since the last round: the disk still holds what opens it, to one who has root and link. */
  readonly dirty: boolean;
  /** Since when, on the ledger's clock; null = clean. */
  readonly dirtySince: number | null;
  /** Rounds of this life. */
  readonly rounds: number;
  readonly live: number;
}

export interface OpenedStore {
  readonly ledger: Ledger;
  readonly arena: Arena;
  /** A sealing round: afterwards nothing on the disk brings back what is gone. */
  roll(): Promise<void>;
  stats(): StoreStats;
  /** Commits an entry that changes nothing but the recorded clock. Rejects where the store has ended. */
  proveCommit(): Promise<void>;
  /** A final round, then every key in memory wiped and every file closed. A second call does nothing. */
  close(): Promise<void>;
  /** Both slots overwritten and synced, keys wiped. The store can't be opened again, by anyone. */
  panic(): Promise<void>;
  /** Resolves with the fault when a write or a sync failed: nothing is acknowledged any more, the process must end. */
  readonly poisoned: Promise<Error>;
  /** Resolves when the arena is filled, or when filling has stopped. */
  readonly filling: Promise<void>;
  /** True where this call made the store. */
  readonly made: boolean;
}

/** `release` gives back the lock of the folder. */
export function openedStore(
  { store, made, filling, close }: Opened,
  state: LedgerState,
  ledger: Ledger,
  release: () => Promise<void>,
): OpenedStore {
  let closing: Promise<void> | null = null;
  const shut = async (): Promise<void> => {
    try {
      await close();
    } finally {
      state.close();
      await release();
    }
  };
  return {
    ledger,
    arena: store.arena,
    made,
    filling,
    poisoned: store.poisoned,
    roll: () => store.roll(),
    proveCommit: () => store.recordClock(),
    stats() {
      const { epoch, dirtySince, rounds } = store.stats();
      return { epoch, dirtySince, dirty: dirtySince !== null, rounds, live: ledger.live };
    },
    close: () => (closing ??= shut()),
    panic: () => store.panic(),
  };
}
