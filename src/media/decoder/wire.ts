/**
 * What passes between the appliance and a decoder child: docs/format/decoder.md.
 *
 * `frame = kind(1) ‖ length(4) ‖ body`. The child is trusted with nothing: it has read hostile bytes with native code, so
 * the parent bounds every frame by its kind before it makes room for it, and takes no name, path or text from it.
 */
import { wipe } from '../../base/bytes.js';
import { CursorError, Reader, Writer } from '../../base/cursor.js';
import { KiB, MiB } from '../../base/units.js';
import type { PictureType } from '../media-type.js';
import type { Colour, Luma, PictureFacts } from './decoder.js';

export const WIRE_VERSION = 1;
export const HEADER_SIZE = 5;
export const PIECE_SIZE = 256 * KiB;
export const MAX_PREVIEW = 4 * MiB;
/** The long side of a luma plane: what perceptual hashes read; they make their own 64x64 of it. */
export const LUMA_SIDE = 512;
const MAX_LUMA = 4 + LUMA_SIDE * LUMA_SIDE;
/** The long side of a picture in colour: what classifiers read; they make their own square of it. */
export const COLOUR_SIDE = 320;
const MAX_COLOUR = 4 + 3 * COLOUR_SIDE * COLOUR_SIDE;
const REQUEST_SIZE = 38;
const FACTS_SIZE = 13;
const READY_SIZE = 1;

/** Kinds of frame, section 1 of the format. */
export const KIND = {
  request: 0x01,
  piece: 0x02,
  ready: 0x10,
  facts: 0x11,
  luma: 0x12,
  frameLuma: 0x13,
  preview: 0x14,
  reencoded: 0x15,
  done: 0x16,
  refused: 0x17,
  colour: 0x18,
} as const;

const BOUNDS: ReadonlyMap<number, number> = new Map([
  [KIND.request, REQUEST_SIZE],
  [KIND.piece, PIECE_SIZE],
  [KIND.ready, READY_SIZE],
  [KIND.facts, FACTS_SIZE],
  [KIND.luma, MAX_LUMA],
  [KIND.frameLuma, MAX_LUMA],
  [KIND.preview, MAX_PREVIEW],
  [KIND.reencoded, PIECE_SIZE],
  [KIND.done, 0],
  [KIND.refused, 1],
  [KIND.colour, MAX_COLOUR],
]);

/** Reasons of a refusal by the child, in the order of their codes from 1. */
export const REASONS = ['undecodable', 'other-type', 'pixels', 'frames', 'memory', 'output'] as const;
export type ChildReason = (typeof REASONS)[number];

const TYPES: readonly PictureType[] = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

/** A request as it stands on the wire. Zero means "not asked for". */
export interface WireRequest {
  readonly type: PictureType;
  readonly previewSide: number;
  readonly luma: boolean;
  /** The same planes in colour too. */
  readonly colour: boolean;
  readonly sampleFrames: number;
  readonly reencodeType: PictureType | null;
  readonly reencodePixels: number;
  readonly pixelLimit: number;
  readonly frameLimit: number;
  readonly animatedPixelLimit: number;
  readonly outputLimit: number;
  readonly size: number;
}

/** The other side broke the format. */
export class WireError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WireError';
  }
}

export function encodeHeader(kind: number, length: number): Buffer {
  const header = Buffer.alloc(HEADER_SIZE);
  new Writer(header).u8(kind).u32(length);
  return header;
}

export function encodeRequest(request: WireRequest): Buffer {
  const body = Buffer.alloc(REQUEST_SIZE);
  new Writer(body)
    .u8(typeCode(request.type))
    .u16(request.previewSide)
    .u8((request.luma ? LUMA : 0) | (request.colour ? COLOUR : 0))
    .u8(request.sampleFrames)
    .u8(request.reencodeType === null ? 0 : typeCode(request.reencodeType))
    .u32(request.reencodePixels)
    .u32(request.pixelLimit)
    .u32(request.frameLimit)
    .u64(request.animatedPixelLimit)
    .u32(request.outputLimit)
    .u64(request.size);
  return body;
}

export function parseRequest(body: Buffer): WireRequest {
  return exactly(body, (read) => ({
    type: typeOf(read.u8()) ?? broken('a request has no type'),
    previewSide: read.u16(),
    ...planesOf(read.u8()),
    sampleFrames: read.u8(),
    reencodeType: typeOf(read.u8()),
    reencodePixels: read.u32(),
    pixelLimit: read.u32(),
    frameLimit: read.u32(),
    animatedPixelLimit: read.u64(),
    outputLimit: read.u32(),
    size: read.u64(),
  }));
}

