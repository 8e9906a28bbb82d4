/**
 * Slots in two NV indices of a TPM: 32 bytes each, everything else in files (docs/format/store.md, "Slots in a TPM").
 *
 * What holds, and why: the order of a round is that of slots in files, and a write to an index is durable when it is
 * answered, so whatever the power failing leaves is among what it may leave of files. No copy of the disk, however old,
 * opens anything without what the chip holds now; no command of a TPM gives back what was overwritten.
 *
 * What does not hold: that the chip's own memory cells keep nothing of it. Whoever can open the chip is not kept out.
 */
import type { TpmPlace } from '../config/environment.js';
import { StoreFault } from '../base/errors.js';
import { codeOf } from './disk.js';
import { FileFault, type FileName, type OpenFile, type StoreFiles } from './files.js';
import {
  defineIndex,
  indexPublic,
  RC,
  readIndex,
  TpmRefusal,
  undefineIndex,
  writeIndex,
  type Exchange,
} from './tpm.js';
import { tpmAt } from './tpm-device.js';

/** How many times an index is made for being written, as the makers of TPMs have it. */
export const TPM_WRITES = 100_000;
/** Each round writes the new slot and overwrites the old one; both may stand in one cell of the chip's memory. */
export const TPM_ROUNDS = TPM_WRITES / 2;

export function withTpmSlots(disk: StoreFiles, place: TpmPlace, exchange: Exchange = tpmAt(place.device)): StoreFiles {
  const indexOf = (name: FileName): number | null =>
    name === 'slot.a' ? place.index : name === 'slot.b' ? place.index + 1 : null;
  return {
    async size(name) {
      const index = indexOf(name);
      return index === null ? disk.size(name) : sizeOf(exchange, name, index);
    },
    async open(name) {
      const index = indexOf(name);
      if (index === null) return disk.open(name);
      if ((await sizeOf(exchange, name, index)) === null) throw faultOf(name, 'open', 'ENOENT');
      return openIndex(exchange, name, index);
    },
    async create(name, size) {
      const index = indexOf(name);
      if (index === null) return disk.create(name, size);
      return asking(name, 'define', () => defineIndex(exchange, index, size));
    },
    async remove(name) {
      const index = indexOf(name);
      if (index === null) return disk.remove(name);
      return asking(name, 'undefine', () => undefineIndex(exchange, index));
    },
    extend: (name, size) => disk.extend(name, size),
    syncFolders: () => disk.syncFolders(),
    slotsIn: () => Promise.resolve('tpm'),
    freeBytes: () => disk.freeBytes(),
  };
}

async function sizeOf(exchange: Exchange, name: string, index: number): Promise<number | null> {
  const found = await asking(name, 'look at', () => indexPublic(exchange, index));
  if (found === null || found.ours) return found?.size ?? null;
  throw new StoreFault(
    name,
    `${name}: index 0x${index.toString(16)} of the TPM is locked, or was not made by chatpic`,
    'give CHATPIC_SLOT another index: tpm:DEVICE@0x…, which takes that one and the next',
  );
}

function openIndex(exchange: Exchange, name: string, index: number): OpenFile {
  return {
    read: (into) => asking(name, 'read', () => readIndex(exchange, index, into)),
    write: (bytes) => asking(name, 'write', () => writeIndex(exchange, index, bytes)),
    // The TPM answered the write when it was done.
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT: 'check CHATPIC_SLOT: `ls /dev/tpm*`; a TPM may have to be turned on in the firmware',
  EACCES:
    'give the user that the service runs as the group of the device (tss), and the unit systemd/drop-ins/tpm.conf',
  EPERM: 'give the user that the service runs as the group of the device (tss), and the unit systemd/drop-ins/tpm.conf',
  ECONNREFUSED: 'start the simulator that stands behind this socket',
  EBUSY: 'another program has /dev/tpm0 open: use /dev/tpmrm0',
};

const REFUSALS: Readonly<Record<number, string>> = {
  [RC.badAuth]:
    'the owner hierarchy of this TPM has a password, which chatpic does not take: clear the TPM in the firmware, or use a slot in RAM',
  [RC.authFail]:
    'the owner hierarchy of this TPM has a password, which chatpic does not take: clear the TPM in the firmware, or use a slot in RAM',
  [RC.defined]: 'the index was made by another program just now: give CHATPIC_SLOT another one',
  [RC.full]: 'the memory of the TPM is full: undefine indices that nobody needs (tpm2_nvundefine)',
  [RC.handle]: 'the index was removed while it was in use: the TPM was cleared, or `chatpic panic` was run',
  [RC.notStarted]: 'the TPM was not started by the firmware: start the machine again',
};

/** Runs commands and names the slot, the act and the TPM's or the system's word where they fail. */
export async function asking<T>(name: string, act: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TpmRefusal) {
      const code = `0x${error.code.toString(16)}`;
      const remedy = REFUSALS[error.code] ?? 'look up the code (tpm2_rc_decode), mend it, then start again';
      throw new FileFault(name, `${name}: the TPM refused to ${act} it (${code})`, remedy, code);
    }
    throw faultOf(name, act, codeOf(error));
  }
}

function faultOf(name: string, act: string, code: string): FileFault {
  const remedy = REMEDIES[code] ?? 'check the TPM (`dmesg | grep -i tpm`), then start again; the state is untouched';
  return new FileFault(name, `${name}: the TPM could not be asked to ${act} it (${code})`, remedy, code);
}
