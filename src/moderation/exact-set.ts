/** A set of digests of one length: sorted bytes and a binary search. As large as the digests themselves. */
import { invariant } from '../base/errors.js';

export class ExactSet {
  readonly #sorted: Buffer;
  readonly #length: number;

  /** `sorted` holds digests of `length` bytes in ascending order, each once; it is kept, not copied. */
  constructor(sorted: Buffer, length: number) {
    invariant(sorted.length % length === 0, 'a list of digests has whole digests');
    this.#sorted = sorted;
    this.#length = length;
  }

  get size(): number {
    return this.#sorted.length / this.#length;
  }

  has(digest: Uint8Array): boolean {
    if (digest.length !== this.#length) return false;
    let low = 0;
    let high = this.size;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = middle * this.#length;
      const order = this.#sorted.compare(digest, 0, this.#length, at, at + this.#length);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }
}
