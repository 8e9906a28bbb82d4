/** PNG chunks: length(4) ‖ type(4) ‖ content ‖ CRC-32 of type and content (PNG, third edition, section 5). */
import { crc32 } from 'node:zlib';
import type { Plan } from '../plan.js';
import { unreadable } from '../unreadable.js';
import type { Window } from '../window.js';

export const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
/** Bytes of a chunk around its content. */
export const CHUNK_FRAME = 12;

const HEAD = 8;
const MAX_LENGTH = 0x7fff_ffff;

export interface Chunk {
  readonly type: string;
  /** Where the chunk begins, and where its content does. */
  readonly at: number;
  readonly offset: number;
  readonly length: number;
  /** Where the next chunk begins. */
  readonly end: number;
}

export async function readChunk(window: Window, at: number): Promise<Chunk> {
  const head = await window.bytes(at, HEAD);
  const length = head.readUInt32BE(0);
  const type = head.toString('latin1', 4, 8);
  const end = at + CHUNK_FRAME + length;
  if (length > MAX_LENGTH || !/^[A-Za-z]{4}$/.test(type)) throw unreadable('no chunk where one must begin');
  if (end > window.size) throw unreadable('it ends inside a chunk');
  return { type, at, offset: at + HEAD, length, end };
}

/** A decoder that doesn't know this chunk must not show the picture: capital first letter. */
export function isCritical(type: string): boolean {
  return type.charCodeAt(0) < 0x60;
}

/** CRC-32 of `type`, of `prefix`, and of the source from `offset` on. */
export async function crcOver(
  window: Window,
  type: string,
  prefix: Buffer,
  offset: number,
  length: number,
): Promise<number> {
  let crc = crc32(prefix, crc32(Buffer.from(type, 'latin1')));
  const end = offset + length;
  for (let at = offset; at < end;) {
    const bytes = (await window.rest(at)).subarray(0, end - at);
    crc = crc32(bytes, crc);
    at += bytes.length;
  }
  return crc;
}

/** Whether the CRC that the file gives for `chunk` is true. */
export async function isIntact(window: Window, chunk: Chunk): Promise<boolean> {
  const crc = await crcOver(window, chunk.type, Buffer.alloc(0), chunk.offset, chunk.length);
  return (await window.bytes(chunk.end - 4, 4)).readUInt32BE(0) === crc;
}

/** A whole chunk around `content`. */
export function chunkOf(type: string, content: Buffer): Buffer {
  const chunk = Buffer.alloc(CHUNK_FRAME + content.length);
  chunk.writeUInt32BE(content.length, 0);
  chunk.write(type, 4, 'latin1');
  content.copy(chunk, HEAD);
  chunk.writeUInt32BE(crc32(chunk.subarray(4, HEAD + content.length)), HEAD + content.length);
  return chunk;
}

/** Plans a chunk of `prefix` and a stretch of the source, with lengths and CRC of its own. */
export async function planChunk(
  plan: Plan,
  window: Window,
  type: string,
  prefix: Buffer,
  offset: number,
  length: number,
): Promise<void> {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(prefix.length + length, 0);
  head.write(type, 4, 'latin1');
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(await crcOver(window, type, prefix, offset, length), 0);
  plan
    .bytes(Buffer.concat([head, prefix]))
    .copy(offset, length)
    .bytes(tail);
}
