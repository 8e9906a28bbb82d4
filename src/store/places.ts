/** The store's files where the settings say that they live. */
import type { TpmPlace } from '../config/environment.js';
import { diskFiles } from './disk.js';
import type { StoreFiles } from './files.js';
import { withTpmSlots } from './tpm-slots.js';

export interface StorePlaces {
  readonly dataDir: string;
  /** Where the epoch slots live. Another folder than the data folder, in RAM, makes the store amnesic. */
  readonly slotDir: string;
  /** Slots in a TPM; `slotDir` is not used then. */
  readonly tpm?: TpmPlace | null;
}

export function filesAt({ dataDir, slotDir, tpm = null }: StorePlaces): StoreFiles {
  return tpm === null ? diskFiles(dataDir, slotDir) : withTpmSlots(diskFiles(dataDir, dataDir), tpm);
}
