/**
 * Seals a stream into units of the store, block by block: one block is written while the next is sealed. At most two
 * blocks of ciphertext and one chunk of plaintext are held, whatever the length.
 */
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { StreamSealer } from '../crypto/stream.js';
import type { Arena, Hold } from '../store/arena.js';

const BLOCK_BYTES = 256 * 1024;

export class SealedWriter {
  readonly #arena: Arena;
  readonly #hold: Hold;
  readonly #sealer: StreamSealer;
  #block: Buffer[] = [];
  #blockLength = 0;
  #offset = 0;
  #writing: Promise<void> = Promise.resolve();

  /** Writes from the beginning of `hold`, which grows as needed and stays the caller's, as `key` does. */
  constructor(arena: Arena, hold: Hold, key: Uint8Array, context: string) {
    this.#arena = arena;
    this.#hold = hold;
    this.#sealer = new StreamSealer(key, context);
    this.#push(this.#sealer.header);
  }

  /** Adds plaintext, which is only read. Refuses with 'store-full' when the hold can't grow. */
  async add(piece: Uint8Array): Promise<void> {
    this.#push(this.#sealer.update(piece));
    if (this.#blockLength >= BLOCK_BYTES) await this.#flush();
  }

  /** Ends the stream; resolves with its sealed length when all of it is written (not synced). */
  async end(): Promise<number> {
    this.#push(this.#sealer.final());
    await this.#flush();
    await this.#writing;
    return this.#offset;
  }

  /** Wipes the keys, and resolves when no write of this stream touches the units any more. Safe after `end`. */
  async abandon(): Promise<void> {
    this.#sealer.destroy();
    await this.#writing.catch(() => undefined);
  }

  #push(bytes: Buffer): void {
    this.#block.push(bytes);
    this.#blockLength += bytes.length;
  }

  async #flush(): Promise<void> {
    const block = Buffer.concat(this.#block, this.#blockLength);
    const offset = this.#offset;
    this.#block = [];
    this.#blockLength = 0;
    this.#offset += block.length;
    const missing = Math.ceil(this.#offset / this.#arena.unitBytes) - this.#hold.units.length;
    if (missing > 0 && !this.#hold.grow(missing)) throw new Refusal('store-full', 'the store is full');
    await this.#writing;
    this.#writing = this.#arena.write(this.#hold.units, offset, block);
    // A failure is met at the next block or at the end; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }
}

/** The first `size` bytes of held units, as a source. */
export function heldSource(arena: Arena, hold: Pick<Hold, 'units'>, size: number): ByteSource {
  return {
    size,
    read: (offset, length) => arena.read(hold.units, offset, Math.max(0, Math.min(length, size - offset))),
  };
}
