/**
 * A window of the source that moves over it. Headers and the beginnings of samples are looked at here, so that a walk in
 * file order reads the source in large pieces, once, and holds no more than one of them; or, where what is looked at
 * stands far apart, as in films of phones, in small pieces, and most of it not at all.
 */
import { giveBack } from '../../base/bytes.js';
import { KiB } from '../../base/units.js';
import { readInto, type ByteSource } from '../../base/source.js';
import { unreadable } from './refuse.js';

/** Bytes that the window holds; nothing longer can be looked at in one piece. */
export const WINDOW = 256 * KiB;
/** What is read where a whole window would be looked at in a few places only, that far apart from each other. */
const GLANCE = 4 * KiB;
const FEW = 5;
const NOTHING = Buffer.alloc(0);

export class Window {
  readonly #source: ByteSource;
  /** What is held is a part of this, which is used again and again. */
  #room: Buffer = NOTHING;
  #bytes: Buffer = NOTHING;
  #start = 0;
  /** In how many places it was looked at since it was moved. */
  #places = FEW;
  /** Where the last look ended. */
  #looked = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  get size(): number {
    return this.#source.size;
  }

  holds(offset: number, length: number): boolean {
    return offset >= this.#start && offset + length <= this.#start + this.#bytes.length;
  }

  /** Moves the window so that it holds `length` bytes at `offset`; hardly more than a no-op if it does already. */
  async reach(offset: number, length: number): Promise<void> {
    if (offset > this.#looked + GLANCE) this.#places++;
    this.#looked = offset + length;
    if (this.holds(offset, length)) return;
    if (offset < 0 || offset + length > this.size) unreadable('something lies outside the file');
    const wanted = Math.max(length, Math.min(this.#next(offset), this.size - offset));
    this.#places = 1;
    this.#bytes = this.#bytes.subarray(0, 0);
    if (this.#room.length < wanted) {
      this.#room.fill(0);
      this.#room = Buffer.from(new ArrayBuffer(wanted));
    }
    const came = await readInto(this.#source, offset, this.#room.subarray(0, wanted));
    this.#bytes = this.#room.subarray(0, came);
    this.#start = offset;
    if (came < length) throw new Error('source ended before its size');
  }

  /** How much to read at `offset`: a whole window where the last one was looked at in many places, or ended near here. */
  #next(offset: number): number {
    const end = this.#start + this.#bytes.length;
    const goesOn = offset >= this.#start && offset <= end + 2 * GLANCE;
    return this.#bytes.length > GLANCE ? (this.#places > FEW ? WINDOW : GLANCE) : goesOn ? WINDOW : GLANCE;
  }

  /** A view of bytes that the window holds. It is gone at the next `reach`. */
  view(offset: number, length: number): Buffer {
    return this.#bytes.subarray(offset - this.#start, offset - this.#start + length);
  }

  /** An unsigned big-endian integer of 1 to 4 bytes that the window holds. */
  uint(offset: number, length: number): number {
    return this.#bytes.readUIntBE(offset - this.#start, length);
  }

  /** A copy of `length` bytes at `offset`, of any length, without moving the window. The caller owns it. */
  async copy(offset: number, length: number): Promise<Buffer> {
    if (this.holds(offset, length)) return Buffer.from(this.view(offset, length));
    if (offset < 0 || offset + length > this.size) unreadable('something lies outside the file');
    const bytes = await this.#source.read(offset, length);
    if (bytes.length < length) throw new Error('source ended before its size');
    return bytes;
  }

  /** Wipes what the window holds. It may be moved again afterwards. */
  close(): void {
    this.#room.fill(0);
    giveBack(this.#room);
    this.#room = this.#bytes = NOTHING;
  }
}
