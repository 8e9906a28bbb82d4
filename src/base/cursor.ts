/**
 * Bounds-checked reading and writing of fixed layouts, field by field from top to bottom as the format document has them.
 * All integers are big-endian unless the name says otherwise.
 */

/** Thrown when a layout asks for more than there is. Parsers of foreign data turn it into a refusal at their border. */
export class CursorError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CursorError';
  }
}

export class Reader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.#bytes.length - this.#offset;
  }

  /** The next `length` bytes, without copying. */
  bytes(length: number): Buffer {
    return this.#bytes.subarray(this.#advance(length), this.#offset);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  u16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  u32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  /** An unsigned 64-bit integer that a double holds exactly; larger ones are an error. */
  u64(): number {
    const value = this.#bytes.readBigUInt64BE(this.#advance(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new CursorError('u64 is larger than 2^53 - 1');
    return Number(value);
  }

  #advance(length: number): number {
    if (length < 0 || length > this.remaining) {
      throw new CursorError(`expected ${length} more bytes, got ${this.remaining}`);
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}

/** Writes into a buffer that the caller made, owns and wipes. */
export class Writer {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get offset(): number {
    return this.#offset;
  }

  bytes(value: Uint8Array): this {
    this.#bytes.set(value, this.#advance(value.length));
    return this;
  }

  u8(value: number): this {
    this.#bytes.writeUInt8(value, this.#advance(1));
    return this;
  }

  u16(value: number): this {
    this.#bytes.writeUInt16BE(value, this.#advance(2));
    return this;
  }

  u32(value: number): this {
    this.#bytes.writeUInt32BE(value, this.#advance(4));
    return this;
  }

  u64(value: number): this {
    this.#bytes.writeBigUInt64BE(BigInt(value), this.#advance(8));
    return this;
  }

  #advance(length: number): number {
    if (length > this.#bytes.length - this.#offset) {
      throw new CursorError(`no room for ${length} bytes, ${this.#bytes.length - this.#offset} left`);
    }
    const at = this.#offset;
    this.#offset += length;
    return at;
  }
}
