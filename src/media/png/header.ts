/** IHDR, and what follows from it: how many bytes the picture's rows take, how long the chunks about its samples are. */
import { unreadable } from '../unreadable.js';

export interface Header {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlaced: boolean;
}

const HEADER_LENGTH = 13;
const GREY = 0;
const RGB = 2;
const PALETTE = 3;
const GREY_ALPHA = 4;
const RGB_ALPHA = 6;

const DEPTHS: ReadonlyMap<number, readonly number[]> = new Map([
  [GREY, [1, 2, 4, 8, 16]],
  [RGB, [8, 16]],
  [PALETTE, [1, 2, 4, 8]],
  [GREY_ALPHA, [8, 16]],
  [RGB_ALPHA, [8, 16]],
]);
const CHANNELS: ReadonlyMap<number, number> = new Map([
  [GREY, 1],
  [RGB, 3],
  [PALETTE, 1],
  [GREY_ALPHA, 2],
  [RGB_ALPHA, 4],
]);
/** Adam7: first column and row of each pass, and the steps between. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

export function parseHeader(content: Buffer): Header {
  if (content.length !== HEADER_LENGTH) throw unreadable('the header has a wrong length');
  const [width, height] = [content.readUInt32BE(0), content.readUInt32BE(4)];
  const [depth, colour] = [content.readUInt8(8), content.readUInt8(9)];
  if (width === 0 || height === 0 || width > 0x7fff_ffff || height > 0x7fff_ffff) throw unreadable('no size');
  if (DEPTHS.get(colour)?.includes(depth) !== true) throw unreadable('no such colour type');
  if (content.readUInt8(10) !== 0 || content.readUInt8(11) !== 0 || content.readUInt8(12) > 1) {
    throw unreadable('no such compression, filter or interlace method');
  }
  return { width, height, depth, colour, interlaced: content.readUInt8(12) === 1 };
}

/** Bytes of the filtered rows of a picture or frame of this size, as they come out of its zlib stream. */
export function rowBytes({ depth, colour, interlaced }: Header, width: number, height: number): number {
  const bits = depth * (CHANNELS.get(colour) ?? 0);
  const rows = (w: number, h: number): number => (w > 0 && h > 0 ? h * (1 + Math.ceil((w * bits) / 8)) : 0);
  if (!interlaced) return rows(width, height);
  return PASSES.reduce((sum, [x, y, dx, dy]) => {
    return sum + rows(Math.ceil((width - x) / dx), Math.ceil((height - y) / dy));
  }, 0);
}

/** Whether a palette makes the colours; elsewhere it is only a suggestion, which goes. */
export function hasPalette({ colour }: Header): boolean {
  return colour === PALETTE;
}

/** Whether a transparency chunk of `length` fits, given the number of palette entries. */
export function fitsTransparency({ colour }: Header, length: number, paletteEntries: number): boolean {
  if (colour === PALETTE) return length > 0 && length <= paletteEntries;
  return (colour === GREY && length === 2) || (colour === RGB && length === 6);
}
