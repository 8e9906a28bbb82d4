/**
 * WebP, still and animated, scrubbed by allow-list (RFC 9649).
 *
 *   RIFF ‖ (VP8 | VP8L)                                                                            a simple file
 *   RIFF ‖ VP8X ‖ ICCP? ‖ (ALPH? ‖ (VP8 | VP8L) | ANIM ‖ ANMF+) ‖ EXIF (orientation only)?       an extended one
 *
 * What holds: the coded pictures are copied as they are. Container, flags and sizes are written anew from what is kept,
 * so that nothing announces what is gone. XMP, EXIF but for the orientation, unknown chunks (inside frames too), what
 * follows an uncompressed alpha plane, padding that isn't zero and everything behind the RIFF container go.
 * What doesn't hold: bytes behind the end of the codes inside a VP8 or VP8L chunk stay; finding them takes a decoder, so
 * that is for the hard scrub. Data that end in
 * writing are refused, so that a damaged length can't make a trailer part of the picture.
 * Memory: one window and the profile (at most 4 MiB).
 */
import type { ByteSource } from '../../base/source.js';
import { tallyXmp } from '../descriptive.js';
import { EXIF_LOOK, orientationExif, readExif, type Orientation } from '../exif.js';
import { MAX_PROFILE, reduceProfile } from '../icc.js';
import { Plan } from '../plan.js';
import { RemovedTally } from '../removed.js';
import type { Scrubbing } from '../scrub.js';
import { CODED_TAIL, CODED_TEXT, holdsText } from '../text-like.js';
import { unreadable } from '../unreadable.js';
import { Window } from '../window.js';
import { sizeOf, BITSTREAM_HEAD, type PictureSize } from './bitstream.js';
import { chunkHead, chunkOf, HEAD, planChunk, readChunk, type Chunk } from './chunk.js';

const FILE_HEAD = 12;
const FRAME_HEAD = 16;
const ANIMATED = 0x02;
const HAS_EXIF = 0x08;
const HAS_ALPHA = 0x10;
const HAS_PROFILE = 0x20;
/** Chunks in all, those in frames included. */
const MAX_CHUNKS = 200_000;

export async function scrubWebp(source: ByteSource): Promise<Scrubbing> {
  const window = new Window(source);
  try {
    return await new WebpScrub(window).run();
  } finally {
    window.close();
  }
}

class WebpScrub {
  readonly #window: Window;
  readonly #tally = new RemovedTally();
  /** The pictures, in order; what stands before and behind them is known at the end. */
  readonly #pictures = new Plan();
  #flags = 0;
  #canvas: PictureSize | null = null;
  #profile: Buffer | null = null;
  #hasProfile = false;
  #orientation: Orientation | null = null;
  #hasAlphaChunk = false;
  #hasAnimation = false;
  #count = 0;
  #chunks = 0;
  /** Where the chunks read so far end. */
  #end = 0;

  constructor(window: Window) {
    this.#window = window;
  }

