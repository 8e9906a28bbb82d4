/** The door through which everything that is kept is opened, closed, sealed and destroyed. */
import type { Clock } from '../base/clock.js';
import { makeFolder } from '../store/disk.js';
import { geometryOf } from '../store/geometry.js';
import { lockFolder } from '../store/lock.js';
import { openSealedStore } from '../store/open.js';
import { filesAt, type StorePlaces } from '../store/places.js';
import type { RootKey } from '../store/root-key.js';
import { LedgerState } from './ledger-state.js';
import { LiveLedger } from './live-ledger.js';
import { openedStore, type OpenedStore } from './opened-store.js';
import { loadSqlite } from './tables.js';

export interface StoreOptions extends StorePlaces {
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

/**
 * Locks the data folder, makes or opens the store on it, and begins an epoch. Throws `StoreFault` with the part and the
 * remedy. On a first start it resolves when the small files are made; the arena is filled behind it.
 */
export async function openStore(options: StoreOptions): Promise<OpenedStore> {
  const { dataDir, slotDir, tpm, rootKey, storeMegabytes, clock, acceptClockJump = false, onFilling } = options;
  const geometry = geometryOf(storeMegabytes, tpm);
  for (const folder of [dataDir, slotDir]) await makeFolder(folder);
  const files = filesAt(options);
  const lock = await lockFolder(dataDir);
  try {
    const state = new LedgerState(await loadSqlite(), geometry.units);
    const opened = await openSealedStore({
      files,
      geometry,
      rootKey,
      state,
      clock,
      acceptClockJump,
      ...(onFilling === undefined ? {} : { onFilling }),
    });
    const ledger = new LiveLedger(opened.store, state, opened.pool);
    return openedStore(opened, state, ledger, () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}
