/**
 * Boxes, the only structure of the format: read as places in the source, written as lists of buffers.
 *
 *     box = size(4) ‖ type(4) ‖ [size(8), if size = 1] ‖ body       size = 0: to the end of what encloses it
 *     full box = box whose body begins with version(1) ‖ flags(3)
 *
 * Source: ISO/IEC 14496-12, section 4.2.
 */
import { Writer, type Reader } from '../../base/cursor.js';
import type { Budget } from './budget.js';
import { unreadable } from './refuse.js';
import type { Window } from './window.js';

/** Where a box stands in the source. `type` is its four bytes as Latin-1. */
export interface Box {
  readonly type: string;
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

/** A source with the bounds that hold for it: what every reader of boxes is handed. */
export interface Input {
  readonly window: Window;
  readonly budget: Budget;
}

/** Bytes written anew, in pieces, so that nothing is copied once for each box around it. */
export type Parts = readonly Buffer[];

/**
 * The box at `start`, inside something that ends at `end`. `null` if no box can stand there. A box that claims to go
 * beyond `end` is handed out as it is: only its user knows if that can be borne.
 */
export async function boxAt(input: Input, start: number, end: number): Promise<Box | null> {
  if (end - start < 8) return null;
  input.budget.box();
  await input.window.reach(start, Math.min(16, end - start));
  const size = input.window.uint(start, 4);
  const type = input.window.view(start + 4, 4).toString('latin1');
  if (size === 0) return { type, start, body: start + 8, end };
  if (size >= 8) return { type, start, body: start + 8, end: start + size };
  if (size !== 1 || end - start < 16) return null;
  const large = input.window.uint(start + 8, 4) * 2 ** 32 + input.window.uint(start + 12, 4);
  if (large < 16 || !Number.isSafeInteger(start + large)) return null;
  return { type, start, body: start + 16, end: start + large };
}

/**
 * The boxes inside `box`, from `from` on. What follows the last whole box in it is passed over. A box that is longer
 * than the one around it makes the file unreadable, or ends a lenient walk, which is for what is left out anyway.
 */
export async function* childrenOf(
  input: Input,
  box: Box,
  from = box.body,
  manner: 'strict' | 'lenient' = 'strict',
): AsyncGenerator<Box, void, undefined> {
  for (let at = from; at < box.end;) {
    const child = await boxAt(input, at, box.end);
    if (child === null) return;
    if (child.end > box.end) {
      if (manner === 'lenient') return;
      unreadable('a box is longer than the box around it');
    }
    yield child;
    at = child.end;
  }
}

/** The body of a box, charged to the budget. The caller owns it. */
export async function bodyOf(input: Input, box: Box): Promise<Buffer> {
  const length = box.end - box.body;
  input.budget.tables(length);
  return input.window.copy(box.body, length);
}

/** A box of a body that is in memory already: for the small ones that are loaded whole. */
export interface SmallBox {
  readonly type: string;
  readonly body: Buffer;
}

/** The boxes in `bytes`, in order. Zero bytes behind the last (a terminator in QuickTime files) are passed over. */
export function smallBoxes(bytes: Buffer): SmallBox[] {
  const found: SmallBox[] = [];
  for (let at = 0; bytes.length - at >= 8;) {
    const size = bytes.readUInt32BE(at);
    if (size < 8) break;
    if (size > bytes.length - at) unreadable('a box is longer than the box around it');
    found.push({ type: bytes.toString('latin1', at + 4, at + 8), body: bytes.subarray(at + 8, at + size) });
    at += size;
  }
  return found;
}

/** Version and flags of a full box; the reader stands behind them. */
export function fullHeader(reader: Reader): { readonly version: number; readonly flags: number } {
  const both = reader.u32();
  return { version: both >>> 24, flags: both & 0xffffff };
}

export function sizeOf(parts: Parts): number {
  return parts.reduce((sum, part) => sum + part.length, 0);
}

/** A box around `parts`. The result holds the buffers given; nothing is copied. */
export function box(type: string, ...parts: readonly (Buffer | Parts)[]): Parts {
  const body = parts.flat();
  return [boxHeader(type, sizeOf(body)), ...body];
}

export function fullBox(type: string, version: number, flags: number, ...parts: readonly (Buffer | Parts)[]): Parts {
  return box(
    type,
    fields(4, (out) =>
      out
        .u8(version)
        .u8(flags >>> 16)
        .u16(flags & 0xffff),
    ),
    ...parts,
  );
}

/** The header of a box whose body has `length` bytes: 8 bytes, or 16 if the box would not fit 32 bits. */
export function boxHeader(type: string, length: number): Buffer {
  const name = Buffer.from(type, 'latin1');
  if (length + 8 < 2 ** 32) return fields(8, (out) => out.u32(length + 8).bytes(name));
  return fields(16, (out) =>
    out
      .u32(1)
      .bytes(name)
      .u64(length + 16),
  );
}

/** A buffer of exactly `size` bytes, written field by field. */
export function fields(size: number, write: (out: Writer) => void): Buffer {
  const bytes = Buffer.alloc(size);
  const out = new Writer(bytes);
  write(out);
  if (out.offset !== size) throw new Error(`expected ${size} bytes of fields, got ${out.offset}`);
  return bytes;
}
