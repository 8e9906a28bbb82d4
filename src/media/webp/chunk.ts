/** RIFF chunks: type(4) ‖ length(4, little-endian) ‖ content ‖ a zero where the length is odd. */
import type { Plan } from '../plan.js';
import { unreadable } from '../unreadable.js';
import type { Window } from '../window.js';

export const HEAD = 8;

export interface Chunk {
  readonly type: string;
  /** Where its content begins, and how long that is. */
  readonly offset: number;
  readonly length: number;
  /** Where the next chunk begins. */
  readonly end: number;
}

/** The chunk at `at` in a container that ends at `limit`; `null` where no chunk fits any more. */
export async function readChunk(window: Window, at: number, limit: number): Promise<Chunk | null> {
  if (at + HEAD > limit) return null;
  const head = await window.bytes(at, HEAD);
  const length = head.readUInt32LE(4);
  const offset = at + HEAD;
  if (offset + length > limit) throw unreadable('a chunk ends behind its container');
  return { type: head.toString('latin1', 0, 4), offset, length, end: offset + length + (length & 1) };
}

export function chunkHead(type: string, length: number): Buffer {
  const head = Buffer.alloc(HEAD);
  head.write(type, 0, 'latin1');
  head.writeUInt32LE(length, 4);
  return head;
}

/** A whole chunk around `content`. */
export function chunkOf(type: string, content: Buffer): Buffer {
  return Buffer.concat([chunkHead(type, content.length), content, Buffer.alloc(content.length & 1)]);
}

/** Plans the first `length` bytes of a chunk's content as a chunk of its own. */
export function planChunk(plan: Plan, chunk: Chunk, length = chunk.length): void {
  plan.bytes(chunkHead(chunk.type, length)).copy(chunk.offset, length);
  if ((length & 1) === 1) plan.bytes(Buffer.alloc(1));
}
