/**
 * Reading a source in a row through one window: at most one piece of it is in memory; the next one is written over it,
 * and the last one is wiped. Pieces grow from 64 to 256 KiB while reading goes straight on, so a small file costs one
 * read and a large one few.
 *
 * What is handed out are views into the window: they hold until the next call and no longer. Copy what must stay.
 */
import { giveBack } from '../base/bytes.js';
import { readInto, type ByteSource } from '../base/source.js';
import { KiB } from '../base/units.js';
import { unreadable } from './unreadable.js';

const FIRST_PIECE = 64 * KiB;
const LAST_PIECE = 256 * KiB;
const EMPTY = Buffer.alloc(0);

export class Window {
  readonly #source: ByteSource;
  /** What is held is a part of this, which is used again and again. */
  #room: Buffer = EMPTY;
  #bytes: Buffer = EMPTY;
  #start = 0;
  #piece = FIRST_PIECE;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get size(): number {
    return this.#source.size;
  }

  /** Exactly `length` bytes at `offset`; a file that ends before them is unreadable. */
  async bytes(offset: number, length: number): Promise<Buffer> {
    if (offset + length > this.size) throw unreadable('it ends before its own lengths say so');
    return this.upTo(offset, length);
  }

  /** `length` bytes at `offset`, fewer where the file ends. */
  async upTo(offset: number, length: number): Promise<Buffer> {
    const wanted = Math.max(0, Math.min(length, this.size - offset));
    if (!this.#holds(offset, wanted)) await this.#load(offset, wanted);
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + wanted);
  }

  /** As many bytes from `offset` on as are at hand: at least one, or none at the end of the file. */
  async rest(offset: number): Promise<Buffer> {
    if (offset >= this.size) return EMPTY;
    if (!this.#holds(offset, 1)) await this.#load(offset, 1);
    return this.#bytes.subarray(offset - this.#start);
  }

  /** Wipes what is held. */
  close(): void {
    this.#room.fill(0);
    giveBack(this.#room);
    this.#room = this.#bytes = EMPTY;
  }

  #holds(offset: number, length: number): boolean {
    return offset >= this.#start && offset + length <= this.#start + this.#bytes.length;
  }

  async #load(offset: number, length: number): Promise<void> {
    const straightOn = this.#bytes.length > 0 && offset <= this.#start + this.#bytes.length && offset >= this.#start;
    this.#piece = straightOn ? Math.min(this.#piece * 4, LAST_PIECE) : FIRST_PIECE;
    const wanted = Math.min(Math.max(length, this.#piece), this.size - offset);
    this.#bytes = EMPTY;
    if (this.#room.length < wanted) {
      this.#room.fill(0);
      this.#room = Buffer.from(new ArrayBuffer(wanted));
    }
    const came = await readInto(this.#source, offset, this.#room.subarray(0, wanted));
    if (came < Math.min(length, this.size - offset)) throw new Error('source ended before its size');
    this.#bytes = this.#room.subarray(0, came);
    this.#start = offset;
  }
}
