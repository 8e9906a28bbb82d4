/**
 * The vault: the secrets S of all live shares in one Buffer of fixed places, outside SQLite and outside V8's heap.
 *
 * What holds, and why: a secret is in one place, which is overwritten the moment its share dies; SQLite keeps copies of
 * deleted bytes in its own memory, which is why it is never shown one. A place is never moved, so there is no second
 * copy but those that `copyOf` hands out.
 */
import { secretBytes, secretCopy, wipe } from '../base/bytes.js';
import { invariant } from '../base/errors.js';

export const SECRET_LENGTH = 32;

export class Vault {
  readonly #places: Buffer;
  readonly #used: Uint8Array;
  readonly #free: number[] = [];

  constructor(places: number) {
    this.#places = secretBytes(places * SECRET_LENGTH);
    this.#used = new Uint8Array(places);
    for (let place = places - 1; place >= 0; place--) this.#free.push(place);
  }

  get size(): number {
    return this.#used.length;
  }

  /** Copies `secret` into a free place and says which. */
  store(secret: Uint8Array): number {
    const place = this.#free.pop();
    invariant(place !== undefined && secret.length === SECRET_LENGTH, 'the vault has a place for each share');
    this.#used[place] = 1;
    this.#places.set(secret, place * SECRET_LENGTH);
    return place;
  }

  /** A copy that the caller wipes. */
  copyOf(place: number): Buffer {
    return secretCopy(this.#at(place));
  }

  /** Overwrites a secret at once; the place stays taken until `free`. */
  wipe(place: number): void {
    wipe(this.#at(place));
  }

  /** Overwrites a secret and gives its place back. */
  free(place: number): void {
    if (this.#used[place] !== 1) return;
    this.wipe(place);
    this.#used[place] = 0;
    this.#free.push(place);
  }

  wipeAll(): void {
    wipe(this.#places);
  }

  /** All places as they lie in memory, for the snapshot. Not a copy: read it, don't keep it. */
  get bytes(): Buffer {
    return this.#places;
  }

  /** Takes over the places of a snapshot, as many or fewer; `taken` says which are in use. The others are wiped. */
  restore(bytes: Uint8Array, taken: Iterable<number>): void {
    invariant(bytes.length <= this.#places.length, 'a vault has at least the places of its snapshot');
    this.#used.fill(0);
    for (const place of taken) this.#used[place] = 1;
    this.#free.length = 0;
    for (let place = this.size - 1; place >= 0; place--) {
      if (this.#used[place] === 1) {
        const start = place * SECRET_LENGTH;
        this.#places.set(bytes.subarray(start, start + SECRET_LENGTH), start);
      } else {
        this.wipe(place);
        this.#free.push(place);
      }
    }
  }

  #at(place: number): Buffer {
    return this.#places.subarray(place * SECRET_LENGTH, (place + 1) * SECRET_LENGTH);
  }
}
