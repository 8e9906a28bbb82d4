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

async function fillFile(files: StoreFiles, name: StoreFileName, size: number): Promise<void> {
  const file = await files.open(name);
  try {
    const noise = Buffer.from(new ArrayBuffer(Math.min(size, MiB)));
    for (let at = 0; at < size; at += noise.length) {
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
