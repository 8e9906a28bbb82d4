/**
 * Pictures in a row, as ffmpeg writes them: `P5 LF width SP height LF 255 LF`, then a byte a pixel; `P6` in colour, then three.
 */
import { wipe } from '../../base/bytes.js';
import type { Luma } from './decoder.js';
import { LUMA_SIDE, WireError } from './wire.js';

const HEADER = { 1: /^P5\n(\d{1,4}) (\d{1,4})\n255\n/, 3: /^P6\n(\d{1,4}) (\d{1,4})\n255\n/ } as const;
/** The longest header that the pattern takes. */
const HEADER_SIZE = 17;

/** Cuts a stream into pictures of so many bytes a pixel. Holds one at most, none of whose sides is over 512. */
export class NetpbmReader {
  readonly #channels: 1 | 3;
  readonly #take: (luma: Luma) => void;
  #header = Buffer.alloc(0);
  #luma: Luma | null = null;
  #filled = 0;

  constructor(channels: 1 | 3, take: (luma: Luma) => void) {
    this.#channels = channels;
    this.#take = take;
  }

  /** Takes the next bytes, in pieces of any size. What it hands on is the taker's to wipe; `chunk` stays the caller's. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      at += this.#luma === null ? this.#begin(chunk, at) : this.#pixels(this.#luma, chunk, at);
    }
  }

  /** Wipes what has come of an unfinished picture. */
  discard(): void {
    wipe(this.#luma?.data);
  }

  #begin(chunk: Buffer, at: number): number {
    const before = this.#header.length;
    this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + HEADER_SIZE - before)]);
    const match = HEADER[this.#channels].exec(this.#header.toString('latin1'));
    if (match === null) {
      if (this.#header.length >= HEADER_SIZE) throw new WireError('a picture that does not begin like one');
      return this.#header.length - before;
    }
    const [width, height] = [Number(match[1]), Number(match[2])];
    if (width === 0 || height === 0 || Math.max(width, height) > LUMA_SIDE) throw new WireError('a picture too large');
    this.#luma = { width, height, data: Buffer.from(new ArrayBuffer(this.#channels * width * height)) };
    this.#header = Buffer.alloc(0);
    return match[0].length - before;
  }

  #pixels(luma: Luma, chunk: Buffer, at: number): number {
    const copied = chunk.copy(luma.data, this.#filled, at);
    this.#filled += copied;
    if (this.#filled === luma.data.length) {
      this.#luma = null;
      this.#filled = 0;
      this.#take(luma);
    }
    return copied;
  }
}

/**
 * Keeps an even spread of a row of unknown length: every one while there is room, then every second, every fourth. Holds
 * at most `room` (an even number), and at least half of that once as many have come. The first is always kept.
 */
export class Spread {
  readonly #room: number;
  #kept: Luma[] = [];
  #stride = 1;
  #seen = 0;

  constructor(room: number) {
    this.#room = room;
  }

  get kept(): readonly Luma[] {
    return this.#kept;
  }

  add(luma: Luma): void {
    if (this.#seen++ % this.#stride !== 0) {
      wipe(luma.data);
      return;
    }
    this.#kept.push(luma);
    if (this.#kept.length < this.#room) return;
    for (const [index, dropped] of this.#kept.entries()) if (index % 2 === 1) wipe(dropped.data);
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }
}
