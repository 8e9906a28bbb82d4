/**
 * What is on the medium, and which set of it is the state (docs/format/store.md, "Start").
 *
 * What holds, and why: a set that opens completely and has the highest epoch is the acknowledged state, because nothing
 * is acknowledged in an epoch before the slot of the one before it is gone. Whatever else is found is refused by name.
 */
import { wipe } from '../base/bytes.js';
import { StoreFault } from '../base/errors.js';
import { wipeKeys } from './epoch.js';
import { destroySlot, readSet, type SetContext, type SetFiles, type SetReading } from './epoch-set.js';
import { layoutOf, SETS, UNFINISHED, type SetName, type StoreFiles } from './files.js';
import { megabytesOf, type Geometry } from './geometry.js';

/** `none`: nothing was ever made here, or its making was cut short. `forgotten`: the slots were in RAM and are gone. */
export type Found = 'none' | 'forgotten' | 'store';

/** Looks at names and sizes only. Throws where files are missing or have another size. */
export async function survey(files: StoreFiles, geometry: Geometry): Promise<Found> {
  if ((await files.size(UNFINISHED)) !== null) return 'none';
  const missing: string[] = [];
  let present = 0;
  for (const [name, expected] of layoutOf(geometry)) {
    const size = await files.size(name);
    if (size === null) missing.push(name);
    else if (size === expected) present++;
    else throw wrongSize(name, size, expected, geometry);
  }
  if (missing.length === 0) return 'store';
  if (present === 0) return 'none';
  const onlySlots = missing.every((name) => name.startsWith('slot.')) && missing.length === SETS.length;
  const place = await files.slotsIn();
  if (onlySlots && place === 'ram') return 'forgotten';
  if (place === 'tpm' && onlySlots) throw noSlotsInTpm();
  if (place === 'tpm' && present === SETS.length && missing.every((name) => !name.startsWith('slot.'))) {
    throw othersSlots();
  }
  throw new StoreFault(
    missing[0] ?? 'data',
    `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
    'check CHATPIC_DATA_DIR and CHATPIC_SLOT_DIR, or put back all files of one copy of the data folder',
  );
}

function noSlotsInTpm(): StoreFault {
  return new StoreFault(
    'slot',
    'the TPM holds no slots: it was cleared, is not the one that this store was made with, or `chatpic panic` was run',
    'check CHATPIC_SLOT; if the TPM was cleared, nothing can open this store again: remove the data folder and begin anew with `chatpic init`',
  );
}

function othersSlots(): StoreFault {
  return new StoreFault(
    'slot',
    'the TPM holds the slots of a store, and this data folder holds none',
    'check CHATPIC_DATA_DIR, or give CHATPIC_SLOT another index (tpm:DEVICE@0x…); if the store is gone, `chatpic panic` frees them',
  );
}

function wrongSize(name: string, size: number, expected: number, geometry: Geometry): StoreFault {
  const remedy =
    name === 'arena' && size % geometry.unitBytes === 0
      ? `set CHATPIC_STORE_MB to ${megabytesOf(size)}, which this data folder was made with, or enlarge it with \`chatpic grow\``
      : 'set CHATPIC_STORE_MB to what this data folder was made with, or put back all files of one copy of it';
  return new StoreFault(name, `${name} has ${size} bytes, expected ${expected}`, remedy);
}

/** The set that is the state. Its keys are the caller's to wipe. */
export interface Chosen {
  readonly set: SetName;
  readonly reading: SetReading & { readonly kind: 'complete' };
}

/** Opens both sets and takes the complete one with the highest epoch. */
export async function chooseSet(context: SetContext, sets: Record<SetName, SetFiles>): Promise<Chosen> {
  let chosen: Chosen | null = null;
  let fault: StoreFault | null = null;
  for (const set of SETS) {
    const reading = await readSet(context, sets[set]);
    if (reading.kind === 'incomplete') fault ??= reading.fault;
    if (reading.kind !== 'complete') continue;
    if (chosen === null || reading.head.epoch > chosen.reading.head.epoch) {
      if (chosen !== null) forget(chosen.reading);
      chosen = { set, reading };
    } else {
      forget(reading);
    }
  }
  if (chosen === null) throw fault ?? noSet();
  return chosen;
}

function forget(reading: SetReading & { readonly kind: 'complete' }): void {
  wipeKeys(reading.keys);
  for (const commit of reading.log.commits) wipe(...commit.entries);
}

function noSet(): StoreFault {
  return new StoreFault(
    'slot',
    'neither slot.a with snap.a nor slot.b with snap.b opens with this root key',
    'check that the root key is the one that this store was made with; if it is, a slot or the first piece of a snapshot is damaged, or the slots were destroyed with `chatpic panic`: put back a copy of the data folder, or begin anew with `chatpic init`',
  );
}

/** Both slots gone, as fast as the medium allows. Needs no key. */
export async function destroyBothSlots(sets: Record<SetName, SetFiles>, geometry: Geometry): Promise<void> {
  await Promise.all(SETS.map((set) => destroySlot(sets[set], geometry)));
}
