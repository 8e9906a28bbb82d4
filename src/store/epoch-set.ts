/**
 * A set of slot, snapshot and log: written in a round, read at a start (docs/format/store.md, "Rounds" and "Start").
 */
import { giveBack, secretBytes, wipe } from '../base/bytes.js';
import { invariant, StoreFault } from '../base/errors.js';
import { fillRandom } from '../crypto/random.js';
import { epochKeys, wipeKeys, type EpochKeys } from './epoch.js';
import { FileFault, type OpenFile, type SetName } from './files.js';
import type { Geometry } from './geometry.js';
import { readLog, writeBlankLog, type LogReading } from './log.js';
import type { Sealer } from './sealer.js';
import { SnapshotReading, writeSnapshot, type SnapshotHead } from './snapshot.js';

export interface SetFiles {
  readonly name: SetName;
  readonly slot: OpenFile;
  readonly snapshot: OpenFile;
  readonly log: OpenFile;
}

/** What a round or a start needs beside the files. `root` is the store's own copy; it is only read. */
export interface SetContext {
  readonly sealer: Sealer;
  readonly geometry: Geometry;
  readonly root: Uint8Array;
}

/** What a set turned out to be. `keys` of a complete one are the caller's to wipe. */
export type SetReading =
  | { readonly kind: 'noise' }
  | { readonly kind: 'incomplete'; readonly fault: StoreFault }
  | { readonly kind: 'complete'; readonly head: SnapshotHead; readonly keys: EpochKeys; readonly log: LogReading };

/** Opens all of a set and checks every piece and page. Changes nothing. */
export async function readSet(context: SetContext, files: SetFiles): Promise<SetReading> {
  const keys = await keysOf(context, files);
  let complete = false;
  try {
    const snapshot = await openSnapshot(context, files, keys);
    if (snapshot === null) return { kind: 'noise' };
    await snapshot.finish();
    const log = await readLog(context.sealer, files.log, files.name, keys, context.geometry);
    if (log.epoch !== snapshot.head.epoch) throw foreignLog(files.name);
    complete = true;
    return { kind: 'complete', head: snapshot.head, keys, log };
  } catch (error) {
    // A file that the system can't read says nothing about the set: it must not pass for a round that was cut off.
    if (error instanceof FileFault || !(error instanceof StoreFault)) throw error;
    return { kind: 'incomplete', fault: error };
  } finally {
    if (!complete) wipeKeys(keys);
  }
}

/** Null where the first piece doesn't open under these keys. */
export function openSnapshot(
  { sealer, geometry }: SetContext,
  files: SetFiles,
  keys: EpochKeys,
): Promise<SnapshotReading | null> {
  return SnapshotReading.open(sealer, files.snapshot, files.name, keys.snapshot, geometry);
}

/**
 * Writes an epoch into a set and proves that it can be read back. Nothing is committed by it: that is `destroySlot` of
 * the other set. The keys are the caller's to wipe. `proceed` is asked before each step and throws where the store has
 * ended meanwhile.
 */
export async function writeSet(
  context: SetContext,
  files: SetFiles,
  head: SnapshotHead,
  body: Iterable<Buffer>,
  proceed: () => void,
): Promise<EpochKeys> {
  const { sealer, geometry } = context;
  const keys = await writeSlot(context, files);
  try {
    proceed();
    await writeSnapshot(sealer, files.snapshot, keys.snapshot, geometry, head, body);
    await files.snapshot.sync();
    proceed();
    await writeBlankLog(sealer, files.log, keys, geometry, head);
    await files.log.sync();
    proceed();
  } finally {
    wipeKeys(keys);
  }
  const back = await readSet(context, files);
  if (back.kind !== 'complete' || back.head.epoch !== head.epoch || back.log.commits.length > 0) {
    throw new StoreFault(
      `snap.${files.name}`,
      'what a sealing round wrote could not be read back',
      'check the disk, then start again: the state before the round is untouched',
    );
  }
  return back.keys;
}

/** Overwrites a slot and syncs it: nothing that was sealed in its epoch can be opened again. */
export async function destroySlot(files: SetFiles, geometry: Geometry): Promise<void> {
  const noise = fillRandom(Buffer.from(new ArrayBuffer(geometry.slotBytes)));
  await files.slot.write(noise, 0);
  giveBack(noise);
  await files.slot.sync();
}

async function writeSlot({ root, geometry }: SetContext, files: SetFiles): Promise<EpochKeys> {
  const slot = fillRandom(secretBytes(geometry.slotBytes));
  try {
    await files.slot.write(slot, 0);
    await files.slot.sync();
    return epochKeys(root, slot);
  } finally {
    wipe(slot);
    giveBack(slot);
  }
}

async function keysOf({ root, geometry }: SetContext, files: SetFiles): Promise<EpochKeys> {
  invariant(root.length > 0, 'a store that was closed is not read');
  const slot = secretBytes(geometry.slotBytes);
  try {
    await files.slot.read(slot, 0);
    return epochKeys(root, slot);
  } finally {
    wipe(slot);
    giveBack(slot);
  }
}

function foreignLog(name: SetName): StoreFault {
  return new StoreFault(
    `log.${name}`,
    `log.${name} belongs to another epoch than snap.${name}`,
    'put back all files of one copy of the data folder, made while the service was stopped',
  );
}
