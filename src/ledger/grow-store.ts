/** Makes a store larger: what `chatpic grow` runs. */
import { StoreFault } from '../base/errors.js';
import { diskFiles } from '../store/disk.js';
import { UNFINISHED } from '../store/files.js';
import { geometryOf } from '../store/geometry.js';
import { lockFolder } from '../store/lock.js';
import { growFiles } from '../store/making.js';
import type { StoreOptions } from './open-store.js';

/**
 * `storeMegabytes` is the new size; the next start must be given it. Refused while the store is open, and where it would
 * become smaller. Needs no key: it only adds noise and room.
 */
export async function growStore(options: Pick<StoreOptions, 'dataDir' | 'slotDir' | 'storeMegabytes'>): Promise<void> {
  const { dataDir, slotDir, storeMegabytes } = options;
  const lock = await lockFolder(dataDir);
  try {
    const files = diskFiles(dataDir, slotDir);
    if ((await files.size(UNFINISHED)) !== null) {
      throw new StoreFault('data folder', 'the making of this store was cut off', 'start it once, then make it larger');
    }
    await growFiles(files, geometryOf(storeMegabytes));
  } finally {
    await lock.release();
  }
}
