/** Destroys the slots of a store that is not open here: needs no key and no lock, and takes well under a second. */
import { StoreFault } from '../base/errors.js';
import { fillRandom } from '../crypto/random.js';
import { SETS, type StoreFiles, type StoreFileName } from './files.js';
import { filesAt, type StorePlaces } from './places.js';

/**
 * Overwrites both slots and syncs them, and frees what they took in a TPM: nothing in the store can be opened again. A service that has the store open
 * still holds its keys in memory and would seal a new epoch: stop it first, or have it panic itself.
 */
export async function destroySlots({ slotDir, tpm = null }: Omit<StorePlaces, 'dataDir'>): Promise<void> {
  const files = filesAt({ dataDir: slotDir, slotDir, tpm });
  const found = await Promise.all(
    SETS.map(async (set) => {
      const name = `slot.${set}` as const;
      const size = await files.size(name);
      if (size === null) return false;
      try {
        await overwrite(files, name, size);
      } finally {
        if (tpm !== null) await files.remove(name);
      }
      return true;
    }),
  );
  if (found.includes(true)) return;
  if (tpm !== null) throw new StoreFault('slot', 'there are no slots in the TPM', 'check CHATPIC_SLOT');
  throw new StoreFault('slot', 'there are no slots in this folder', 'check CHATPIC_DATA_DIR and CHATPIC_SLOT_DIR');
}

async function overwrite(files: StoreFiles, name: StoreFileName, size: number): Promise<void> {
  const file = await files.open(name);
  await file.write(fillRandom(Buffer.from(new ArrayBuffer(size))), 0);
  await file.sync();
  await file.close();
}
