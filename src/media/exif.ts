/**
 * EXIF, read for two things: the orientation, which is kept, and the kinds of what is removed, which are counted.
 *
 * The reader trusts nothing: it visits at most `MAX_DIRECTORIES` directories and `MAX_ENTRIES` entries and never the same
 * directory twice, so a block that points at itself ends like any other. Values are never looked at, but for the
 * orientation's number.
 */
import type { RemovedKind, RemovedTally } from './removed.js';

/** 1 to 8, as TIFF numbers them: 1 is upright, 5 to 8 have width and height exchanged. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8;

/** More of a block than this is not looked at for the count; it is dropped all the same. */
export const EXIF_LOOK = 256 * 1024;

const MAX_DIRECTORIES = 32;
const MAX_ENTRIES = 2000;
const ENTRY_SIZE = 12;
const SHORT = 3;

const ORIENTATION = 0x0112;
const SUB_DIRECTORIES: ReadonlySet<number> = new Set([0x014a, 0x8769, 0x8825, 0xa005]);
const GPS_DIRECTORY = 0x8825;

const KIND_OF_TAG: ReadonlyMap<number, RemovedKind> = new Map<number, RemovedKind>([
  [0x010f, 'camera'], // Make
  [0x0110, 'camera'], // Model
  [0xa433, 'camera'], // LensMake
  [0xa434, 'camera'], // LensModel
  [0xc614, 'camera'], // UniqueCameraModel
  [0x0132, 'date'], // ModifyDate
  [0x9003, 'date'], // DateTimeOriginal
  [0x9004, 'date'], // CreateDate
  [0xa420, 'serial-number'], // ImageUniqueID
  [0xa431, 'serial-number'], // BodySerialNumber
  [0xa435, 'serial-number'], // LensSerialNumber
  [0xc62f, 'serial-number'], // CameraSerialNumber
  [0x013b, 'author'], // Artist
  [0x8298, 'author'], // Copyright
  [0x9c9d, 'author'], // XPAuthor
  [0xa430, 'author'], // OwnerName
  [0x000b, 'software'], // ProcessingSoftware
  [0x0131, 'software'], // Software
  [0x013c, 'software'], // HostComputer
  [0x010d, 'description'], // DocumentName
  [0x010e, 'description'], // ImageDescription
  [0x9c9b, 'description'], // XPTitle
  [0x9c9e, 'description'], // XPKeywords
  [0x9c9f, 'description'], // XPSubject
  [0x9286, 'comment'], // UserComment
  [0x9c9c, 'comment'], // XPComment
  [0x927c, 'maker-note'],
  [0x0201, 'thumbnail'], // ThumbnailOffset
  [0x02bc, 'metadata-block'], // XMP inside
]);

/** The smallest EXIF block that says an orientation: TIFF header, one directory of one entry. What is kept of EXIF. */
export function orientationExif(orientation: Orientation): Buffer {
  const block = Buffer.from('4d4d002a00000008000101120003000000010000000000000000', 'hex');
  block.writeUInt16BE(orientation, 18);
  return block;
}

/**
 * The orientation that the TIFF structure `block` gives, 1 where it gives none; counts into `tally` what else it holds.
 * A block that is exactly `orientationExif` counts as nothing removed.
 */
export function readExif(block: Buffer, tally: RemovedTally): Orientation {
  const reader = new TiffReader(block);
  reader.read();
  const orientation = reader.orientation;
  if (orientation !== 1 && block.equals(orientationExif(orientation))) return orientation;
  if (reader.kinds.length === 0) tally.add('metadata-block');
  for (const kind of reader.kinds) tally.add(kind);
  return orientation;
}

class TiffReader {
  readonly kinds: RemovedKind[] = [];
  orientation: Orientation = 1;
  readonly #block: Buffer;
  readonly #little: boolean;
  readonly #visited = new Set<number>();
  readonly #waiting: { offset: number; gps: boolean; first: boolean }[] = [];
  #entries = 0;

  constructor(block: Buffer) {
    this.#block = block.subarray(0, EXIF_LOOK);
    this.#little = block.toString('latin1', 0, 2) === 'II';
  }

  read(): void {
    const order = this.#block.toString('latin1', 0, 2);
    if ((order !== 'II' && order !== 'MM') || this.#u16(2) !== 42) return;
    this.#waiting.push({ offset: this.#u32(4) ?? 0, gps: false, first: true });
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      if (this.#visited.size >= MAX_DIRECTORIES) return;
      if (next.offset === 0 || this.#visited.has(next.offset)) continue;
      this.#visited.add(next.offset);
      this.#directory(next.offset, next.gps, next.first);
    }
  }

  #directory(offset: number, gps: boolean, first: boolean): void {
    const count = this.#u16(offset) ?? 0;
    let located = false;
    for (let index = 0; index < count && this.#entries < MAX_ENTRIES; index++, this.#entries++) {
      const at = offset + 2 + index * ENTRY_SIZE;
      const tag = this.#u16(at);
      if (tag === null) return;
      if (gps) located = this.#gpsTag(tag) || located;
      else this.#tag(tag, at, first);
    }
    if (located) this.kinds.push('location');
    this.#waiting.push({ offset: this.#u32(offset + 2 + count * ENTRY_SIZE) ?? 0, gps, first: false });
  }

  #tag(tag: number, at: number, first: boolean): void {
    if (tag === ORIENTATION && first) this.#readOrientation(at);
    const kind = KIND_OF_TAG.get(tag);
    if (kind !== undefined) this.kinds.push(kind);
    if (SUB_DIRECTORIES.has(tag)) {
      this.#waiting.push({ offset: this.#u32(at + 8) ?? 0, gps: tag === GPS_DIRECTORY, first: false });
    }
  }

  /** Latitude, longitude, altitude, area and the like are one location; the date is a date. */
  #gpsTag(tag: number): boolean {
    if (tag === 0x001d) this.kinds.push('date');
    return tag !== 0 && tag !== 0x001d;
  }

  #readOrientation(at: number): void {
    const value = this.#u16(at + 8);
    if (this.#u16(at + 2) !== SHORT || value === null || value < 1 || value > 8) return;
    this.orientation = value as Orientation;
  }

  #u16(offset: number): number | null {
    if (offset + 2 > this.#block.length) return null;
    return this.#little ? this.#block.readUInt16LE(offset) : this.#block.readUInt16BE(offset);
  }

  #u32(offset: number): number | null {
    if (offset + 4 > this.#block.length) return null;
    return this.#little ? this.#block.readUInt32LE(offset) : this.#block.readUInt32BE(offset);
  }
}
