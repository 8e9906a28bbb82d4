/** How large everything in the store is. The product has one geometry per size of store; tests hand in tiny ones. */
import { KiB, MB, MiB } from '../base/units.js';

export interface Geometry {
  readonly unitBytes: number;
  readonly units: number;
  readonly slotBytes: number;
  readonly pageBytes: number;
  readonly pages: number;
  /** Bytes of a sealed piece of the snapshot. */
  readonly pieceBytes: number;
  readonly snapPieces: number;
}

/** The snapshot is written in eighths of its file: coarser than a tenth, so that its length says nothing finer. */
export const SNAP_STEPS = 8;

const UNIT_BYTES = 256 * KiB;
const PIECE_BYTES = 64 * KiB;
/** Room in the snapshot that doesn't depend on the store's size: empty tables, books. */
const SNAP_BASE = 8 * MiB;
/** Room a unit: a row with its indexes takes 200 to 300 bytes, its secret 32; a share has one unit or more. */
const SNAP_PER_UNIT = 512;

/** What depends on where the slots live. */
type SlotGeometry = Pick<Geometry, 'slotBytes' | 'pages'>;

const IN_FILES: SlotGeometry = { slotBytes: MiB, pages: 256 };
/** A TPM's memory wears, so that rounds must be rare: the log holds eight times as much before it asks for one. */
const IN_TPM: SlotGeometry = { slotBytes: 32, pages: 2048 };

/** Size of the store in decimal megabytes, as the setting has it; `tpm` where its slots live in one. */
export function geometryOf(storeMegabytes: number, tpm: object | null = null): Geometry {
  const units = Math.floor((storeMegabytes * MB) / UNIT_BYTES);
  const step = SNAP_STEPS * PIECE_BYTES;
  return {
    unitBytes: UNIT_BYTES,
    units,
    pageBytes: 4 * KiB,
    ...(tpm === null ? IN_FILES : IN_TPM),
    pieceBytes: PIECE_BYTES,
    snapPieces: SNAP_STEPS * Math.ceil((SNAP_BASE + SNAP_PER_UNIT * units) / step),
  };
}

/** The size of store, in megabytes, whose arena has so many bytes: for the sentence that tells an operator. */
export function megabytesOf(arenaBytes: number): number {
  return Math.ceil(arenaBytes / MB);
}
