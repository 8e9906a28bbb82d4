/** The first bytes of the two WebP codings: enough to know their size and that they are what their chunk says. */
import { unreadable } from '../unreadable.js';

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Bytes from the beginning of the chunk that `sizeOf` must see. */
export const BITSTREAM_HEAD = 10;

/** The size that a `VP8 ` or `VP8L` chunk of `length` bytes gives in its `head` (RFC 6386, 9.1; RFC 9649, 3.4). */
export function sizeOf(type: string, head: Buffer, length: number): PictureSize {
  return type === 'VP8L' ? losslessSize(head) : lossySize(head, length);
}

function lossySize(head: Buffer, length: number): PictureSize {
  if (head.length < BITSTREAM_HEAD || head.readUIntBE(3, 3) !== 0x9d012a) throw unreadable('no VP8 picture');
  const tag = head.readUIntLE(0, 3);
  if ((tag & 1) !== 0) throw unreadable('no key frame');
  if (tag >>> 5 > length - BITSTREAM_HEAD) throw unreadable('a partition ends behind its chunk');
  return nonEmpty(head.readUInt16LE(6) & 0x3fff, head.readUInt16LE(8) & 0x3fff);
}

function losslessSize(head: Buffer): PictureSize {
  if (head.length < 5 || head[0] !== 0x2f) throw unreadable('no VP8L picture');
  const bits = head.readUInt32LE(1);
  if (bits >>> 29 !== 0) throw unreadable('an unknown version of VP8L');
  return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
}

function nonEmpty(width: number, height: number): PictureSize {
  if (width === 0 || height === 0) throw unreadable('a picture without size');
  return { width, height };
}
