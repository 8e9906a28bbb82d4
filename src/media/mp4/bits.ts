/** Bits from the highest down, as H.264 and AAC write them. */
import { CursorError } from '../../base/cursor.js';

export class BitReader {
  readonly #bytes: Buffer;
  #at: number;

  /** Starts at bit `at` of `bytes`. */
  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** Bits behind the start of the buffer. */
  get position(): number {
    return this.#at;
  }

  get remaining(): number {
    return this.#bytes.length * 8 - this.#at;
  }

  /** `count` bits, at most 32, as an unsigned number. */
  bits(count: number): number {
    if (count > this.remaining) throw new CursorError(`expected ${count} more bits, got ${this.remaining}`);
    let value = 0;
    for (let done = 0; done < count; done++, this.#at++) {
      const byte = this.#bytes[this.#at >>> 3] ?? 0;
      value = value * 2 + ((byte >>> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  /** The next `count` bits without taking them. */
  peek(count: number): number {
    const at = this.#at;
    const value = this.bits(count);
    this.#at = at;
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  skip(count: number): void {
    if (count < 0 || count > this.remaining) {
      throw new CursorError(`expected ${count} more bits, got ${this.remaining}`);
    }
    this.#at += count;
  }

  /** Goes to the next byte's first bit, unless it stands on one. */
  align(): void {
    this.skip(-this.#at & 7);
  }

  /** An unsigned Exp-Golomb code (H.264, section 9.1). */
  ue(): number {
    let zeros = 0;
    while (!this.flag()) {
      if (++zeros > 32) throw new CursorError('expected an Exp-Golomb code of at most 65 bits');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }
}

export class BitWriter {
  readonly #bytes: number[] = [];
  #bits = 0;

  get position(): number {
    return this.#bits;
  }

  bits(value: number, count: number): this {
    for (let left = count - 1; left >= 0; left--) {
      if ((this.#bits & 7) === 0) this.#bytes.push(0);
      const bit = Math.floor(value / 2 ** left) & 1;
      this.#bytes[this.#bytes.length - 1] = (this.#bytes.at(-1) ?? 0) | (bit << (7 - (this.#bits & 7)));
      this.#bits++;
    }
    return this;
  }

  align(): this {
    return this.bits(0, -this.#bits & 7);
  }

  /** What was written, filled up to a whole byte with zeros. */
  take(): Buffer {
    return Buffer.from(this.#bytes);
  }
}
