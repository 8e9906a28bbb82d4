/**
 * The times in the headers of movie, track and media: points in time, which go, and durations, which stay.
 * Each such header comes in two widths: version 0 with 32 bits a time, version 1 with 64.
 */
import type { Reader, Writer } from '../../base/cursor.js';
import type { RemovedTally } from '../removed.js';
import { fields, fullBox, type Parts } from './boxes.js';

/** `und`, packed in three times five bits. */
export const UNDEFINED_LANGUAGE = 0x55c4;

const UNKNOWN_32 = 0xffffffff;

/** Passes over the times of making and of changing, and counts those that tell one. */
export function countTimes(reader: Reader, version: number, tally: RemovedTally): void {
  for (let time = 0; time < 2; time++) {
    const bytes = reader.bytes(version === 1 ? 8 : 4);
    if (bytes.some((byte) => byte !== 0)) tally.add('date');
  }
}

/** A duration; 0 if it is marked as unknown or makes no sense. */
export function readDuration(reader: Reader, version: number): number {
  if (version !== 1) {
    const duration = reader.u32();
    return duration === UNKNOWN_32 ? 0 : duration;
  }
  const duration = reader.u32() * 2 ** 32 + reader.u32();
  return Number.isSafeInteger(duration) ? duration : 0;
}

export function writeDuration(out: Writer, version: 0 | 1, duration: number): void {
  if (version === 1) out.u64(duration);
  else out.u32(duration);
}

export function versionFor(duration: number): 0 | 1 {
  return duration < UNKNOWN_32 ? 0 : 1;
}

/** A header of the kind that begins with two points in time: they are 0. `rest` is its size without any duration. */
export function timedBox(
  type: string,
  flags: number,
  duration: number,
  rest: number,
  write: (out: Writer, version: 0 | 1) => void,
): Parts {
  const version = versionFor(duration);
  const width = version === 1 ? 8 : 4;
  const body = fields(3 * width + rest, (out) => {
    out.bytes(Buffer.alloc(2 * width));
    write(out, version);
  });
  return fullBox(type, version, flags, body);
}

/** `duration` in another time scale, rounded up so that nothing is cut. */
export function scaled(duration: number, from: number, to: number): number {
  return Math.ceil((duration * to) / from);
}
