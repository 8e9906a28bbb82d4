/** Reads everything that is kept and checks it, and changes nothing: what `chatpic verify` runs. */
import { wipe } from '../base/bytes.js';
import { StoreFault } from '../base/errors.js';
import type { SetContext } from '../store/epoch-set.js';
import { geometryOf, type Geometry } from '../store/geometry.js';
import { lockFolder } from '../store/lock.js';
import { closeAll, load, openAll, setsOf, type OpenedFiles } from '../store/open.js';
import { filesAt, type StorePlaces } from '../store/places.js';
import { aesGcm } from '../store/sealer.js';
import { chooseSet, survey } from '../store/start.js';
import { UnitPool } from '../store/unit-pool.js';
import { LedgerState } from './ledger-state.js';
import type { StoreOptions } from './open-store.js';
import { loadSqlite } from './tables.js';

export interface Verification {
  readonly epoch: number;
  /** Shares, those that have expired since the store was closed included. */
  readonly live: number;
  /** Of those that are owned, `kept` are evidence, whether or not their share lives. */
  readonly units: { readonly total: number; readonly filled: number; readonly owned: number; readonly kept: number };
  /** A page that was in flight when the machine died stands at the end of the log. It was never acknowledged. */
  readonly torn: boolean;
}

/** Throws `StoreFault` with the part that is damaged. Refused while another process has the store open. */
export async function verifyStore(
  options: StorePlaces & Pick<StoreOptions, 'rootKey' | 'storeMegabytes' | 'clock'>,
): Promise<Verification> {
  const { dataDir, tpm, rootKey, storeMegabytes } = options;
  const geometry = geometryOf(storeMegabytes, tpm);
  const files = filesAt(options);
  const lock = await lockFolder(dataDir);
  try {
    if ((await survey(files, geometry)) !== 'store') throw nothingHere();
    const root = await rootKey.load(false);
    const opened = await openAll(files, geometry);
    try {
      return await verify({ sealer: aesGcm, geometry, root }, opened, options);
    } finally {
      wipe(root);
      await closeAll(opened);
    }
  } finally {
    await lock.release();
  }
}

async function verify(
  context: SetContext,
  opened: OpenedFiles,
  { clock }: Pick<StoreOptions, 'clock'>,
): Promise<Verification> {
  const { geometry } = context;
  const sets = setsOf(opened);
  const chosen = await chooseSet(context, sets);
  const { head, log } = chosen.reading;
  const pool = new UnitPool(geometry.units);
  const state = new LedgerState(await loadSqlite(), geometry.units);
  try {
    await load(context, sets, chosen, { state, geometry, clock, acceptClockJump: true }, pool);
    await readArena(opened, geometry);
    const { total, filled, free } = pool.capacity();
    return {
      epoch: head.epoch,
      live: state.live,
      units: { total, filled, owned: filled - free, kept: state.keptUnits },
      torn: log.torn,
    };
  } finally {
    state.close();
  }
}

/** Whether the medium still gives back every unit. What stands in them is proved when a share is read. */
async function readArena(opened: OpenedFiles, { unitBytes, units }: Geometry): Promise<void> {
  const unit = Buffer.from(new ArrayBuffer(unitBytes));
  for (let index = 0; index < units; index++) await opened.arena.read(unit, index * unitBytes);
}

function nothingHere(): StoreFault {
  return new StoreFault(
    'data folder',
    'there is no store in this folder, or its making was cut off',
    'check CHATPIC_DATA_DIR, or make one with `chatpic init`',
  );
}