/** Bits of the byte that says which planes are asked for. */
const LUMA = 1;
const COLOUR = 2;

function planesOf(bits: number): Pick<WireRequest, 'luma' | 'colour'> {
  return { luma: (bits & LUMA) !== 0, colour: (bits & COLOUR) !== 0 };
}

export function encodeFacts(facts: PictureFacts): Buffer {
  const body = Buffer.alloc(FACTS_SIZE);
  new Writer(body)
    .u32(facts.width)
    .u32(facts.height)
    .u32(facts.frames)
    .u8(facts.hasAlpha ? 1 : 0);
  return body;
}

export function parseFacts(body: Buffer): PictureFacts {
  const facts = exactly(body, (read) => ({
    width: read.u32(),
    height: read.u32(),
    frames: read.u32(),
    hasAlpha: read.u8() === 1,
  }));
  return facts.width > 0 && facts.height > 0 && facts.frames > 0 ? facts : broken('facts of an empty picture');
}

export function encodeLuma(luma: Luma): Buffer {
  return encodePlane(luma);
}

export function parseLuma(body: Buffer): Luma {
  return parsePlane(body, 1);
}

export function encodeColour(colour: Colour): Buffer {
  return encodePlane(colour);
}

export function parseColour(body: Buffer): Colour {
  return parsePlane(body, 3);
}

function encodePlane({ width, height, data }: Luma | Colour): Buffer {
  const body = Buffer.from(new ArrayBuffer(4 + data.length));
  new Writer(body).u16(width).u16(height).bytes(data);
  return body;
}

function parsePlane(body: Buffer, channels: 1 | 3): Luma {
  return exactly(body, (read) => {
    const [width, height] = [read.u16(), read.u16()];
    if (width === 0 || height === 0 || channels * width * height !== read.remaining) {
      broken('a plane is not as large as its sides say');
    }
    return { width, height, data: read.bytes(channels * width * height) };
  });
}

/** What a child says when it can begin. */
export function encodeReady(): Buffer {
  return Buffer.from([WIRE_VERSION]);
}

export function parseReady(body: Buffer): void {
  exactly(body, (read) => (read.u8() === WIRE_VERSION ? null : broken('a child of another version')));
}

export function encodeReason(reason: ChildReason): Buffer {
  return Buffer.from([REASONS.indexOf(reason) + 1]);
}

export function parseReason(body: Buffer): ChildReason {
  return exactly(body, (read) => REASONS[read.u8() - 1] ?? broken('an unknown reason'));
}

/** Cuts a stream into frames. Holds one frame at most, and no more of it than its kind may have. */
export class FrameReader {
  readonly #take: (kind: number, body: Buffer) => void;
  readonly #header = Buffer.alloc(HEADER_SIZE);
  #body: Buffer | null = null;
  #filled = 0;

  constructor(take: (kind: number, body: Buffer) => void) {
    this.#take = take;
  }

  /** Takes the next bytes, in pieces of any size. The bodies handed on are the taker's to wipe; `chunk` stays the caller's. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const target = this.#body ?? this.#header;
      const copied = chunk.copy(target, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < target.length) return;
      this.#filled = 0;
      if (this.#body === null) this.#open();
      else this.#close(this.#body);
    }
  }

  /** Wipes what has come of an unfinished frame. */
  discard(): void {
    wipe(this.#body);
  }

  #open(): void {
    const read = new Reader(this.#header);
    const kind = read.u8();
    const length = read.u32();
    const bound = BOUNDS.get(kind);
    if (bound === undefined || length > bound) throw new WireError('a frame of an unknown kind, or too long for it');
    this.#body = Buffer.from(new ArrayBuffer(length));
    if (length === 0) this.#close(this.#body);
  }

  #close(body: Buffer): void {
    this.#body = null;
    this.#take(this.#header[0] ?? 0, body);
  }
}

/** Reads a body field by field: it must be as long as its fields, to the byte. */
function exactly<T>(body: Buffer, fields: (read: Reader) => T): T {
  const read = new Reader(body);
  try {
    const value = fields(read);
    return read.remaining === 0 ? value : broken('a body is longer than its fields');
  } catch (error) {
    throw error instanceof CursorError ? new WireError('a body is shorter than its fields') : error;
  }
}

function broken(message: string): never {
  throw new WireError(message);
}

function typeCode(type: PictureType): number {
  return TYPES.indexOf(type) + 1;
}

function typeOf(code: number): PictureType | null {
  return TYPES[code - 1] ?? null;
}
