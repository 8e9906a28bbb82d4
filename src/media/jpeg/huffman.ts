/** Huffman tables for look-up, and a reader of the bits of a scan (ITU-T T.81, F.2.2.3 and F.2.2.5). */

/** For each sixteen bits that can come: the code's length in the high byte, its symbol in the low one; 0 for no code. */
export type Lookup = Uint16Array;

/** Builds the look-up of the table that stands at the beginning of `table`: kind(1), counts(16), symbols. */
function lookupOf(table: Buffer): Lookup {
  const lookup = new Uint16Array(1 << 16);
  let [code, symbol] = [0, 17];
  for (let length = 1; length <= 16; length++) {
    for (let count = table[length] ?? 0; count > 0; count--, symbol++) {
      const from = code << (16 - length);
      lookup.fill((length << 8) | (table[symbol] ?? 0), from, from + (1 << (16 - length)));
      code++;
    }
    code <<= 1;
  }
  return lookup;
}

/** The tables that are in force, by slot. A look-up is made when a scan first asks for it. */
export class HuffmanTables {
  readonly #tables = new Map<string, Buffer>();
  readonly #lookups = new Map<string, Lookup>();

  /** Fills a slot; a scan that comes later reads the new table. */
  define(slot: string, table: Buffer): void {
    this.#tables.set(slot, Buffer.from(table));
    this.#lookups.delete(slot);
  }

  /** `null` for a slot that was never filled. */
  lookup(slot: string): Lookup | null {
    const table = this.#tables.get(slot);
    if (table === undefined) return null;
    const lookup = this.#lookups.get(slot) ?? lookupOf(table);
    this.#lookups.set(slot, lookup);
    return lookup;
  }
}

/**
 * Bits of a scan from one buffer, stuffed zeros taken out. At a marker, or at the end of the buffer, it gives zeros and
 * remembers that: `isShort` says whether more was read than there was.
 */
export class ScanBits {
  #bytes: Buffer;
  #at: number;
  #bits = 0;
  #held = 0;
  /** Zeros given out for want of data. */
  #made = 0;

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes;
    this.#at = at;
  }

  get isShort(): boolean {
    return this.#held < this.#made;
  }

  /** Bytes of the buffer that were read, without those that were only looked at. */
  get position(): number {
    let at = this.#at;
    for (let whole = (this.#held - this.#made) >> 3; whole > 0; whole--) {
      at -= at >= 2 && this.#bytes[at - 1] === 0 && this.#bytes[at - 2] === 0xff ? 2 : 1;
    }
    return at;
  }

  /** Goes on in another buffer, at a byte that follows those already taken in. */
  moveTo(bytes: Buffer, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
  }

  /** The byte after those taken in, which is where `moveTo` must go on. */
  get taken(): number {
    return this.#at;
  }

  /** Forgets what is left of the current byte and of anything looked at. */
  restart(at: number): void {
    [this.#at, this.#bits, this.#held, this.#made] = [at, 0, 0, 0];
  }

  /** The symbol of the next code, or -1 where no code begins so. */
  symbol(lookup: Lookup): number {
    if (this.#held < 16) this.#fill();
    const found = lookup[(this.#bits >>> (this.#held - 16)) & 0xffff] ?? 0;
    if (found === 0) return -1;
    this.#held -= found >> 8;
    return found & 0xff;
  }

  /** Passes over `count` bits, at most 16. */
  skip(count: number): void {
    if (this.#held < count) this.#fill();
    this.#held -= count;
  }

  /** The number that the next `count` bits give, at most 16. */
  take(count: number): number {
    if (this.#held < count) this.#fill();
    this.#held -= count;
    return (this.#bits >>> this.#held) & ((1 << count) - 1);
  }

  #fill(): void {
    while (this.#held <= 16) {
      let byte = this.#bytes[this.#at] ?? -1;
      if (byte === 0xff && this.#bytes[this.#at + 1] !== 0) byte = -1;
      if (byte < 0) this.#made += 8;
      else this.#at += byte === 0xff ? 2 : 1;
      this.#bits = (this.#bits << 8) | Math.max(0, byte);
      this.#held += 8;
    }
  }
}
