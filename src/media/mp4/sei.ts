/**
 * Supplemental enhancement information: the part of an H.264 stream where encoders sign their work and cameras keep
 * their notes. A NAL unit of it is a row of messages; those that playing needs are kept, by type and by size.
 *
 *     SEI NAL = 06 ‖ { type(FF… ‖ n) ‖ size(FF… ‖ n) ‖ payload } ‖ 80        ITU-T H.264, sections 7.3.2.3.1, D.1
 *
 * Gone with everything that isn't listed: user data (the encoder's name and settings, GoPro's and Sony's and DJI's
 * notes, closed captions) and the clock times in picture timing, which say when a picture was taken.
 */
import { CursorError } from '../../base/cursor.js';
import { BitReader, BitWriter } from './bits.js';
import { withEmulation, withoutEmulation, type PictureTiming } from './sps.js';

const PICTURE_TIMING = 1;

/** Messages that are kept as they are, with the largest payload that an honest one has. */
const KEPT: ReadonlyMap<number, number> = new Map([
  [0, 32], // buffering period
  [6, 8], // recovery point: where one can start to play
  [45, 16], // frame packing: two views in one picture
  [47, 8], // display orientation
  [137, 24], // mastering display colours
  [144, 4], // content light level
  [147, 1], // alternative transfer characteristics
]);

/** Pictures that a picture structure has clock times for (table D-1). */
const CLOCKS = [1, 1, 1, 2, 2, 3, 3, 2, 3] as const;

export interface CleanSei {
  /** The whole NAL unit; empty if no message is left. */
  readonly nal: Buffer;
  /** Messages that were left out or changed. */
  readonly removed: number;
}

/** The SEI NAL unit `nal` with nothing but what is listed above. */
export function cleanSei(nal: Buffer, timing: PictureTiming | null): CleanSei {
  const payload = withoutEmulation(nal.subarray(1));
  const kept: Buffer[] = [];
  let removed = 0;
  const messages = messagesOf(payload);
  for (const message of messages.whole) {
    const clean = cleanMessage(message, timing);
    if (clean !== null) kept.push(encodeMessage(message.type, clean));
    if (clean?.equals(message.payload) !== true) removed++;
  }
  if (messages.broken) removed++;
  if (kept.length === 0) return { nal: Buffer.alloc(0), removed };
  const whole = Buffer.concat([nal.subarray(0, 1), withEmulation(Buffer.concat([...kept, Buffer.from([0x80])]))]);
  return { nal: whole, removed };
}

interface Message {
  readonly type: number;
  readonly payload: Buffer;
}

/** The messages of a payload, and if something that isn't one follows them. */
function messagesOf(payload: Buffer): { readonly whole: readonly Message[]; readonly broken: boolean } {
  const whole: Message[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    while (payload[at] === 0xff) {
      value += 255;
      at++;
    }
    return value + (payload[at++] ?? Infinity);
  };
  while (!isTrailer(payload, at)) {
    const type = number();
    const size = number();
    if (!(size <= payload.length - at)) return { whole, broken: true };
    whole.push({ type, payload: payload.subarray(at, at + size) });
    at += size;
  }
  return { whole, broken: payload.length - at > 1 };
}

/** The stop bit, with which the payload ends; also the end itself, for encoders that forget it. */
function isTrailer(payload: Buffer, at: number): boolean {
  if (at >= payload.length) return true;
  return payload[at] === 0x80 && payload.subarray(at + 1).every((byte) => byte === 0);
}

function encodeMessage(type: number, payload: Buffer): Buffer {
  return Buffer.concat([encodeNumber(type), encodeNumber(payload.length), payload]);
}

function encodeNumber(value: number): Buffer {
  const bytes = Buffer.alloc(Math.floor(value / 255) + 1, 0xff);
  bytes[bytes.length - 1] = value % 255;
  return bytes;
}

function cleanMessage({ type, payload }: Message, timing: PictureTiming | null): Buffer | null {
  if (type === PICTURE_TIMING) return timing === null ? null : withoutClocks(payload, timing);
  const largest = KEPT.get(type);
  return largest !== undefined && payload.length <= largest ? payload : null;
}

/** A picture timing message with no clock time in it; `null` if it isn't laid out as its SPS says. */
function withoutClocks(payload: Buffer, timing: PictureTiming): Buffer | null {
  const reader = new BitReader(payload);
  const out = new BitWriter();
  try {
    copyTiming(reader, out, timing);
  } catch (error) {
    if (error instanceof CursorError) return null;
    throw error;
  }
  if (reader.remaining >= 8) return null;
  if ((out.position & 7) !== 0) out.bits(1, 1);
  return out.take();
}

function copyTiming(reader: BitReader, out: BitWriter, timing: PictureTiming): void {
  for (let left = timing.delayBits; left > 0; left -= 32) {
    const count = Math.min(left, 32);
    out.bits(reader.bits(count), count);
  }
  if (!timing.hasPictureStructure) return;
  const structure = reader.bits(4);
  out.bits(structure, 4);
  const clocks = CLOCKS[structure];
  if (clocks === undefined) throw new CursorError('expected a picture structure of 0 to 8');
  for (let index = 0; index < clocks; index++) {
    if (reader.flag()) skipClock(reader, timing.offsetBits);
    out.bits(0, 1);
  }
}

function skipClock(reader: BitReader, offsetBits: number): void {
  reader.skip(2 + 1 + 5);
  const full = reader.flag();
  reader.skip(2 + 8);
  if (full) reader.skip(6 + 6 + 5);
  else if (reader.flag()) {
    reader.skip(6);
    if (reader.flag()) {
      reader.skip(6);
      if (reader.flag()) reader.skip(5);
    }
  }
  reader.skip(offsetBits);
}
