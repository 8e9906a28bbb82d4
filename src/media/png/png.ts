/**
 * PNG and APNG, scrubbed by allow-list (PNG Specification, third edition).
 *
 *   signature ‖ IHDR ‖ (tRNS gAMA cHRM sRGB iCCP cICP mDCV cLLI pHYs eXIf acTL)* ‖ PLTE ‖ IDAT+ ‖ (fcTL fdAT+)* ‖ IEND
 *
 * What holds: image data are copied as they are; they are also inflated and thrown away, which proves that they are
 * whole and shows where each zlib stream ends: bytes behind it in the same chunks go. Every critical chunk has a true
 * CRC. Of a kind of which a decoder takes only the first chunk, or one before the image data only, the others go.
 * Texts, times, private chunks, frames that the animation doesn't count and everything behind IEND go.
 * What doesn't hold: the choice of filters and of the deflate encoder stays, and may tell the program that wrote it.
 * Memory: one window, one batch of compressed bytes, one inflater, the profile (at most 4 MiB). Work: at most
 * `MAX_ROW_BYTES` come out of the inflater.
 */
import type { ByteSource } from '../../base/source.js';
import type { Orientation } from '../exif.js';
import { Plan } from '../plan.js';
import { RemovedTally } from '../removed.js';
import type { Scrubbing } from '../scrub.js';
import { unreadable } from '../unreadable.js';
import { Window } from '../window.js';
import { LOOK, mayBeKept, plainAncillary, tallyChunk } from './ancillary.js';
import { chunkOf, isCritical, isIntact, planChunk, readChunk, SIGNATURE, type Chunk } from './chunk.js';
import { DataChunks, Sequence } from './data-chunks.js';
import { hasPalette, parseHeader, rowBytes, type Header } from './header.js';

/** Rows of all frames together, inflated. A picture of 268 million RGBA pixels, or 500 frames of full HD, passes. */
const MAX_ROW_BYTES = 2 ** 32;
/** Chunks in all, and stretches of the plan. */
const MAX_CHUNKS = 200_000;

export async function scrubPng(source: ByteSource): Promise<Scrubbing> {
  const window = new Window(source);
  const scrub = new PngScrub(window);
  try {
    return await scrub.run();
  } finally {
    scrub.close();
    window.close();
  }
}

class PngScrub {
  readonly #window: Window;
  readonly #plan = new Plan();
  readonly #tally = new RemovedTally();
  readonly #sequence = new Sequence();
  readonly #seen = new Set<string>();
  #header: Header = { width: 0, height: 0, depth: 0, colour: 0, interlaced: false };
  #orientation: Orientation = 1;
  #paletteEntries = 0;
  #chunks = 0;
  #rowBytes = 0;
  #data: DataChunks | null = null;
  /** Frames that acTL announces, frames met so far, and whether the one met last is shown. */
  #frames = 0;
  #framesMet = 0;
  #frame: { readonly width: number; readonly height: number } | null = null;

  constructor(window: Window) {
    this.#window = window;
  }

