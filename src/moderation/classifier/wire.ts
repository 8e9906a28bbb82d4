/**
 * What the classifier and its child say to each other over pipes: docs/format/moderation.md, section 6.
 * Frames: length of kind and body u32 ‖ kind u8 ‖ body.
 */
import { Reader, Writer } from '../../base/cursor.js';
import type { RgbPicture } from './tensor.js';

/** Down: a model with its card, a picture. Up: the engine is there, the model is loaded, a probability, it didn't work. */
export const KIND = { model: 1, picture: 2, hello: 3, ready: 4, probability: 5, failed: 6 } as const;

export interface Frame {
  readonly kind: number;
  readonly body: Buffer;
}

const HEAD = 5;
/** A model may have 512 MiB, a picture far less. */
const MAX_BODY = 512 * 1024 * 1024;

export function encodeFrame(kind: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(HEAD);
  new Writer(head).u32(1 + parts.reduce((sum, part) => sum + part.length, 0)).u8(kind);
  return Buffer.concat([head, ...parts]);
}

/** Frames out of a stream, whatever its pieces. Ends with the stream; throws on a frame that nobody would send. */
export async function* parseFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<Frame, void, undefined> {
  let pieces: Buffer[] = [];
  let have = 0;
  let need = HEAD;
  for await (const piece of stream) {
    pieces.push(piece);
    have += piece.length;
    while (have >= need) {
      const bytes = Buffer.concat(pieces);
      const end = HEAD - 1 + bytes.readUInt32BE(0);
      if (end < HEAD || end > HEAD + MAX_BODY) throw new Error('a frame of an impossible length');
      need = end;
      pieces = [bytes];
      if (have < need) break;
      yield { kind: bytes.readUInt8(HEAD - 1), body: bytes.subarray(HEAD, end) };
      pieces = [bytes.subarray(end)];
      have -= end;
      need = HEAD;
    }
  }
}

export function encodeModel(card: string, model: Uint8Array): Buffer {
  const text = Buffer.from(card, 'utf8');
  const length = Buffer.alloc(4);
  new Writer(length).u32(text.length);
  return encodeFrame(KIND.model, length, text, model);
}

export function parseModel(body: Buffer): { readonly card: string; readonly model: Buffer } {
  const reader = new Reader(body);
  const card = reader.bytes(reader.u32()).toString('utf8');
  return { card, model: reader.bytes(reader.remaining) };
}

export function encodePicture({ width, height, data }: RgbPicture): Buffer {
  const size = Buffer.alloc(4);
  new Writer(size).u16(width).u16(height);
  return encodeFrame(KIND.picture, size, data);
}

/** `null` where the samples don't fill the picture. */
export function parsePicture(body: Buffer): RgbPicture | null {
  const reader = new Reader(body);
  const [width, height] = [reader.u16(), reader.u16()];
  const data = reader.bytes(reader.remaining);
  return width > 0 && height > 0 && data.length === width * height * 3 ? { width, height, data } : null;
}

export function encodeProbability(value: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeDoubleBE(value);
  return encodeFrame(KIND.probability, body);
}

export function parseProbability(body: Buffer): number | null {
  const value = body.length === 8 ? body.readDoubleBE(0) : NaN;
  return value >= 0 && value <= 1 ? value : null;
}
