/** The data of a scan as the walk takes them: bits from a piece of the file, then from the next. */
import { KiB } from '../../base/units.js';
import type { Window } from '../window.js';
import { ScanBits } from './huffman.js';
import { isRestart } from './marker.js';

/** Pieces of a scan that are in memory at a time; no group of blocks takes more than the reserve. */
const PIECE = 256 * KiB;
const RESERVE = 16 * KiB;
/** Bytes before the next one that may have been looked at only. */
const LOOKED_AT = 8;

/** The data of one scan, a piece at a time. Pieces are copies, because the window moves on while a piece is in use. */
export class ScanData {
  readonly #window: Window;
  readonly #limit: number;
  #base = 0;
  #bytes: Buffer = Buffer.alloc(0);
  bits = new ScanBits(Buffer.alloc(0), 0);

  constructor(window: Window, limit: number) {
    this.#window = window;
    this.#limit = limit;
  }

  async begin(start: number): Promise<void> {
    await this.#load(start);
    this.bits = new ScanBits(this.#bytes, 0);
  }

  /** Whether the next group may not be here as a whole. */
  get runsLow(): boolean {
    return this.bits.taken > this.#bytes.length - RESERVE && this.#base + this.#bytes.length < this.#limit;
  }

  async goOn(): Promise<void> {
    await this.#load(this.#base + this.bits.taken - LOOKED_AT);
    this.bits.moveTo(this.#bytes, LOOKED_AT);
  }

  /** Where in the file the next byte stands that was not read. */
  get position(): number {
    return this.#base + this.bits.position;
  }

  /** Passes a restart marker, and fill bytes before it. */
  passRestart(): boolean {
    let at = this.bits.position;
    while (this.#bytes[at] === 0xff && this.#bytes[at + 1] === 0xff) at++;
    if (this.#bytes[at] !== 0xff || !isRestart(this.#bytes[at + 1] ?? 0)) return false;
    this.bits.restart(at + 2);
    return true;
  }

  async #load(at: number): Promise<void> {
    this.#base = at;
    this.#bytes = Buffer.from(await this.#window.upTo(at, Math.min(PIECE, this.#limit - at)));
  }
}
