/**
 * Seals a stream into units of the store, block by block: one block is written while the next is sealed, straight into the
 * memory that is written. Two blocks of ciphertext and one chunk of plaintext are held, whatever the length.
 */
import { giveBack } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { CHUNK_LENGTH, SEALED_CHUNK_LENGTH, StreamSealer } from '../crypto/stream.js';
import type { Arena, Hold } from '../store/arena.js';

/** As long as a unit of the product's store, and written at multiples of it: one write a unit. */
const BLOCK_BYTES = 256 * 1024;
/** Chunks do not end where blocks do: the one that reaches over is carried into the next block. */
const BLOCK_ROOM = BLOCK_BYTES + SEALED_CHUNK_LENGTH;
/** A block begins small, since most notes are, and is made larger as it fills. */
const FIRST_ROOM = 2 * SEALED_CHUNK_LENGTH;
const GROWTH = 4;

export class SealedWriter {
  readonly #arena: Arena;
  readonly #hold: Hold;
  readonly #sealer: StreamSealer;
  #block = newBlock(FIRST_ROOM);
  #blockLength = 0;
  /** The block that is being written or was written last. */
  #other: Buffer | null = null;
  #offset = 0;
  #writing: Promise<void> = Promise.resolve();

  /** Writes from the beginning of `hold`, which grows as needed and stays the caller's, as `key` does. */
  constructor(arena: Arena, hold: Hold, key: Uint8Array, context: string) {
    this.#arena = arena;
    this.#hold = hold;
    this.#sealer = new StreamSealer(key, context);
    this.#append(this.#sealer.header);
  }

  /** Adds plaintext, which is only read. Refuses with 'store-full' when the hold can't grow. */
  async add(piece: Uint8Array): Promise<void> {
    for (let from = 0; from < piece.length;) {
      this.#makeRoom();
      const chunks = Math.floor((this.#block.length - this.#blockLength) / SEALED_CHUNK_LENGTH);
      const next = piece.subarray(from, from + chunks * CHUNK_LENGTH);
      this.#blockLength += this.#sealer.updateInto(this.#block, this.#blockLength, next);
      from += next.length;
      if (this.#blockLength >= BLOCK_BYTES) await this.#flush(BLOCK_BYTES);
    }
  }

  /** Ends the stream; resolves with its sealed length when all of it is written (not synced). */
  async end(): Promise<number> {
    this.#makeRoom();
    this.#append(this.#sealer.final());
    await this.#flush(this.#blockLength);
    await this.#writing;
    this.#giveBlocksBack();
    return this.#offset;
  }

  /** Wipes the keys, and resolves when no write of this stream touches the units any more. Safe after `end`. */
  async abandon(): Promise<void> {
    this.#sealer.destroy();
    await this.#writing.catch(() => undefined);
    this.#giveBlocksBack();
  }

  /** Nothing is written any more. What keeps this writer must not keep its blocks: hundreds do in a flood of forms. */
  #giveBlocksBack(): void {
    giveBack(this.#block);
    if (this.#other !== null) giveBack(this.#other);
    this.#other = null;
  }

  /** Sees to it that one more sealed chunk fits. */
  #makeRoom(): void {
    if (this.#block.length - this.#blockLength >= SEALED_CHUNK_LENGTH) return;
    const smaller = this.#block;
    this.#block = newBlock(Math.min(GROWTH * smaller.length, BLOCK_ROOM));
    smaller.copy(this.#block, 0, 0, this.#blockLength);
    giveBack(smaller);
  }

  #append(bytes: Buffer): void {
    bytes.copy(this.#block, this.#blockLength);
    this.#blockLength += bytes.length;
  }

  /** Begins to write the first `count` bytes of the block, once the one before is written, and goes on in the other. */
  async #flush(count: number): Promise<void> {
    const offset = this.#offset;
    this.#offset += count;
    const missing = Math.ceil(this.#offset / this.#arena.unitBytes) - this.#hold.units.length;
    if (missing > 0 && !this.#hold.grow(missing)) throw new Refusal('store-full', 'the store is full');
    await this.#writing;
    const block = this.#block;
    this.#blockLength -= count;
    if (count === BLOCK_BYTES) this.#goOnIn(this.#other ?? newBlock(BLOCK_ROOM));
    this.#writing = this.#arena.write(this.#hold.units, offset, block.subarray(0, count));
    // A failure is met at the next block or at the end; until then it must not count as unhandled.
    this.#writing.catch(() => undefined);
  }

  /** Carries over what lies behind the bytes of the block that is full, and keeps that one for the time after. */
  #goOnIn(next: Buffer): void {
    this.#block.copy(next, 0, BLOCK_BYTES, BLOCK_BYTES + this.#blockLength);
    this.#other = this.#block;
    this.#block = next;
  }
}

function newBlock(length: number): Buffer {
  return Buffer.from(new ArrayBuffer(length));
}
