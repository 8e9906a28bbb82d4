/**
 * The calls that the store makes on its files, and no others. Handed in, so that the same store runs on a real disk and
 * on one that loses, tears and reorders what was not synced.
 */
import { StoreFault } from '../base/errors.js';
import type { Geometry } from './geometry.js';

export type SetName = 'a' | 'b';
export const SETS: readonly SetName[] = ['a', 'b'];

export type StoreFileName = `slot.${SetName}` | `snap.${SetName}` | `log.${SetName}` | 'arena';
/** Only there while the store is being made. */
export const UNFINISHED = 'unfinished';
export type FileName = StoreFileName | typeof UNFINISHED;

/** A call on a file failed: the system's word, with the file and the call. */
export class FileFault extends StoreFault {
  /** As errno(3) has it. */
  readonly code: string;

  constructor(part: string, message: string, remedy: string, code: string) {
    super(part, message, remedy);
    this.code = code;
  }
}

/** One file, opened in place. Every failure comes as a `FileFault`. */
export interface OpenFile {
  /** Fills `into` from `position`; a file that ends before is a fault. */
  read(into: Buffer, position: number): Promise<void>;
  write(bytes: Uint8Array, position: number): Promise<void>;
  /** Resolves when everything written before the call is on the medium. */
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface StoreFiles {
  /** Null = not there. */
  size(name: FileName): Promise<number | null>;
  open(name: StoreFileName): Promise<OpenFile>;
  /** Makes a file of `size` zero bytes, which may be holes. Only while the store is being made. */
  create(name: FileName, size: number): Promise<void>;
  /** Lengthens a file with zero bytes, which may be holes. Only when an operator makes the store larger. */
  extend(name: StoreFileName, size: number): Promise<void>;
  /** Only while the store is being made. */
  remove(name: FileName): Promise<void>;
  /** Makes creations and removals durable. */
  syncFolders(): Promise<void>;
  /** Where the slots live. In RAM, missing slots mean "all is gone", not "damaged". */
  slotsIn(): Promise<'disk' | 'ram' | 'tpm'>;
  /** Bytes that could still be written beside what is there. */
  freeBytes(): Promise<number>;
}

/** Every file and its size, in the order of the format document. */
export function layoutOf(geometry: Geometry): readonly (readonly [StoreFileName, number])[] {
  const { slotBytes, pieceBytes, snapPieces, pageBytes, pages, unitBytes, units } = geometry;
  return [
    ...SETS.map((set) => [`slot.${set}`, slotBytes] as const),
    ...SETS.map((set) => [`snap.${set}`, pieceBytes * snapPieces] as const),
    ...SETS.map((set) => [`log.${set}`, pageBytes * pages] as const),
    ['arena', unitBytes * units] as const,
  ];
}
