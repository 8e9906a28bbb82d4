/** Makes a store larger: what `chatpic grow` runs. */
import { StoreFault } from '../base/errors.js';
import { UNFINISHED } from '../store/files.js';
import { geometryOf } from '../store/geometry.js';
import { lockFolder } from '../store/lock.js';
import { growFiles } from '../store/making.js';
import { filesAt, type StorePlaces } from '../store/places.js';
import type { StoreOptions } from './open-store.js';

/**
 * `storeMegabytes` is the new size; the next start must be given it. Refused while the store is open, and where it would
 * become smaller. Needs no key: it only adds noise and room.
 */
export async function growStore(options: StorePlaces & Pick<StoreOptions, 'storeMegabytes'>): Promise<void> {
  const { dataDir, tpm, storeMegabytes } = options;
  const lock = await lockFolder(dataDir);
  try {
    const files = filesAt(options);
    if ((await files.size(UNFINISHED)) !== null) {
      throw new StoreFault('data folder', 'the making of this store was cut off', 'start it once, then make it larger');
    }
    await growFiles(files, geometryOf(storeMegabytes, tpm));
  } finally {
    await lock.release();
  }
}
