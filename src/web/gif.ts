/**
 * GIF89a (CompuServe, 1990), written frame by frame: a picture of four colours that can be sent while it is being made.
 *
 *     header  = "GIF89a" ‖ width(2 LE) ‖ height(2 LE) ‖ F1 00 00 ‖ 4 colours of 3 bytes
 *     frame   = graphic control (8) ‖ image descriptor (10) ‖ [4 colours] ‖ LZW minimum code size 2 ‖ blocks ‖ 00
 *     trailer = 3B
 *
 * Knows nothing of what it shows. Holds one frame at a time.
 */
import { invariant } from '../base/errors.js';

/** Red, green, blue, four times. */
export type Palette = readonly [Rgb, Rgb, Rgb, Rgb];
export type Rgb = readonly [number, number, number];

/** Hundredths of a second until the next frame is due; browsers take less than 2 for "ten a second". */
const DELAY = 2;
const MINIMUM_CODE_SIZE = 2;
const MAXIMUM_CODES = 4096;
const COLOURS = 4;

export function gifHeader(width: number, height: number, palette: Palette): Buffer {
  const header = Buffer.alloc(13);
  header.write('GIF89a', 'latin1');
  header.writeUInt16LE(width, 6);
  header.writeUInt16LE(height, 8);
  header[10] = 0xf1; // a global table of four colours, eight bits a colour
  return Buffer.concat([header, colours(palette)]);
}

/** One full frame. `pixels` holds `width * height` indexes from 0 to 3; `palette` replaces the header's for this frame. */
export function gifFrame(width: number, height: number, pixels: Uint8Array, palette?: Palette): Buffer {
  invariant(pixels.length === width * height, 'a frame has width times height pixels');
  const control = Buffer.from([0x21, 0xf9, 4, 1 << 2, DELAY, 0, 0, 0]); // disposal 1: leave the frame in place
  const descriptor = Buffer.alloc(10);
  descriptor[0] = 0x2c;
  descriptor.writeUInt16LE(width, 5);
  descriptor.writeUInt16LE(height, 7);
  descriptor[9] = palette === undefined ? 0 : 0x81;
  const table = palette === undefined ? [] : [colours(palette)];
  const blocks = inBlocks(compress(pixels));
  return Buffer.concat([control, descriptor, ...table, Buffer.from([MINIMUM_CODE_SIZE]), ...blocks, Buffer.from([0])]);
}

export function gifTrailer(): Buffer {
  return Buffer.from([0x3b]);
}

function colours(palette: Palette): Buffer {
  return Buffer.from(palette.flat());
}

/** Data sub-blocks: a length from 1 to 255, then as many bytes. */
function inBlocks(data: Buffer): Buffer[] {
  const blocks: Buffer[] = [];
  for (let at = 0; at < data.length; at += 255) {
    const block = data.subarray(at, at + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  return blocks;
}

/** LZW with codes of growing width, least significant bit first (GIF89a, appendix F). */
function compress(pixels: Uint8Array): Buffer {
  const clear = 1 << MINIMUM_CODE_SIZE;
  const end = clear + 1;
  const bits = new BitWriter();
  // The code of `code` followed by a colour, at `code * COLOURS + colour`; nought where there is none yet.
  const codes = new Uint16Array(MAXIMUM_CODES * COLOURS);
  let width = MINIMUM_CODE_SIZE + 1;
  let next = end + 1;
  let prefix = pixels[0] ?? 0;
  bits.put(clear, width);
  for (let at = 1; at < pixels.length; at++) {
    const pixel = pixels[at] ?? 0;
    const key = prefix * COLOURS + pixel;
    const known = codes[key] ?? 0;
    if (known !== 0) {
      prefix = known;
      continue;
    }
    bits.put(prefix, width);
    if (next < MAXIMUM_CODES) {
      codes[key] = next;
      if (next === 1 << width) width++;
      next++;
    } else {
      bits.put(clear, width);
      codes.fill(0);
      width = MINIMUM_CODE_SIZE + 1;
      next = end + 1;
    }
    prefix = pixel;
  }
  bits.put(prefix, width);
  bits.put(end, width);
  return bits.bytes();
}

class BitWriter {
  readonly #bytes: number[] = [];
  #pending = 0;
  #count = 0;

  put(code: number, width: number): void {
    this.#pending |= code << this.#count;
    this.#count += width;
    while (this.#count >= 8) {
      this.#bytes.push(this.#pending & 0xff);
      this.#pending >>>= 8;
      this.#count -= 8;
    }
  }

  bytes(): Buffer {
    if (this.#count > 0) this.#bytes.push(this.#pending & 0xff);
    return Buffer.from(this.#bytes);
  }
}
