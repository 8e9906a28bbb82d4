/** Destroys the slots of a store that is not open here: needs no key and no lock, and takes well under a second. */
import { StoreFault } from '../base/errors.js';
import { fillRandom } from '../crypto/random.js';
import { diskFiles } from './disk.js';
import { SETS } from './files.js';

/**
 * Overwrites both slots and syncs them: nothing in the store can be opened again. A service that has the store open
 * still holds its keys in memory and would seal a new epoch: stop it first, or have it panic itself.
 */
export async function destroySlots(slotDir: string): Promise<void> {
  const files = diskFiles(slotDir, slotDir);
  const found = await Promise.all(
    SETS.map(async (set) => {
      const size = await files.size(`slot.${set}`);
      if (size === null) return false;
      const file = await files.open(`slot.${set}`);
      await file.write(fillRandom(Buffer.from(new ArrayBuffer(size))), 0);
      await file.sync();
      await file.close();
      return true;
    }),
  );
  if (found.includes(true)) return;
  throw new StoreFault('slot', 'there are no slots in this folder', 'check CHATPIC_DATA_DIR and CHATPIC_SLOT_DIR');
}
