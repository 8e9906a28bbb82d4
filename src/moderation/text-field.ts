/** A piece of text or bytes in this room's records: length u16 ‖ bytes. */
import type { Reader, Writer } from '../base/cursor.js';
import { invariant } from '../base/errors.js';

const LENGTH_BYTES = 2;
const LONGEST = 0xffff;

/** Bytes that a field of `bytes` takes. */
export function fieldSize(bytes: Uint8Array): number {
  return LENGTH_BYTES + bytes.length;
}

export function writeField(writer: Writer, bytes: Uint8Array): void {
  invariant(bytes.length <= LONGEST, 'a field has at most 65,535 bytes');
  writer.u16(bytes.length).bytes(bytes);
}

/** A copy, so that a record does not keep the page that it was read from. */
export function readField(reader: Reader): Buffer {
  return Buffer.from(reader.bytes(reader.u16()));
}

/** What a visitor typed, cut to `most` characters at a whole character. */
export function cutText(text: string, most: number): string {
  return Array.from(text.slice(0, 2 * most))
    .slice(0, most)
    .join('');
}
