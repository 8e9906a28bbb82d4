/**
 * Application segments: the four that pixels or their display depend on (JFIF, EXIF's orientation, ICC, Adobe), and
 * what is said of all others, which are dropped.
 */
import { readExif } from '../exif.js';
import { tallyPhotoshop, tallyXmp } from '../descriptive.js';
import { MAX_PROFILE } from '../icc.js';
import type { RemovedTally } from '../removed.js';
import { APP0, APP1, APP13, APP2 } from './marker.js';

const JFIF = 'JFIF\0';
const EXIF = 'Exif\0';
const ICC = 'ICC_PROFILE\0';
const ADOBE = 'Adobe';
const XMP = 'http://ns.adobe.com/xap/1.0/\0';

/** What stands before the TIFF structure in an EXIF segment: the name, a zero and a byte of padding. */
export const EXIF_PREFIX = Buffer.from('Exif\0\0', 'latin1');
/** A segment of a profile: the name and two counters, then as much of the profile as fits. */
const PROFILE_HEAD = ICC.length + 2;
const PROFILE_PIECE = 0xffff - 2 - PROFILE_HEAD;

export function isJfif(code: number, content: Buffer): boolean {
  return code === APP0 && content.length >= 14 && starts(content, JFIF);
}

export function isExif(code: number, content: Buffer): boolean {
  return code === APP1 && content.length > EXIF_PREFIX.length && starts(content, EXIF);
}

export function isProfile(code: number, content: Buffer): boolean {
  return code === APP2 && content.length >= PROFILE_HEAD && starts(content, ICC);
}

export function isAdobe(content: Buffer): boolean {
  return content.length >= 12 && starts(content, ADOBE);
}

/**
 * The JFIF segment without its thumbnail. A decoder takes the colour model from its presence; of the density only the
 * ratio of a pixel's sides has to do with the picture, so that is what stays.
 */
export function plainJfif(content: Buffer): Buffer {
  const [x, y] = [content.readUInt16BE(8), content.readUInt16BE(10)];
  const divisor = greatestDivisor(x, y);
  const plain = Buffer.from('4a46494600010100000100010000', 'hex');
  if (x > 0 && y > 0) {
    plain.writeUInt16BE(x / divisor, 8);
    plain.writeUInt16BE(y / divisor, 10);
  }
  return plain;
}

export function hasThumbnail(jfif: Buffer): boolean {
  return jfif.readUInt8(12) * jfif.readUInt8(13) > 0;
}

/** The Adobe segment with nothing but the colour transform, which says how the components are to be read. */
export function plainAdobe(content: Buffer): Buffer {
  const plain = Buffer.from('41646f626500640000000000', 'hex');
  plain.writeUInt8(content.readUInt8(11), 11);
  return plain;
}

/** A profile as it comes in: segments numbered from 1, each of which tells the number of all. */
export class ProfileCollector {
  readonly #segments: Buffer[] = [];
  #size = 0;
  #broken = false;

  get isEmpty(): boolean {
    return this.#segments.length === 0 && !this.#broken;
  }

  add(content: Buffer): void {
    this.#size += content.length - PROFILE_HEAD;
    if (this.#size > MAX_PROFILE) this.#broken = true;
    if (this.#broken) this.#segments.length = 0;
    else this.#segments.push(Buffer.from(content));
  }

  /** The whole profile; `null` where a piece is missing, doubled or too much, which every decoder takes for no profile. */
  profile(): Buffer | null {
    const total = this.#segments.length;
    const pieces = new Map<number, Buffer>();
    for (const segment of this.#segments) {
      if (segment.readUInt8(ICC.length + 1) !== total) return null;
      pieces.set(segment.readUInt8(ICC.length), segment.subarray(PROFILE_HEAD));
    }
    const ordered: Buffer[] = [];
    for (let number = 1; number <= total; number++) {
      const piece = pieces.get(number);
      if (piece === undefined) return null;
      ordered.push(piece);
    }
    return Buffer.concat(ordered);
  }

  /** Whether `segments` is what came in. */
  isExactly(segments: readonly Buffer[]): boolean {
    return (
      segments.length === this.#segments.length &&
      segments.every((segment, index) => this.#segments[index]?.equals(segment) === true)
    );
  }
}

/** The contents of the segments that carry `profile`. */
export function profileSegments(profile: Buffer): Buffer[] {
  const total = Math.ceil(profile.length / PROFILE_PIECE);
  return Array.from({ length: total }, (_, index) =>
    Buffer.concat([
      Buffer.from(ICC, 'latin1'),
      Buffer.from([index + 1, total]),
      profile.subarray(index * PROFILE_PIECE, (index + 1) * PROFILE_PIECE),
    ]),
  );
}

/** Counts what a segment that is dropped held. */
export function tallySegment(code: number, content: Buffer, tally: RemovedTally): void {
  if (isExif(code, content)) readExif(content.subarray(EXIF_PREFIX.length), tally);
  else if (code === APP1 && starts(content, XMP)) tallyXmp(content.subarray(XMP.length), tally);
  else if (code === APP1 && starts(content, 'http://ns.adobe.com/xmp/')) tally.add('metadata-block');
  else if (code === APP2 && (starts(content, 'MPF\0') || starts(content, 'FPXR\0'))) tally.add('metadata-block');
  else if (code === APP13 && starts(content, 'Photoshop 3.0\0')) tallyPhotoshop(content.subarray(14), tally);
  else if (code === APP0 && (starts(content, 'JFXX\0') || starts(content, JFIF))) tally.add('thumbnail');
  else tally.add('unknown-block');
}

function starts(content: Buffer, name: string): boolean {
  return content.toString('latin1', 0, name.length) === name;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
