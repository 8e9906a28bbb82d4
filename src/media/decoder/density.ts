/**
 * Takes the print density out of a picture that libvips wrote: it copies the original's, which tells scanners and
 * programs apart. Only the two formats that have it, only as libvips lays them out.
 */
import type { PictureType } from '../media-type.js';

/** SOI, APP0 of 16 bytes: identifier at 6, version at 11, then units(1), horizontal(2), vertical(2). */
const JFIF = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0x00, 0x10, 0x4a, 0x46, 0x49, 0x46, 0x00]);
const JFIF_UNITS_AT = 13;
/** No unit, pixels as wide as high. */
const SQUARE = Buffer.from([0, 0, 1, 0, 1]);

const PNG_SIGNATURE_SIZE = 8;
/** length(4), type(4), data, CRC(4). */
const PNG_CHUNK_FRAME = 12;

/** The same picture without a density. May change `bytes` in place. */
export function withoutDensity(bytes: Buffer, type: PictureType): Buffer {
  if (type === 'image/jpeg' && bytes.subarray(0, JFIF.length).equals(JFIF)) SQUARE.copy(bytes, JFIF_UNITS_AT);
  return type === 'image/png' ? withoutChunk(bytes, 'pHYs') : bytes;
}

function withoutChunk(png: Buffer, type: string): Buffer {
  for (let at = PNG_SIGNATURE_SIZE; at + PNG_CHUNK_FRAME <= png.length;) {
    const next = at + PNG_CHUNK_FRAME + png.readUInt32BE(at);
    if (png.toString('latin1', at + 4, at + 8) === type) {
      return Buffer.concat([png.subarray(0, at), png.subarray(next)]);
    }
    at = next;
  }
  return png;
}
