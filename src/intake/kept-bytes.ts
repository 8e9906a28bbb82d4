/**
 * Bytes of an upload that wait in memory, in slabs that are wiped after it and used for the next: what is held is hardly more
 * than what was sent, however it was cut, and memory that is warm costs neither page faults nor collections.
 *
 * What holds: they are read at any offset until `release`, which wipes them; after it reading throws. Slabs that nobody uses
 * are given back by `giveBackSlabs`, which is called when it is quiet, and when others want the memory.
 */
import { giveBack, secretBytes, wipe } from '../base/bytes.js';
import { invariant } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { KiB } from '../base/units.js';

const SLAB = 256 * KiB;
/** Wiped. */
const spare: Buffer[] = [];

/** Bytes of memory that an upload of at most `most` bytes takes. */
export function memoryFor(most: number): number {
  return most < SLAB ? most : Math.ceil(most / SLAB) * SLAB;
}

export class KeptBytes {
  readonly #most: number;
  readonly #slabs: Buffer[] = [];
  #size = 0;
  #released = false;

  /** Holds `most` bytes. Where that is less than a slab, it is all that is taken for it. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Copies `piece`, which is then wiped and given back. */
  add(piece: Buffer): void {
    invariant(this.#size + piece.length <= this.#most, 'no more of an upload comes than was said');
    for (let from = 0; from < piece.length;) {
      const at = this.#size % SLAB;
      if (at === 0) this.#slabs.push(this.#most < SLAB ? secretBytes(this.#most) : (spare.pop() ?? secretBytes(SLAB)));
      const taken = piece.copy(this.#slabs.at(-1) ?? piece, at, from);
      from += taken;
      this.#size += taken;
    }
    done(piece);
  }

  /** Hands all of it out in order for the last time: each part is wiped when the next is asked for. */
  *drain(): Generator<Buffer, void, undefined> {
    for (let left = this.#size; left > 0; left -= SLAB) {
      const [slab] = this.#slabs;
      if (slab === undefined) throw new Error('an upload ended before its size');
      yield slab.subarray(0, Math.min(SLAB, left));
      this.#slabs.shift();
      done(slab);
    }
    this.release();
  }

  /** Reads them as they are now. */
  source(): ByteSource {
    const size = this.#size;
    const fill = (offset: number, out: Buffer): number => {
      if (this.#released) throw new Error('an upload is read after its release');
      for (let at = 0; at < out.length;) {
        const slab = this.#slabs[Math.floor((offset + at) / SLAB)];
        if (slab === undefined) throw new Error('an upload ended before its size');
        at += slab.copy(out, at, (offset + at) % SLAB);
      }
      return out.length;
    };
    const within = (offset: number, length: number): number => Math.max(0, Math.min(length, size - offset));
    return {
      size,
      read: (offset, length) => {
        const out = secretBytes(within(offset, length));
        return settled(() => {
          fill(offset, out);
          return out;
        });
      },
      readInto: (offset, out) => settled(() => fill(offset, out.subarray(0, within(offset, out.length)))),
    };
  }

  /** Safe to call twice. */
  release(): void {
    this.#released = true;
    const slabs = this.#slabs.splice(0);
    wipe(...slabs);
    if (this.#most < SLAB) slabs.forEach(giveBack);
    else spare.push(...slabs);
  }
}

/** Gives the slabs back that nobody uses. */
export function giveBackSlabs(): void {
  for (const slab of spare.splice(0)) giveBack(slab);
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