  async run(): Promise<Scrubbing> {
    const head = await this.#window.bytes(0, FILE_HEAD);
    if (head.toString('latin1', 0, 4) !== 'RIFF' || head.toString('latin1', 8, 12) !== 'WEBP') {
      throw unreadable('no WebP signature');
    }
    const limit = Math.min(this.#window.size, HEAD + head.readUInt32LE(4));
    const first = await readChunk(this.#window, FILE_HEAD, limit);
    if (first === null) throw unreadable('no picture');
    const size = first.type === 'VP8X' ? await this.#extended(first, limit) : await this.#simple(first, limit);
    if (this.#end < limit) this.#tally.add('unreferenced-data');
    if (Math.max(this.#end, limit) < this.#window.size) this.#tally.add('trailing-data');
    const turned = (this.#orientation ?? 1) >= 5;
    return {
      type: 'image/webp',
      plan: this.#assemble(),
      removed: this.#tally.counts,
      width: turned ? size.height : size.width,
      height: turned ? size.width : size.height,
    };
  }

  /** What follows the picture is read by no decoder. */
  async #simple(first: Chunk, limit: number): Promise<PictureSize> {
    if (!isPicture(first)) throw unreadable('no picture first');
    const size = await this.#picture(first, null);
    await this.#each(first.end, limit, (chunk) => this.#foreign(chunk));
    return size;
  }

  /** VP8X: flags(1) reserved(3) width - 1 (3) height - 1 (3), little-endian. */
  async #extended(first: Chunk, limit: number): Promise<PictureSize> {
    if (first.length < 10) throw unreadable('the extended header is cut short');
    const content = await this.#window.bytes(first.offset, 10);
    this.#flags = content.readUInt8(0) & (ANIMATED | HAS_ALPHA | HAS_PROFILE);
    this.#canvas = { width: content.readUIntLE(4, 3) + 1, height: content.readUIntLE(7, 3) + 1 };
    if (first.length > 10) this.#tally.add('unreferenced-data');
    const canvas = this.#canvas;
    await this.#each(first.end, limit, (chunk) => this.#chunk(chunk, canvas));
    if (this.#count === 0) throw unreadable('no picture');
    return canvas;
  }

  async #chunk(chunk: Chunk, canvas: PictureSize): Promise<void> {
    const animated = (this.#flags & ANIMATED) !== 0;
    if (animated && chunk.type === 'ANIM' && !this.#hasAnimation) await this.#animation(chunk);
    else if (animated && chunk.type === 'ANMF') await this.#frame(chunk, canvas);
    else if (!animated && isPicture(chunk) && this.#count === 0) await this.#picture(chunk, canvas);
    else if (!animated && chunk.type === 'ALPH' && this.#count === 0 && !this.#hasAlphaChunk) {
      this.#hasAlphaChunk = true;
      await this.#alpha(this.#pictures, chunk, canvas);
    } else await this.#described(chunk);
  }

  /** Chunks about the pictures: two are kept in a form of ours, all others only counted. */
  async #described(chunk: Chunk): Promise<void> {
    const { type, offset, length } = chunk;
    if (type === 'ICCP' && !this.#hasProfile) {
      this.#hasProfile = true;
      await this.#iccProfile(chunk);
    } else if (type === 'EXIF') {
      await this.#exif(chunk);
    } else if (type === 'XMP ') {
      tallyXmp(await this.#window.upTo(offset, Math.min(length, EXIF_LOOK)), this.#tally);
    } else {
      this.#tally.add(isPicture(chunk) || type === 'ANMF' ? 'embedded-picture' : 'unknown-block');
    }
  }

  /** A chunk where decoders don't look for it. */
  async #foreign({ type, offset, length }: Chunk): Promise<void> {
    if (type !== 'EXIF' && type !== 'ICCP') return this.#described({ type, offset, length, end: offset + length });
    if (type === 'ICCP') this.#tally.add('colour-profile-detail');
    else readExif(await this.#window.upTo(offset, Math.min(length, EXIF_LOOK)), this.#tally);
  }

  /** A profile that the flags don't announce is used by no decoder. */
  async #iccProfile({ offset, length }: Chunk): Promise<void> {
    const announced = (this.#flags & HAS_PROFILE) !== 0 && length <= MAX_PROFILE;
    const content = announced ? await this.#window.bytes(offset, length) : null;
    this.#profile = content === null ? null : reduceProfile(content);
    if (content === null || this.#profile?.equals(content) !== true) this.#tally.add('colour-profile-detail');
  }

  /** The TIFF structure, in some files behind the name that it has in JPEG. The first one counts. */
  async #exif({ offset, length }: Chunk): Promise<void> {
    const content = await this.#window.upTo(offset, Math.min(length, EXIF_LOOK));
    const named = content.toString('latin1', 0, 6) === 'Exif\0\0';
    const orientation = readExif(named ? content.subarray(6) : content, this.#tally);
    this.#orientation ??= orientation;
  }

  /** ANIM: background colour and loop count. */
  async #animation(chunk: Chunk): Promise<void> {
    if (chunk.length < 6) throw unreadable('the animation header is cut short');
    if (chunk.length > 6) this.#tally.add('unreferenced-data');
    await this.#window.bytes(chunk.offset, 6);
    planChunk(this.#pictures, chunk, 6);
    this.#hasAnimation = true;
  }

  /** ANMF: x/2 y/2 width-1 height-1 duration (3 each) flags(1), then the frame's own chunks. */
  async #frame(chunk: Chunk, canvas: PictureSize): Promise<void> {
    if (!this.#hasAnimation || chunk.length < FRAME_HEAD) throw unreadable('a frame of no animation');
    const head = Buffer.from(await this.#window.bytes(chunk.offset, FRAME_HEAD));
    const size = { width: head.readUIntLE(6, 3) + 1, height: head.readUIntLE(9, 3) + 1 };
    const [x, y] = [head.readUIntLE(0, 3) * 2, head.readUIntLE(3, 3) * 2];
    if (x + size.width > canvas.width || y + size.height > canvas.height) throw unreadable('a frame outside');
    head.writeUInt8(head.readUInt8(15) & 3, 15);
    const inside = await this.#frameChunks(chunk, size);
    this.#pictures.bytes(chunkHead('ANMF', FRAME_HEAD + inside.size)).bytes(head);
    append(this.#pictures, inside);
    this.#count++;
  }

  async #frameChunks(frame: Chunk, size: PictureSize): Promise<Plan> {
    const plan = new Plan();
    const limit = frame.offset + frame.length;
    const met = new Set<string>();
    let at = frame.offset + FRAME_HEAD;
    for (let chunk = await readChunk(this.#window, at, limit); chunk !== null;) {
      this.#countChunk();
      if (isPicture(chunk) && !met.has('picture')) {
        await this.#checkSize(chunk, size);
        planChunk(plan, chunk);
        met.add('picture');
      } else if (chunk.type === 'ALPH' && met.size === 0) {
        await this.#alpha(plan, chunk, size);
        met.add('alpha');
      } else {
        await this.#foreign(chunk);
      }
      at = chunk.end;
      chunk = await readChunk(this.#window, at, limit);
    }
    if (!met.has('picture')) throw unreadable('a frame without a picture');
    if (at < limit) this.#tally.add('unreferenced-data');
    return plan;
  }

  async #picture(chunk: Chunk, canvas: PictureSize | null): Promise<PictureSize> {
    const size = await this.#checkSize(chunk, canvas);
    planChunk(this.#pictures, chunk);
    this.#count++;
    return size;
  }

  async #checkSize({ type, offset, length }: Chunk, expected: PictureSize | null): Promise<PictureSize> {
    const size = sizeOf(type, await this.#window.upTo(offset, Math.min(length, BITSTREAM_HEAD)), length);
    const alike = expected === null || (size.width === expected.width && size.height === expected.height);
    if (!alike) throw unreadable('a picture of another size than announced');
    await this.#checkTail(offset, length);
    return size;
  }

  /** Where the codes end is not known, but writing is not what they end in. */
  async #checkTail(offset: number, length: number): Promise<void> {
    const looked = Math.min(length, CODED_TAIL);
    const tail = await this.#window.upTo(offset + length - looked, looked);
    if (holdsText(tail, CODED_TEXT)) throw unreadable('its picture data end in text');
  }

  /** An uncompressed plane takes one byte a pixel behind its header; a compressed one ends where its codes do. */
  async #alpha(plan: Plan, chunk: Chunk, { width, height }: PictureSize): Promise<void> {
    const info = (await this.#window.upTo(chunk.offset, Math.min(1, chunk.length)))[0];
    if (info === undefined) throw unreadable('an alpha plane without data');
    const length = (info & 3) === 0 ? Math.min(chunk.length, 1 + width * height) : chunk.length;
    if (length < chunk.length) this.#tally.add('unreferenced-data');
    if ((info & 3) !== 0) await this.#checkTail(chunk.offset, length);
    planChunk(plan, chunk, length);
  }

  async #each(from: number, limit: number, visit: (chunk: Chunk) => Promise<unknown>): Promise<void> {
    this.#end = from;
    for (;;) {
      const chunk = await readChunk(this.#window, this.#end, limit);
      if (chunk === null) return;
      await visit(chunk);
      this.#end = chunk.end;
      this.#countChunk();
    }
  }

  #countChunk(): void {
    if (++this.#chunks > MAX_CHUNKS) throw unreadable('too many chunks');
  }

  #assemble(): Plan {
    const before = this.#canvas === null ? [] : [this.#header(this.#canvas)];
    if (this.#profile !== null) before.push(chunkOf('ICCP', this.#profile));
    const orientation = this.#orientation ?? 1;
    const behind = orientation === 1 ? Buffer.alloc(0) : chunkOf('EXIF', orientationExif(orientation));
    const front = Buffer.concat(before);
    const size = 4 + front.length + this.#pictures.size + behind.length;
    const plan = new Plan().bytes(Buffer.concat([chunkHead('RIFF', size), Buffer.from('WEBP'), front]));
    append(plan, this.#pictures);
    return plan.bytes(behind);
  }

  #header({ width, height }: PictureSize): Buffer {
    const content = Buffer.alloc(10);
    const kept = this.#flags & (ANIMATED | HAS_ALPHA);
    const profile = this.#profile === null ? 0 : HAS_PROFILE;
    const exif = (this.#orientation ?? 1) === 1 ? 0 : HAS_EXIF;
    content.writeUInt8(kept | profile | exif, 0);
    content.writeUIntLE(width - 1, 4, 3);
    content.writeUIntLE(height - 1, 7, 3);
    return chunkOf('VP8X', content);
  }
}

function isPicture({ type }: Chunk): boolean {
  return type === 'VP8 ' || type === 'VP8L';
}

function append(plan: Plan, other: Plan): void {
  for (const piece of other.pieces) {
    if (piece.kind === 'copy') plan.copy(piece.offset, piece.length);
    else plan.bytes(piece.bytes);
  }
}
