/**
 * The few fields of a sequence parameter set that say how picture timing messages are laid out.
 * Source: ITU-T H.264, sections 7.3.2.1.1 (SPS), E.1.1 (VUI), E.1.2 (HRD).
 */
import { CursorError } from '../../base/cursor.js';
import { BitReader } from './bits.js';

export interface PictureTiming {
  /** Bits of the two delays in front of a picture timing message; 0 if it has none. */
  readonly delayBits: number;
  readonly hasPictureStructure: boolean;
  readonly offsetBits: number;
}

const PROFILES_WITH_CHROMA: ReadonlySet<number> = new Set([
  100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135,
]);

/** `null` if `nal` has no timing fields, or can't be read as a sequence parameter set. */
export function timingOf(nal: Buffer): PictureTiming | null {
  try {
    return readTiming(new BitReader(withoutEmulation(nal.subarray(1))));
  } catch (error) {
    if (error instanceof CursorError) return null;
    throw error;
  }
}

/** The payload of a NAL unit without its emulation prevention: 00 00 03 stands for 00 00. */
export function withoutEmulation(bytes: Buffer): Buffer {
  const out = Buffer.alloc(bytes.length);
  let length = 0;
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte === 3) {
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** The mirror of `withoutEmulation`. */
export function withEmulation(bytes: Buffer): Buffer {
  const out: number[] = [];
  let zeros = 0;
  for (const byte of bytes) {
    if (zeros >= 2 && byte <= 3) {
      out.push(3);
      zeros = 0;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    out.push(byte);
  }
  return Buffer.from(out);
}

function readTiming(reader: BitReader): PictureTiming | null {
  const profile = reader.bits(8);
  reader.skip(16);
  reader.ue();
  if (PROFILES_WITH_CHROMA.has(profile)) skipChroma(reader);
  skipOrder(reader);
  reader.ue();
  reader.skip(1);
  reader.ue();
  reader.ue();
  if (!reader.flag()) reader.skip(1);
  reader.skip(1);
  if (reader.flag()) for (let edge = 0; edge < 4; edge++) reader.ue();
  return reader.flag() ? readUsability(reader) : null;
}

function skipChroma(reader: BitReader): void {
  const format = reader.ue();
  if (format === 3) reader.skip(1);
  reader.ue();
  reader.ue();
  reader.skip(1);
  if (!reader.flag()) return;
  for (let list = 0; list < (format === 3 ? 12 : 8); list++) {
    if (reader.flag()) skipScalingList(reader, list < 6 ? 16 : 64);
  }
}

function skipScalingList(reader: BitReader, size: number): void {
  let last = 8;
  for (let index = 0; index < size && last !== 0; index++) last = (last + signed(reader.ue()) + 256) % 256;
}

function signed(code: number): number {
  return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
}

/** Frame numbers and picture order. */
function skipOrder(reader: BitReader): void {
  reader.ue();
  const type = reader.ue();
  if (type === 0) reader.ue();
  if (type !== 1) return;
  reader.skip(1);
  reader.ue();
  reader.ue();
  const cycle = reader.ue();
  for (let index = 0; index < cycle; index++) reader.ue();
}

/** Video usability information, which ends an SPS. */
function readUsability(reader: BitReader): PictureTiming {
  if (reader.flag() && reader.bits(8) === 255) reader.skip(32);
  if (reader.flag()) reader.skip(1);
  if (reader.flag()) {
    reader.skip(4);
    if (reader.flag()) reader.skip(24);
  }
  if (reader.flag()) {
    reader.ue();
    reader.ue();
  }
  if (reader.flag()) reader.skip(65);
  const nal = reader.flag() ? readBuffering(reader) : null;
  const vcl = reader.flag() ? readBuffering(reader) : null;
  const buffering = vcl ?? nal;
  if (buffering !== null) reader.skip(1);
  return {
    delayBits: buffering?.delayBits ?? 0,
    // Where no decoder model says how long an offset is, it has 24 bits (E.2.2).
    offsetBits: buffering?.offsetBits ?? 24,
    hasPictureStructure: reader.flag(),
  };
}

interface Buffering {
  readonly delayBits: number;
  readonly offsetBits: number;
}

function readBuffering(reader: BitReader): Buffering {
  const count = reader.ue() + 1;
  reader.skip(8);
  for (let index = 0; index < count; index++) {
    reader.ue();
    reader.ue();
    reader.skip(1);
  }
  reader.skip(5);
  const removal = reader.bits(5) + 1;
  const output = reader.bits(5) + 1;
  return { delayBits: removal + output, offsetBits: reader.bits(5) };
}
