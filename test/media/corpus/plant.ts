/**
 * What is planted, and how it is searched for. Every planted value holds the word `PLANTED`, so that one search over the
 * bytes of a result, in each of the encodings that metadata come in, finds whatever was left.
 */
import { inflateSync } from 'node:zlib';

const WORD = 'PLANTED';

/** A value to plant, told apart by `where`. */
export function planted(where: string): string {
  return `${WORD}-${where}`;
}

/** Whether anything planted is left in `bytes`: as ASCII, as UTF-16 of either order, or compressed in a PNG's chunks. */
export function holdsPlanted(bytes: Buffer): boolean {
  const wide = Buffer.from(WORD, 'utf16le');
  if ([Buffer.from(WORD), wide, Buffer.from(wide).swap16()].some((word) => bytes.includes(word))) return true;
  return compressedParts(bytes).some((part) => holdsPlanted(part));
}

function compressedParts(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  if (bytes.toString('latin1', 1, 4) !== 'PNG') return parts;
  for (let at = 8; at + 12 <= bytes.length; at += 12 + bytes.readUInt32BE(at)) {
    const type = bytes.toString('latin1', at + 4, at + 8);
    const content = bytes.subarray(at + 8, at + 8 + bytes.readUInt32BE(at));
    const start = { iCCP: content.indexOf(0) + 2, zTXt: content.indexOf(0) + 2 }[type];
    if (start === undefined) continue;
    try {
      parts.push(inflateSync(content.subarray(start), { maxOutputLength: 1 << 22 }));
    } catch {
      // Damaged on purpose: what doesn't inflate says nothing.
    }
  }
  return parts;
}

/** A sequence of numbers that is the same in every run (xorshift). */
export function numbers(seed: number): (below: number) => number {
  let state = (seed * 2654435761 + 1) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
}

/** One planted file. `keeps` is what its picture depends on and must come out again. */
export interface Sample {
  readonly name: string;
  readonly type: 'image/jpeg' | 'image/png' | 'image/gif' | 'image/webp';
  readonly bytes: Buffer;
  readonly orientation: number;
  /** The name of the clean sample that shows the same frames; its own where it is one. */
  readonly base: string;
}
