/**
 * Bytes of an upload that wait in memory, in the pieces in which they came: a large piece is kept as it is and never copied,
 * small ones are put together, so that what is held is hardly more than what was sent, however it was cut.
 *
 * What holds: they are read at any offset until `release`, which wipes them and gives their memory back; after it reading throws.
 */
import { giveBack, secretBytes, wipe } from '../base/bytes.js';
import type { ByteSource } from '../base/source.js';
import { KiB } from '../base/units.js';

/** Shorter pieces are copied. */
const LARGE = 16 * KiB;
const SLAB = 64 * KiB;
/** So much of the memory that a piece keeps alive must be the piece itself. */
const LEAST_PART = 0.75;

export class KeptPieces {
  readonly #pieces: Buffer[] = [];
  /** Where each piece begins. */
  readonly #starts: number[] = [];
  /** What small pieces are copied into, the last of which has room left. */
  readonly #slabs: Buffer[] = [];
  #room: Buffer = Buffer.alloc(0);
  #size = 0;
  #released = false;

  get size(): number {
    return this.#size;
  }

  /** Takes `piece` over: it must not be used by anybody else from now on. */
  add(piece: Buffer): void {
    if (piece.length >= LARGE && piece.length >= LEAST_PART * piece.buffer.byteLength) {
      this.#append(piece);
      return;
    }
    for (let at = 0; at < piece.length;) {
      if (this.#room.length === 0) {
        this.#room = secretBytes(SLAB);
        this.#slabs.push(this.#room);
      }
      const taken = piece.copy(this.#room, 0, at);
      this.#extend(this.#room.subarray(0, taken));
      this.#room = this.#room.subarray(taken);
      at += taken;
    }
    done(piece);
  }

  /** Hands out the pieces in order for the last time: each is wiped when the next is asked for. */
  *drain(): Generator<Buffer, void, undefined> {
    for (const piece of this.#pieces) {
      yield piece;
      done(piece);
    }
    this.release();
  }

  /** Reads them as they are now. */
  source(): ByteSource {
    const size = this.#size;
    const fill = (offset: number, out: Buffer): number => {
      if (this.#released) throw new Error('an upload is read after its release');
      const wanted = Math.max(0, Math.min(out.length, size - offset));
      for (let done = 0, index = this.#pieceAt(offset); done < wanted; index++) {
        const piece = this.#pieces[index];
        if (piece === undefined) throw new Error('an upload ended before its size');
        done += piece.copy(out, done, offset + done - (this.#starts[index] ?? 0), piece.length);
      }
      return wanted;
    };
    return {
      size,
      read: (offset, length) => {
        const out = secretBytes(Math.max(0, Math.min(length, size - offset)));
        return settled(() => {
          fill(offset, out);
          return out;
        });
      },
      readInto: (offset, out) => settled(() => fill(offset, out)),
    };
  }

  /** Safe to call twice. */
  release(): void {
    this.#released = true;
    for (const piece of this.#pieces.splice(0)) done(piece);
    for (const slab of this.#slabs.splice(0)) done(slab);
  }

  #append(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#starts.push(this.#size);
    this.#size += piece.length;
  }

  /** Appends `copied` to the last piece where it stands right behind it: millions of bytes may come one by one. */
  #extend(copied: Buffer): void {
    const last = this.#pieces.at(-1);
    if (last?.buffer !== copied.buffer) {
      this.#append(copied);
      return;
    }
    this.#pieces[this.#pieces.length - 1] = Buffer.from(last.buffer, last.byteOffset, last.length + copied.length);
    this.#size += copied.length;
  }

  /** Index of the last piece that does not begin after `offset`. */
  #pieceAt(offset: number): number {
    let low = 0;
    let high = this.#starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#starts[middle] ?? Infinity) <= offset) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}

/** Nobody reads `piece` any more. Safe to call twice. */
export function done(piece: Buffer): void {
  if (piece.length === 0) return;
  wipe(piece);
  giveBack(piece);
}

/** What `work` gives or throws, as a promise. */
async function settled<T>(work: () => T): Promise<T> {
  return Promise.resolve(work());
}
