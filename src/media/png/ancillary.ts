/**
 * The ancillary chunks: which are kept, in what form, and what is said of the others.
 *
 * Kept is what decides how the samples become colours (tRNS, gAMA, cHRM, sRGB, iCCP, cICP, mDCV, cLLI), the shape of a
 * pixel where it isn't square (pHYs) and which way is up (eXIf, orientation only). bKGD, sBIT, hIST, sPLT are hints that
 * no browser follows: they go, like texts, times and everything unknown.
 */
import { deflateSync, inflateSync } from 'node:zlib';
import { KiB } from '../../base/units.js';
import { tallyXmp } from '../descriptive.js';
import { orientationExif, readExif, type Orientation } from '../exif.js';
import { MAX_PROFILE, reduceProfile } from '../icc.js';
import type { RemovedKind, RemovedTally } from '../removed.js';
import { chunkOf } from './chunk.js';
import { fitsTransparency, type Header } from './header.js';

/** Content of a dropped chunk that is looked at to say what it was. */
export const LOOK = 64 * KiB;
/** Content of a kept chunk: no profile or EXIF block of a picture is larger. */
export const MAX_KEPT = MAX_PROFILE;

const PROFILE_NAME = Buffer.from('ICC\0\0', 'latin1');
const FIXED_LENGTHS: ReadonlyMap<string, number> = new Map([
  ['gAMA', 4],
  ['cHRM', 32],
  ['sRGB', 1],
  ['cICP', 4],
  ['mDCV', 24],
  ['cLLI', 8],
]);

export interface Place {
  readonly header: Header;
  readonly paletteEntries: number;
  readonly afterPalette: boolean;
  readonly afterData: boolean;
}

/** Whether a chunk of this type, length and place is one whose content `plainAncillary` must see. */
export function mayBeKept(type: string, length: number, place: Place): boolean {
  if (type === 'eXIf') return length <= MAX_KEPT;
  if (place.afterData) return false;
  if (type === 'tRNS') return fitsTransparency(place.header, length, place.paletteEntries);
  if (type === 'pHYs') return length === 9;
  if (place.afterPalette) return false;
  return type === 'iCCP' ? length <= MAX_KEPT : FIXED_LENGTHS.get(type) === length;
}

export interface Kept {
  /** The chunk as it is written; `null` where nothing of it is. */
  readonly chunk: Buffer | null;
  readonly orientation?: Orientation;
}

/** The kept form of a chunk that `mayBeKept`; counts what of it is not. */
export function plainAncillary(type: string, content: Buffer, tally: RemovedTally): Kept {
  switch (type) {
    case 'eXIf': {
      const orientation = readExif(content, tally);
      return { chunk: orientation === 1 ? null : chunkOf(type, orientationExif(orientation)), orientation };
    }
    case 'iCCP':
      return { chunk: plainProfile(content, tally) };
    case 'pHYs':
      return { chunk: plainDensity(content, tally) };
    default:
      return { chunk: chunkOf(type, content) };
  }
}

/** Name, compression method, zlib stream: the name is ours, the profile reduced. */
function plainProfile(content: Buffer, tally: RemovedTally): Buffer | null {
  const name = content.indexOf(0);
  const profile = name < 0 || content[name + 1] !== 0 ? null : inflated(content.subarray(name + 2));
  const reduced = profile === null ? null : reduceProfile(profile);
  const plain = reduced === null ? null : Buffer.concat([PROFILE_NAME, deflateSync(reduced, { level: 9 })]);
  if (plain?.equals(content) !== true) tally.add('colour-profile-detail');
  return plain === null ? null : chunkOf('iCCP', plain);
}

function inflated(bytes: Buffer): Buffer | null {
  try {
    return inflateSync(bytes, { maxOutputLength: MAX_PROFILE });
  } catch {
    return null; // Damaged, or a bomb: no decoder takes it for a profile.
  }
}

/** Of the density only the ratio of a pixel's sides has to do with the picture; square pixels need no saying. */
function plainDensity(content: Buffer, tally: RemovedTally): Buffer | null {
  const [x, y] = [content.readUInt32BE(0), content.readUInt32BE(4)];
  const divisor = x === y || x === 0 || y === 0 ? 0 : greatestDivisor(x, y);
  const plain = Buffer.alloc(9);
  if (divisor > 0) {
    plain.writeUInt32BE(x / divisor, 0);
    plain.writeUInt32BE(y / divisor, 4);
  }
  if (divisor === 0 || !plain.equals(content)) tally.add('metadata-block');
  return divisor === 0 ? null : chunkOf('pHYs', plain);
}

const KIND_OF_KEYWORD: ReadonlyMap<string, RemovedKind> = new Map<string, RemovedKind>([
  ['Author', 'author'],
  ['Artist', 'author'],
  ['Copyright', 'author'],
  ['Title', 'description'],
  ['Description', 'description'],
  ['parameters', 'description'],
  ['prompt', 'description'],
  ['workflow', 'description'],
  ['Software', 'software'],
  ['Source', 'camera'],
  ['Creation Time', 'date'],
  ['date:create', 'date'],
  ['date:modify', 'date'],
  ['date:timestamp', 'date'],
  ['Raw profile type exif', 'metadata-block'],
  ['Raw profile type iptc', 'metadata-block'],
  ['Raw profile type xmp', 'metadata-block'],
]);

const HINTS: ReadonlySet<string> = new Set(['bKGD', 'sBIT', 'hIST', 'sPLT', 'pHYs', 'oFFs', 'pCAL', 'sCAL', 'iDOT']);

/** Counts what a dropped chunk held, by its type and keyword. `content` may be only its beginning; nothing is inflated. */
export function tallyChunk(type: string, content: Buffer, tally: RemovedTally): void {
  if (type === 'tIME') tally.add('date');
  else if (type === 'eXIf') readExif(content, tally);
  else if (type === 'tEXt' || type === 'zTXt' || type === 'iTXt') tallyText(content, tally);
  else tally.add(HINTS.has(type) ? 'metadata-block' : 'unknown-block');
}

function tallyText(content: Buffer, tally: RemovedTally): void {
  const end = content.subarray(0, 80).indexOf(0);
  const keyword = content.toString('latin1', 0, Math.max(0, end));
  if (keyword === 'XML:com.adobe.xmp') tallyXmp(content, tally);
  else tally.add(KIND_OF_KEYWORD.get(keyword) ?? 'comment');
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
