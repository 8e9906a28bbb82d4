/**
 * Makes the files of a store, once (docs/format/store.md). `unfinished` stands beside them until the first round is
 * complete: a start that finds it throws away what there is, for nothing was ever acknowledged in it.
 */
import { MiB } from '../base/units.js';
import { StoreFault } from '../base/errors.js';
import { fillRandom } from '../crypto/random.js';
import { layoutOf, UNFINISHED, type StoreFileName, type StoreFiles } from './files.js';
import type { Geometry } from './geometry.js';

/** Left free beside the store: a full disk hurts everything else on the machine. */
const SPARE_BYTES = 16 * MiB;

/** Makes all files anew; all but the arena full of noise. The caller writes the first epoch, then calls `finishMaking`. */
export async function makeFiles(files: StoreFiles, geometry: Geometry): Promise<void> {
  await checkSpace(files, geometry);
  if ((await files.size(UNFINISHED)) === null) await files.create(UNFINISHED, 0);
  await files.syncFolders();
  for (const [name, size] of layoutOf(geometry)) {
    if ((await files.size(name)) !== null) await files.remove(name);
    await files.create(name, size);
    if (name !== 'arena') await fillFile(files, name, size);
  }
  await files.syncFolders();
}

/** The store is whole. From here on names, sizes and number of files never change. */
export async function finishMaking(files: StoreFiles): Promise<void> {
  await files.remove(UNFINISHED);
  await files.syncFolders();
}

/** Slots in RAM that are gone after a restart: made again, over the files that are there. */
export async function makeSlots(files: StoreFiles, geometry: Geometry): Promise<void> {
  await files.create(UNFINISHED, 0);
  await files.syncFolders();
  for (const name of ['slot.a', 'slot.b'] as const) {
    await files.create(name, geometry.slotBytes);
    await fillFile(files, name, geometry.slotBytes);
  }
  await files.syncFolders();
}

/**
 * Makes a store larger: the snapshots with noise, the arena with holes that the next start fills. Done again where it
 * was cut off. The other files have one size for all stores.
 */
export async function growFiles(files: StoreFiles, geometry: Geometry): Promise<void> {
  const sizes = new Map<StoreFileName, number>();
  for (const [name, size] of layoutOf(geometry)) {
    const now = await files.size(name);
    if (now === null) throw new StoreFault(name, `${name} is missing`, 'check CHATPIC_DATA_DIR and CHATPIC_SLOT_DIR');
    if (now > size) throw smaller(name, now, size);
    if (now < size) sizes.set(name, now);
  }
  await checkSpace(files, geometry);
  for (const [name, size] of layoutOf(geometry)) {
    const from = sizes.get(name);
    if (from === undefined) continue;
    await files.extend(name, size);
    if (name !== 'arena') await fillFile(files, name, size, from);
  }
}

function smaller(name: string, now: number, size: number): StoreFault {
  return new StoreFault(
    name,
    `${name} has ${now} bytes already, and ${size} were asked for`,
    'a store is never made smaller: ask for more megabytes than it has',
  );
}

async function fillFile(files: StoreFiles, name: StoreFileName, size: number, from = 0): Promise<void> {
  const file = await files.open(name);
  try {
    const noise = Buffer.from(new ArrayBuffer(Math.min(size, MiB)));
    for (let at = from; at < size; at += noise.length) {
      await file.write(fillRandom(noise).subarray(0, Math.min(noise.length, size - at)), at);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function checkSpace(files: StoreFiles, geometry: Geometry): Promise<void> {
  let needed = SPARE_BYTES;
  for (const [name, size] of layoutOf(geometry)) needed += size - ((await files.size(name)) ?? 0);
  const free = await files.freeBytes();
  if (free >= needed) return;
  throw new StoreFault(
    'arena',
    `the store needs ${Math.ceil(needed / MiB)} MiB of free disk space, there are ${Math.floor(free / MiB)}`,
    'free some space, choose another CHATPIC_DATA_DIR, or make a smaller store with CHATPIC_STORE_MB',
  );
}
