/**
 * Walks GIF's LZW codes without making pixels: to know where the codes of one frame end (GIF89a, appendix F).
 *
 * Only the length of what each code stands for is kept, so the walk costs a table look-up a code. A frame ends with its
 * end code, or where its last pixel is filled: what a decoder reads no further, nobody sees.
 */
import { unreadable } from '../unreadable.js';

const MAX_CODES = 4096;
const MAX_WIDTH = 12;

export class CodeWalk {
  readonly #minimum: number;
  readonly #clear: number;
  readonly #lengths = new Uint32Array(MAX_CODES);
  #pixels: number;
  #width: number;
  #next: number;
  #previous = 0;
  #bits = 0;
  #held = 0;
  #done = false;
  /** Bits of this frame's data that were read, and how many of them are meant. */
  #read = 0;
  #meant = 0;
  /** Width of the end code that is missing; 0 where it isn't. */
  #endWidth = 0;

  /** `minimum` is the LZW minimum code size; `pixels` is what the frame takes. */
  constructor(minimum: number, pixels: number) {
    if (minimum < 1 || minimum > 8) throw unreadable('a wrong code size');
    this.#minimum = minimum;
    this.#clear = 1 << minimum;
    this.#pixels = pixels;
    this.#width = minimum + 1;
    this.#next = this.#clear + 2;
    this.#lengths.fill(1, 0, this.#clear);
  }

  /** Whether the codes have ended; what is fed afterwards is surplus. */
  get isDone(): boolean {
    return this.#done;
  }

  /** Bits from the first on that are meant; behind them nothing counts. */
  get meant(): number {
    return this.#done ? this.#meant : this.#read;
  }

  /** The end code that must be written behind the meant bits; `null` where it is among them. */
  get missingEnd(): { readonly code: number; readonly width: number } | null {
    return this.#endWidth === 0 ? null : { code: this.#clear + 1, width: this.#endWidth };
  }

  feed(bytes: Uint8Array): void {
    let [bits, held] = [this.#bits, this.#held];
    for (const byte of bytes) {
      if (this.#done) break;
      bits |= byte << held;
      held += 8;
      while (held >= this.#width && !this.isDone) {
        const width = this.#width;
        const code = bits & ((1 << width) - 1);
        bits >>>= width;
        held -= width;
        this.#code(code, width);
      }
    }
    [this.#bits, this.#held] = [bits, held];
  }

  #code(code: number, width: number): void {
    if (code === this.#clear + 1) {
      this.#end(width, 0);
      return;
    }
    if (this.#pixels <= 0) {
      // The picture is full and its codes go on: they end here, and an end code is written over the next one.
      this.#end(0, width);
      return;
    }
    this.#read += width;
    if (code === this.#clear) this.#restart();
    else this.#string(code);
  }

  #end(read: number, missing: number): void {
    this.#read += read;
    this.#meant = this.#read;
    this.#endWidth = missing;
    this.#done = true;
  }

  #restart(): void {
    this.#width = this.#minimum + 1;
    this.#next = this.#clear + 2;
    this.#previous = 0;
  }

  #string(code: number): void {
    if (code > this.#next || (code === this.#next && this.#previous === 0)) throw unreadable('a code of no string');
    const length = code === this.#next ? this.#previous + 1 : (this.#lengths[code] ?? 0);
    if (this.#previous > 0 && this.#next < MAX_CODES) {
      this.#lengths[this.#next++] = this.#previous + 1;
      if (this.#next === 1 << this.#width && this.#width < MAX_WIDTH) this.#width++;
    }
    this.#previous = length;
    this.#pixels -= length;
  }
}
