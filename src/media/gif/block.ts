/** GIF's sub-blocks: a length from 1 to 255 and as many bytes, again and again, closed by a zero. */
import type { Window } from '../window.js';
import { unreadable } from '../unreadable.js';
import type { CodeWalk } from './lzw.js';

const MAX_BLOCK = 255;
/** A code takes at most 12 bits, so it touches at most three bytes: the cut lies in one of the last so many blocks. */
const RECENT_BLOCKS = 4;

/** A sub-block: where its length byte stands, how many bytes of the row come before it, and its own. */
interface Block {
  readonly at: number;
  readonly before: number;
  readonly bytes: Buffer;
}

export interface WalkedBlocks {
  /** Blocks are kept as they are up to here; then comes `tail`. */
  readonly keptEnd: number;
  readonly tail: Buffer;
  /** Whether something stood behind the end of the codes. */
  readonly surplus: boolean;
  /** Where the next block of the file begins. */
  readonly end: number;
}

/** Where the row of sub-blocks that begins at `at` ends, behind its zero. */
export async function skipBlocks(window: Window, at: number): Promise<number> {
  let end = at;
  await eachBlock(window, at, (_bytes, next) => {
    end = next;
  });
  return end + 1;
}

/** Walks the codes of an image through its sub-blocks, and cuts what stands behind their end. */
export async function walkBlocks(window: Window, at: number, walk: CodeWalk): Promise<WalkedBlocks> {
  const recent: Block[] = [];
  let [total, surplus, end] = [0, false, at];
  await eachBlock(window, at, (bytes, next) => {
    end = next;
    if (walk.isDone) {
      surplus = true;
      return;
    }
    recent.push({ at: next - bytes.length - 1, before: total, bytes: Buffer.from(bytes) });
    if (recent.length > RECENT_BLOCKS) recent.shift();
    total += bytes.length;
    walk.feed(bytes);
  });
  const used = Math.ceil(walk.meant / 8);
  if (walk.isDone && walk.missingEnd === null && used < total) surplus = true;
  if (!surplus && walk.missingEnd === null) return { keptEnd: end + 1, tail: Buffer.alloc(0), surplus, end: end + 1 };
  return { ...cut(recent, walk), surplus: true, end: end + 1 };
}

/** The last block that has meant bits, written anew up to them, with the end code behind. */
function cut(recent: readonly Block[], walk: CodeWalk): { keptEnd: number; tail: Buffer } {
  const last = recent.findLast(({ before }) => before * 8 < walk.meant) ?? recent[0];
  if (last === undefined) throw unreadable('an image without data');
  const bits = walk.meant - last.before * 8;
  const code = walk.missingEnd?.code ?? 0;
  const bytes = Buffer.alloc(Math.ceil((bits + (walk.missingEnd?.width ?? 0)) / 8));
  last.bytes.copy(bytes, 0, 0, Math.ceil(bits / 8));
  const partial = bits & 7;
  const at = bits >> 3;
  if (partial > 0) bytes[at] = (bytes[at] ?? 0) & ((1 << partial) - 1);
  for (let index = at, rest = code << partial; rest > 0; index++, rest >>>= 8) {
    bytes[index] = (bytes[index] ?? 0) | (rest & 0xff);
  }
  return { keptEnd: last.at, tail: inBlocks(bytes) };
}

function inBlocks(bytes: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += MAX_BLOCK) {
    const part = bytes.subarray(at, at + MAX_BLOCK);
    parts.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat([...parts, Buffer.alloc(1)]);
}

/** Calls `visit` with each sub-block and where the next length byte stands; the last one is the zero. */
async function eachBlock(window: Window, at: number, visit: (bytes: Buffer, next: number) => void): Promise<void> {
  for (;;) {
    await window.upTo(at, MAX_BLOCK + 1);
    const bytes = await window.rest(at);
    let index = 0;
    for (;;) {
      const length = bytes[index];
      if (length === 0) return;
      if (length === undefined || index + 1 + length > bytes.length) break;
      visit(bytes.subarray(index + 1, index + 1 + length), at + index + 1 + length);
      index += 1 + length;
    }
    if (index === 0) throw unreadable('it ends inside a block');
    at += index;
  }
}
