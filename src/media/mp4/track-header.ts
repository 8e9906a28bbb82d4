/**
 * How a track is shown and when: its header and its edit list, read and written.
 *
 *     tkhd = times(2) ‖ number(4) ‖ 0(4) ‖ duration ‖ 0(8) ‖ layer(2) ‖ group(2) ‖ volume(2) ‖ 0(2) ‖ matrix(36) ‖ size(8)
 *     elst = count(4) ‖ { duration ‖ start in the track ‖ rate(4) }             ISO/IEC 14496-12, sections 8.3.2, 8.6.6
 */
import { Reader } from '../../base/cursor.js';
import type { RemovedTally } from '../removed.js';
import { bodyOf, fields, fullBox, fullHeader, type Input, type Parts } from './boxes.js';
import { needed, type Outline } from './outline.js';
import { unreadable } from './refuse.js';
import { countTimes, readDuration, timedBox, versionFor, writeDuration } from './times.js';

export interface TrackHeader {
  readonly flags: number;
  /** In the movie's time; 0 if the file doesn't say. */
  readonly duration: number;
  readonly layer: number;
  readonly group: number;
  readonly volume: number;
  readonly matrix: Buffer;
  /** 16.16 fixed point, as shown before the matrix turns it. */
  readonly width: number;
  readonly height: number;
}

export interface Edit {
  readonly duration: number;
  /** Where in the track it begins; -1 for a pause. */
  readonly start: number;
  readonly rate: number;
}

export async function readTrackHeader(input: Input, outline: Outline, tally: RemovedTally): Promise<TrackHeader> {
  const reader = new Reader(await bodyOf(input, needed(outline.boxes, 'tkhd')));
  const { version, flags } = fullHeader(reader);
  countTimes(reader, version, tally);
  reader.skip(8);
  const duration = readDuration(reader, version);
  reader.skip(8);
  return {
    flags: flags & 15,
    duration,
    layer: reader.u16(),
    group: reader.u16(),
    volume: reader.u16(),
    matrix: reader.bytes(38).subarray(2),
    width: reader.u32(),
    height: reader.u32(),
  };
}

export function encodeTrackHeader(header: TrackHeader, id: number, duration: number): Parts {
  return timedBox('tkhd', header.flags, duration, 68, (out, version) => {
    out.u32(id).u32(0);
    writeDuration(out, version, duration);
    out.u32(0).u32(0).u16(header.layer).u16(header.group).u16(header.volume).u16(0);
    out.bytes(header.matrix).u32(header.width).u32(header.height);
  });
}

export async function readEdits(input: Input, outline: Outline): Promise<Edit[]> {
  const elst = outline.boxes.get('elst');
  if (elst === undefined) return [];
  const reader = new Reader(await bodyOf(input, elst));
  const { version } = fullHeader(reader);
  const count = reader.u32();
  const size = version === 1 ? 20 : 12;
  if (count * size > reader.remaining) unreadable('an edit list that is longer than its box');
  input.budget.tables(count * 64);
  return Array.from({ length: count }, () => {
    const duration = readDuration(reader, version);
    const high = version === 1 ? reader.u32() | 0 : 0;
    const low = reader.u32();
    const start = version === 1 ? high * 2 ** 32 + low : low | 0;
    return { duration, start: start < 0 ? -1 : start, rate: reader.u32() };
  });
}

export function encodeEdits(edits: readonly Edit[]): Parts {
  const largest = Math.max(...edits.map((edit) => Math.max(edit.duration, edit.start >= 2 ** 31 ? Infinity : 0)));
  const version = versionFor(largest);
  const body = fields(4 + edits.length * (version === 1 ? 20 : 12), (out) => {
    out.u32(edits.length);
    for (const { duration, start, rate } of edits) {
      writeDuration(out, version, duration);
      if (version === 1) out.u32(start < 0 ? 0xffffffff : Math.floor(start / 2 ** 32));
      out.u32(start < 0 ? 0xffffffff : start % 2 ** 32).u32(rate);
    }
  });
  return fullBox('elst', version, 0, body);
}
