/** Pictures for these tests, good and hostile, all made here and the same each time. */
import { deflateSync } from 'node:zlib';
import type { Sharp } from 'sharp';
import sharp from 'sharp';
import type { ByteSource } from '../../../src/base/source.js';
import { bufferSource } from '../../../src/base/source.js';
import type { PictureType } from '../../../src/media/media-type.js';

/** RGB noise from a linear congruential generator: compresses badly, like a photograph. */
export function noise(width: number, height: number, channels: 3 | 4 = 3): Sharp {
  const data = Buffer.alloc(width * height * channels);
  let state = 12345;
  for (let at = 0; at < data.length; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    data[at] = ((at / channels) % 200) + (state >>> 26);
  }
  return sharp(data, { raw: { width, height, channels } });
}

/** A picture of one colour, of any size for nearly no bytes. */
export function flat(width: number, height: number): Sharp {
  return sharp({ create: { width, height, channels: 3, background: '#884422' } });
}

/** An animation whose frame `k` has the grey that `grey(k)` says. */
export async function animation(
  type: 'gif' | 'webp',
  frames: number,
  width: number,
  height: number,
  grey: (frame: number) => number,
): Promise<Buffer> {
  const data = Buffer.alloc(width * height * frames * 3);
  for (let frame = 0; frame < frames; frame++) {
    data.fill(grey(frame), frame * width * height * 3, (frame + 1) * width * height * 3);
    // One pixel that never stays, so that no encoder joins frames.
    data[frame * width * height * 3 + 3 * (frame % width)] = (grey(frame) + 128) % 256;
  }
  const roll = sharp(data, { raw: { width, height: height * frames, channels: 3, pageHeight: height } });
  const delay = Array.from({ length: frames }, () => 70);
  return type === 'gif' ? roll.gif({ delay, loop: 0 }).toBuffer() : roll.webp({ delay, loop: 0 }).toBuffer();
}

/** The smallest lossless WebP there is: one colour, and sides as its header claims. */
export function webpBomb(width: number, height: number): Buffer {
  let bits = 0x2fn | (BigInt(width - 1) << 8n) | (BigInt(height - 1) << 22n);
  let at = 8 + 28 + 4;
  const put = (bit: number): void => {
    bits |= BigInt(bit) << BigInt(at++);
  };
  for (let i = 0; i < 3; i++) put(0); // no transform, no colour cache, no meta prefix codes
  for (let code = 0; code < 5; code++) for (const bit of [1, 0, 0, 0]) put(bit); // simple, one symbol, of one bit, 0
  const data = Buffer.from(Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(8 * i)) & 255n)));
  const head = Buffer.from('RIFF\0\0\0\0WEBPVP8L\0\0\0\0', 'latin1');
  head.writeUInt32LE(12 + data.length, 4);
  head.writeUInt32LE(data.length, 16);
  return Buffer.concat([head, data]);
}

/** A GIF of `frames` frames of one pixel. */
export function gifBomb(frames: number): Buffer {
  const head = Buffer.from('GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff', 'latin1');
  const frame = Buffer.from('\x21\xf9\x04\0\x05\0\0\0\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0', 'latin1');
  return Buffer.concat([head, ...Array.from({ length: frames }, () => frame), Buffer.from(';')]);
}

/** A PNG whose header claims these sides and whose data are zeros, deflated a thousandfold. */
export function pngBomb(width: number, height: number, rows = height): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    pngChunk('IHDR', header),
    pngChunk('IDAT', deflateSync(Buffer.alloc(rows * (1 + width * 3)), { level: 9 })),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

export function pngChunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const chunk = Buffer.alloc(body.length + 8);
  chunk.writeUInt32BE(data.length, 0);
  body.copy(chunk, 4);
  chunk.writeUInt32BE(crc32(body), chunk.length - 4);
  return chunk;
}

function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

/** A source that gives all but its last byte, and waits there until `finish` is called. */
export function stalledSource(bytes: Buffer): ByteSource & { finish: () => void; stalled: Promise<void> } {
  const whole = bufferSource(bytes);
  let finish: () => void = () => undefined;
  let reached: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const stalled = new Promise<void>((resolve) => (reached = resolve));
  return {
    size: bytes.length,
    finish,
    stalled,
    async read(offset, length) {
      if (offset + length < bytes.length) return whole.read(offset, length);
      if (offset < bytes.length - 1) return whole.read(offset, bytes.length - 1 - offset);
      reached();
      await finished;
      return whole.read(offset, 1);
    },
  };
}

export const TYPES: readonly PictureType[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

export function encoded(picture: Sharp, type: PictureType): Promise<Buffer> {
  switch (type) {
    case 'image/jpeg':
      return picture.jpeg().toBuffer();
    case 'image/png':
      return picture.png().toBuffer();
    case 'image/gif':
      return picture.gif().toBuffer();
    case 'image/webp':
      return picture.webp().toBuffer();
  }
}
