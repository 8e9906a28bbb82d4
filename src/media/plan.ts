/**
 * A scrubbed file as a plan over its source: an ordered list of spans to copy and of bytes that are written anew.
 *
 * Nothing of the file is held but the bytes written anew, so a plan for a video of any size is small, its exact length
 * is known before the first byte is sealed, and the result can be read at any offset like the source itself. That is
 * also how a result is proved clean: the same scrubber reads it again and must find nothing to do.
 */
import { readInto, type ByteSource } from '../base/source.js';

export type Piece =
  | { readonly kind: 'copy'; readonly offset: number; readonly length: number }
  | { readonly kind: 'bytes'; readonly bytes: Buffer };

/** Collects pieces in output order. Neighbouring copies are merged, so copying a file box by box costs one piece. */
export class Plan {
  readonly #pieces: Piece[] = [];
  #size = 0;

  /** Bytes of the result. */
  get size(): number {
    return this.#size;
  }

  get pieces(): readonly Piece[] {
    return this.#pieces;
  }

  /** Copies `length` bytes that stand at `offset` in the source. */
  copy(offset: number, length: number): this {
    if (length === 0) return this;
    const last = this.#pieces.at(-1);
    if (last?.kind === 'copy' && last.offset + last.length === offset) {
      this.#pieces[this.#pieces.length - 1] = { kind: 'copy', offset: last.offset, length: last.length + length };
    } else {
      this.#pieces.push({ kind: 'copy', offset, length });
    }
    this.#size += length;
    return this;
  }

  /** Writes `bytes` anew. The plan keeps the buffer; the caller must not change it afterwards. */
  bytes(bytes: Buffer): this {
    if (bytes.length === 0) return this;
    this.#pieces.push({ kind: 'bytes', bytes });
    this.#size += bytes.length;
    return this;
  }
}

/** The result of `plan` over `source`, readable at any offset. Reads as much of the source as is asked of it, no more. */
export function planned(source: ByteSource, plan: Plan): ByteSource {
  const pieces = plan.pieces;
  const starts = new Float64Array(pieces.length);
  let total = 0;
  for (const [index, piece] of pieces.entries()) {
    starts[index] = total;
    total += lengthOf(piece);
  }
  const fill = async (offset: number, out: Buffer): Promise<void> => {
    let at = 0;
    for (let index = pieceAt(starts, offset); at < out.length; index++) {
      const piece = pieces[index];
      if (piece === undefined) throw new Error('plan ended before its size');
      const skip = offset + at - (starts[index] ?? 0);
      const take = Math.min(lengthOf(piece) - skip, out.length - at);
      if (piece.kind === 'bytes') piece.bytes.copy(out, at, skip, skip + take);
      else await copyInto(source, piece.offset + skip, out.subarray(at, at + take));
      at += take;
    }
  };
  return {
    size: plan.size,
    async read(offset, length) {
      const out = Buffer.from(new ArrayBuffer(Math.max(0, Math.min(length, plan.size - offset))));
      await fill(offset, out);
      return out;
    },
    async readInto(offset, out) {
      const wanted = Math.max(0, Math.min(out.length, plan.size - offset));
      await fill(offset, out.subarray(0, wanted));
      return wanted;
    },
  };
}

function lengthOf(piece: Piece): number {
  return piece.kind === 'bytes' ? piece.bytes.length : piece.length;
}

/** Index of the last start that is not after `offset`. */
function pieceAt(starts: Float64Array, offset: number): number {
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if ((starts[middle] ?? Infinity) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

async function copyInto(source: ByteSource, offset: number, out: Buffer): Promise<void> {
  if ((await readInto(source, offset, out)) < out.length) throw new Error('source ended inside a planned copy');
}
