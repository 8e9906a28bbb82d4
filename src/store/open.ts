/** Opens a sealed store: finds or makes its files, loads the state, begins an epoch, and fills the arena behind it. */
import { wipe } from '../base/bytes.js';
import type { Clock } from '../base/clock.js';
import { StoreFault } from '../base/errors.js';
import { DAY } from '../base/units.js';
import { wipeKeys } from './epoch.js';
import { openSnapshot, type SetContext, type SetFiles } from './epoch-set.js';
import { layoutOf, SETS, type OpenFile, type SetName, type StoreFileName, type StoreFiles } from './files.js';
import { fillArena } from './filling.js';
import type { Geometry } from './geometry.js';
import { finishMaking, makeFiles, makeSlots } from './making.js';
import type { RootKey } from './root-key.js';
import { aesGcm, type Sealer } from './sealer.js';
import { chooseSet, survey, type Chosen } from './start.js';
import type { SealedState } from './state.js';
import { applyEntries, SealedStore } from './store.js';
import { UnitPool } from './unit-pool.js';

export interface OpenOptions {
  readonly files: StoreFiles;
  readonly geometry: Geometry;
  readonly rootKey: RootKey;
  readonly state: SealedState;
  readonly clock: Clock;
  readonly acceptClockJump?: boolean;
  readonly onFilling?: (filled: number, total: number) => void;
  readonly sealer?: Sealer;
}

export interface Opened {
  readonly store: SealedStore;
  readonly pool: UnitPool;
  readonly made: boolean;
  /** Resolves when the arena is filled, or when filling has stopped. */
  readonly filling: Promise<void>;
  /** Closes the store, then its files. A second call does nothing. */
  readonly close: () => Promise<void>;
}

export type OpenedFiles = Record<StoreFileName, OpenFile>;

export async function openSealedStore(options: OpenOptions): Promise<Opened> {
  const { files, geometry, rootKey, state, clock, sealer = aesGcm } = options;
  const found = await survey(files, geometry);
  const root = await rootKey.load(found === 'none');
  const made = found !== 'store';
  if (found === 'none') await makeFiles(files, geometry);
  if (found === 'forgotten') await makeSlots(files, geometry);
  const opened = await openAll(files, geometry);
  try {
    const sets = setsOf(opened);
    const pool = new UnitPool(geometry.units);
    const context: SetContext = { sealer, geometry, root };
    const origin = made ? null : await chooseSet(context, sets);
    if (origin === null) state.create(pool);
    else await load(context, sets, origin, options, pool);
    const store = new SealedStore({
      ...context,
      root,
      sets,
      arenaFile: opened.arena,
      pool,
      state,
      clock,
      set: origin?.set ?? null,
      epoch: origin?.reading.head.epoch ?? 0,
      notBefore: origin?.reading.log.clock ?? 0,
    });
    await store.roll();
    if (made) await finishMaking(files);
    return running(options, opened, store, pool, made);
  } catch (error) {
    wipe(root);
    state.wipe();
    await closeAll(opened);
    throw error;
  }
}

/** Snapshot, then log, page by page; then the question whether the wall clock can be believed. */
export async function load(
  context: SetContext,
  sets: Record<SetName, SetFiles>,
  { set, reading }: Chosen,
  options: Pick<OpenOptions, 'state' | 'geometry' | 'clock' | 'acceptClockJump'>,
  pool: UnitPool,
): Promise<void> {
  const { state, geometry } = options;
  try {
    if (reading.head.units > geometry.units || reading.head.unitBytes !== geometry.unitBytes) throw otherArena();
    const snapshot = await openSnapshot(context, sets[set], reading.keys);
    if (snapshot === null) throw new Error('a snapshot that was opened a moment ago');
    await state.restore(pool, (length) => snapshot.take(length));
    snapshot.close();
    pool.setFilled(reading.head.filled);
    for (const commit of reading.log.commits) applyEntries({ pool, state }, commit.clock, commit.entries);
  } finally {
    wipeKeys(reading.keys);
    for (const commit of reading.log.commits) wipe(...commit.entries);
  }
  const wall = options.clock.wall();
  const due = state.due(wall);
  if (wall - reading.log.clock <= DAY || due === 0 || options.acceptClockJump === true) return;
  const days = Math.floor((wall - reading.log.clock) / DAY);
  throw new StoreFault(
    'clock',
    `the clock is ${days} days ahead of the last record, and ${due} shares would expire by it`,
    'check the date of the machine; if it is right, start once with the clock jump accepted',
  );
}

export async function openAll(files: StoreFiles, geometry: Geometry): Promise<OpenedFiles> {
  const opened: Partial<OpenedFiles> = {};
  try {
    for (const [name] of layoutOf(geometry)) opened[name] = await files.open(name);
    return opened as OpenedFiles;
  } catch (error) {
    await closeAll(opened);
    throw error;
  }
}

export async function closeAll(opened: Partial<OpenedFiles>): Promise<void> {
  for (const file of Object.values(opened)) await file.close();
}

export function setsOf(opened: OpenedFiles): Record<SetName, SetFiles> {
  const [a, b] = SETS.map((name) => ({
    name,
    slot: opened[`slot.${name}`],
    snapshot: opened[`snap.${name}`],
    log: opened[`log.${name}`],
  }));
  if (a === undefined || b === undefined) throw new Error('two sets');
  return { a, b };
}

function running(options: OpenOptions, opened: OpenedFiles, store: SealedStore, pool: UnitPool, made: boolean): Opened {
  let stopped = false;
  const filling = fillArena({
    file: opened.arena,
    geometry: options.geometry,
    from: pool.capacity().filled,
    record: (filled) => store.recordFilled(filled),
    onProgress: options.onFilling ?? (() => undefined),
    stopped: () => stopped || store.ended !== null,
  }).catch((error: unknown) => store.fillingFailed(error));
  let closing: Promise<void> | null = null;
  const shut = async (): Promise<void> => {
    stopped = true;
    await filling;
    try {
      await store.close();
    } finally {
      await closeAll(opened);
    }
  };
  return { store, pool, made, filling, close: () => (closing ??= shut()) };
}

function otherArena(): StoreFault {
  return new StoreFault(
    'arena',
    'the store has more units than this setting makes',
    'set CHATPIC_STORE_MB to what this data folder was made with',
  );
}