  async run(): Promise<Scrubbing> {
    if (!(await this.#window.bytes(0, SIGNATURE.length)).equals(SIGNATURE)) throw unreadable('no PNG signature');
    this.#plan.copy(0, SIGNATURE.length);
    let chunk = await readChunk(this.#window, SIGNATURE.length);
    if (chunk.type !== 'IHDR') throw unreadable('no header');
    this.#header = parseHeader(await this.#intact(chunk));
    this.#copy(chunk);
    while (chunk.type !== 'IEND') {
      chunk = await readChunk(this.#window, chunk.end);
      await this.#chunk(chunk);
      if (++this.#chunks > MAX_CHUNKS) throw unreadable('too many chunks');
    }
    if (chunk.end < this.#window.size) this.#tally.add('trailing-data');
    const { width, height } = this.#header;
    const turned = this.#orientation >= 5;
    return {
      type: 'image/png',
      plan: this.#plan,
      removed: this.#tally.counts,
      width: turned ? height : width,
      height: turned ? width : height,
    };
  }

  close(): void {
    this.#data?.close();
  }

  async #chunk(chunk: Chunk): Promise<void> {
    switch (chunk.type) {
      case 'PLTE':
        return this.#palette(chunk);
      case 'IDAT':
        return this.#imageData(chunk);
      case 'acTL':
        return this.#animation(chunk);
      case 'fcTL':
        return this.#frameControl(chunk);
      case 'fdAT':
        return this.#frameData(chunk);
      case 'IEND':
        return this.#end(chunk);
      default:
        return this.#other(chunk);
    }
  }

  async #palette(chunk: Chunk): Promise<void> {
    if (this.#seen.has('PLTE') || this.#seen.has('IDAT')) throw unreadable('a palette out of place');
    this.#seen.add('PLTE');
    const entries = chunk.length / 3;
    if (!Number.isInteger(entries) || entries === 0 || entries > 256) throw unreadable('a palette of wrong length');
    if (!hasPalette(this.#header)) {
      this.#tally.add('unknown-block');
      return;
    }
    const content = await this.#intact(chunk);
    this.#paletteEntries = Math.min(entries, 2 ** this.#header.depth);
    if (this.#paletteEntries < entries) this.#tally.add('unreferenced-data');
    this.#plan.bytes(chunkOf('PLTE', content.subarray(0, this.#paletteEntries * 3)));
  }

  async #imageData(chunk: Chunk): Promise<void> {
    if (hasPalette(this.#header) && this.#paletteEntries === 0) throw unreadable('no palette');
    if (this.#data === null) {
      if (this.#seen.has('IDAT')) throw unreadable('a second picture');
      this.#seen.add('IDAT');
      this.#begin('IDAT', this.#header.width, this.#header.height);
    }
    if (this.#data?.type !== 'IDAT') throw unreadable('image data out of place');
    await this.#data.add(chunk);
  }

  async #animation(chunk: Chunk): Promise<void> {
    if (this.#seen.has('acTL') || this.#seen.has('IDAT') || chunk.length !== 8) return this.#drop(chunk);
    this.#seen.add('acTL');
    this.#frames = (await this.#intact(chunk)).readUInt32BE(0);
    if (this.#frames === 0) return this.#drop(chunk);
    this.#copy(chunk);
  }

  /** fcTL: sequence(4) width(4) height(4) x(4) y(4) delay(2+2) dispose(1) blend(1). */
  async #frameControl(chunk: Chunk): Promise<void> {
    await this.#endData();
    this.#frame = null;
    if (this.#framesMet >= this.#frames) return this.#drop(chunk);
    if (chunk.length !== 26) throw unreadable('a frame header of wrong length');
    const content = await this.#intact(chunk);
    const [width, height, x, y] = [4, 8, 12, 16].map((at) => content.readUInt32BE(at)) as [
      number,
      number,
      number,
      number,
    ];
    const fits = x + width <= this.#header.width && y + height <= this.#header.height;
    if (width === 0 || height === 0 || !fits || content.readUInt8(24) > 2 || content.readUInt8(25) > 1) {
      throw unreadable('a frame outside the picture');
    }
    this.#framesMet++;
    this.#frame = { width, height };
    const number = this.#sequence.take();
    if (number.equals(content.subarray(0, 4))) this.#copy(chunk);
    else await planChunk(this.#plan, this.#window, chunk.type, number, chunk.offset + 4, chunk.length - 4);
  }

  async #frameData(chunk: Chunk): Promise<void> {
    if (this.#frame === null || !this.#seen.has('IDAT')) return this.#drop(chunk);
    if (this.#data?.type === 'IDAT') throw unreadable('frame data out of place');
    if (this.#data === null) this.#begin('fdAT', this.#frame.width, this.#frame.height);
    await this.#data?.add(chunk);
  }

  async #end(chunk: Chunk): Promise<void> {
    await this.#endData();
    if (!this.#seen.has('IDAT')) throw unreadable('no image data');
    if (chunk.length !== 0) throw unreadable('an end of wrong length');
    await this.#intact(chunk);
    this.#copy(chunk);
  }

  async #other(chunk: Chunk): Promise<void> {
    const { type, length } = chunk;
    if (isCritical(type)) throw unreadable('a chunk that no decoder knows');
    const place = {
      header: this.#header,
      paletteEntries: this.#paletteEntries,
      afterPalette: this.#seen.has('PLTE'),
      afterData: this.#seen.has('IDAT'),
    };
    const first = !this.#seen.has(type);
    if (!first || !mayBeKept(type, length, place) || !(await isIntact(this.#window, chunk))) return this.#drop(chunk);
    this.#seen.add(type);
    const kept = plainAncillary(type, await this.#window.bytes(chunk.offset, length), this.#tally);
    if (kept.chunk !== null) this.#plan.bytes(kept.chunk);
    this.#orientation = kept.orientation ?? this.#orientation;
  }

  #begin(type: 'IDAT' | 'fdAT', width: number, height: number): void {
    const expected = rowBytes(this.#header, width, height);
    this.#rowBytes += expected;
    if (this.#rowBytes > MAX_ROW_BYTES) throw unreadable('more pixels than can be looked at');
    this.#data = new DataChunks(type, this.#window, this.#plan, this.#sequence, expected);
  }

  async #endData(): Promise<void> {
    if (this.#data === null) return;
    await this.#data.finish();
    if (this.#data.hasRemains) this.#tally.add('unreferenced-data');
    this.#data = null;
  }

  /** The content of a chunk without which there is no picture. Holds until the window moves on. */
  async #intact(chunk: Chunk): Promise<Buffer> {
    if (!(await isIntact(this.#window, chunk))) throw unreadable('a damaged chunk');
    return this.#window.bytes(chunk.offset, chunk.length);
  }

  #copy(chunk: Chunk): void {
    this.#plan.copy(chunk.at, chunk.end - chunk.at);
  }

  async #drop(chunk: Chunk): Promise<void> {
    const looked = await this.#window.upTo(chunk.offset, Math.min(chunk.length, LOOK));
    tallyChunk(chunk.type, looked, this.#tally);
  }
}
