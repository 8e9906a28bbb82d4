/**
 * The chunks that carry one zlib stream, IDAT or fdAT: checked, cut where the stream ends, and planned.
 *
 * Chunks are fed in batches, because encoders that write a chunk per row, or a byte per chunk, would otherwise cost a
 * round trip each. Holds at most one batch of compressed bytes.
 */
import { crc32 } from 'node:zlib';
import { KiB } from '../../base/units.js';
import type { Plan } from '../plan.js';
import { unreadable } from '../unreadable.js';
import type { Window } from '../window.js';
import { planChunk, type Chunk } from './chunk.js';
import { ImageData } from './image-data.js';

const BATCH_BYTES = 256 * KiB;
const BATCH_CHUNKS = 4096;
const NOTHING = Buffer.alloc(0);

/** fcTL and fdAT are numbered in one row; where a chunk falls out the later ones move up. */
export class Sequence {
  #next = 0;

  take(): Buffer {
    const number = Buffer.alloc(4);
    number.writeUInt32BE(this.#next++, 0);
    return number;
  }
}

export class DataChunks {
  readonly type: 'IDAT' | 'fdAT';
  /** Whether bytes behind the end of the stream were left out. */
  hasRemains = false;
  readonly #window: Window;
  readonly #plan: Plan;
  readonly #sequence: Sequence;
  readonly #image: ImageData;
  #batch: { chunk: Chunk; number: Buffer }[] = [];
  #pieces: Buffer[] = [];
  #waiting = 0;
  #fed = 0;

  constructor(type: 'IDAT' | 'fdAT', window: Window, plan: Plan, sequence: Sequence, expected: number) {
    this.type = type;
    this.#window = window;
    this.#plan = plan;
    this.#sequence = sequence;
    this.#image = new ImageData(expected);
  }

  async add(chunk: Chunk): Promise<void> {
    const numbered = this.type === 'fdAT' ? 4 : 0;
    if (chunk.length < numbered) throw unreadable('frame data without a number');
    const number = Buffer.from(await this.#window.bytes(chunk.offset, numbered));
    let crc = crc32(number, crc32(Buffer.from(chunk.type, 'latin1')));
    const end = chunk.offset + chunk.length;
    for (let at = chunk.offset + numbered; at < end;) {
      const piece = Buffer.from((await this.#window.rest(at)).subarray(0, Math.min(end - at, BATCH_BYTES)));
      crc = crc32(piece, crc);
      at += piece.length;
      this.#pieces.push(piece);
      this.#waiting += piece.length;
      // A chunk larger than a batch is fed as it comes; what becomes of it is known only when all of it was.
      if (this.#waiting >= BATCH_BYTES) await this.#feed();
    }
    if ((await this.#window.bytes(end, 4)).readUInt32BE(0) !== crc) throw unreadable('a damaged chunk');
    this.#batch.push({ chunk, number });
    if (this.#waiting >= BATCH_BYTES || this.#batch.length >= BATCH_CHUNKS) await this.#settle();
  }

  async finish(): Promise<void> {
    await this.#settle();
    await this.#image.finish();
  }

  close(): void {
    this.#image.close();
  }

  async #feed(): Promise<void> {
    const bytes = this.#pieces.length === 1 ? (this.#pieces[0] ?? NOTHING) : Buffer.concat(this.#pieces);
    if (bytes.length > 0) await this.#image.write(bytes);
    bytes.fill(0);
    for (const piece of this.#pieces) piece.fill(0);
    this.#pieces = [];
    this.#waiting = 0;
  }

  async #settle(): Promise<void> {
    await this.#feed();
    const consumed = this.#image.consumed ?? Infinity;
    for (const { chunk, number } of this.#batch) {
      const length = chunk.length - number.length;
      const kept = Math.max(0, Math.min(length, consumed - this.#fed));
      if (kept < length) this.hasRemains = true;
      if (kept > 0) await this.#emit(chunk, number, kept);
      this.#fed += length;
    }
    this.#batch = [];
  }

  async #emit(chunk: Chunk, number: Buffer, kept: number): Promise<void> {
    const renumbered = this.type === 'fdAT' ? this.#sequence.take() : NOTHING;
    if (kept === chunk.length - number.length && renumbered.equals(number)) {
      this.#plan.copy(chunk.at, chunk.end - chunk.at);
    } else {
      await planChunk(this.#plan, this.#window, chunk.type, renumbered, chunk.offset + number.length, kept);
    }
  }
}
