/**
 * A kept track: what is read of it, and how it is written.
 *
 *     trak = tkhd ‖ [edts(elst)] ‖ mdia = mdhd ‖ hdlr ‖ minf = vmhd | smhd ‖ dinf(dref(url )) ‖ stbl
 *
 * Source: ISO/IEC 14496-12, chapter 8. Kept: whether it is shown, its layer, group, volume, matrix (which is how phones
 * say that a video is turned) and size, its time scale, durations and edits, and the tables of `sample-table.ts`. Times of
 * making and changing are 0, the language is not told, the handler has no name.
 */
import { Reader } from '../../base/cursor.js';
import type { RemovedTally } from '../removed.js';
import { AacScrubber } from './aac.js';
import { bodyOf, box, childrenOf, fields, fullBox, fullHeader, type Input, type Parts } from './boxes.js';
import { needed, type Outline } from './outline.js';
import { unreadable } from './refuse.js';
import { cleanSoundEntry, cleanVideoEntry } from './sample-entry.js';
import { durationOf, encodeSampleTable, readSampleTable, type SampleTable } from './sample-table.js';
import type { SampleScrubber } from './samples.js';
import { AvcScrubber } from './h264.js';
import { countTimes, readDuration, scaled, timedBox, UNDEFINED_LANGUAGE, writeDuration } from './times.js';
import {
  encodeEdits,
  encodeTrackHeader,
  readEdits,
  readTrackHeader,
  type Edit,
  type TrackHeader,
} from './track-header.js';

export interface Track {
  readonly kind: 'video' | 'sound';
  /** Its number in the source; tracks are numbered anew from 1. */
  readonly sourceId: number;
  readonly header: TrackHeader;
  readonly edits: readonly Edit[];
  /** Units of its own time in a second. */
  readonly timescale: number;
  /** In its own time; 0 if the file doesn't say. */
  readonly duration: number;
  readonly balance: number;
  readonly descriptions: Descriptions;
  readonly table: SampleTable;
}

interface Descriptions {
  readonly entries: Parts;
  readonly scrubbers: readonly SampleScrubber[];
  readonly width: number;
  readonly height: number;
}

export async function readTrack(input: Input, outline: Outline, tally: RemovedTally): Promise<Track> {
  const { boxes } = outline;
  const kind = outline.handler === 'vide' ? 'video' : 'sound';
  await countHandler(input, outline, tally);
  const own = await readMediaHeader(input, outline, tally);
  const descriptions = await readDescriptions(input, outline, tally);
  await checkData(input, outline);
  const smhd = boxes.get('smhd');
  return {
    kind,
    sourceId: outline.id,
    header: await readTrackHeader(input, outline, tally),
    edits: await readEdits(input, outline),
    ...own,
    balance: smhd === undefined ? 0 : new Reader((await bodyOf(input, smhd)).subarray(4)).u16(),
    descriptions,
    table: await readSampleTable(input, boxes),
  };
}

async function readMediaHeader(
  input: Input,
  outline: Outline,
  tally: RemovedTally,
): Promise<{ timescale: number; duration: number }> {
  const reader = new Reader(await bodyOf(input, needed(outline.boxes, 'mdhd')));
  const { version } = fullHeader(reader);
  countTimes(reader, version, tally);
  const timescale = reader.u32();
  if (timescale === 0) unreadable('a track whose time stands still');
  const duration = readDuration(reader, version);
  return { timescale, duration };
}

/** A handler's name, and in QuickTime its maker: what stands behind its type in anything but zeros. */
async function countHandler(input: Input, outline: Outline, tally: RemovedTally): Promise<void> {
  const rest = (await bodyOf(input, needed(outline.boxes, 'hdlr'))).subarray(12);
  if (rest.some((byte) => byte !== 0)) tally.add('software');
}

/** Data in other files is never fetched, nor is a reference to it handed on. */
async function checkData(input: Input, outline: Outline): Promise<void> {
  const dref = outline.boxes.get('dref');
  if (dref === undefined) return;
  for await (const entry of childrenOf(input, dref, dref.body + 8)) {
    await input.window.reach(entry.body, 4);
    if ((input.window.uint(entry.body, 4) & 1) === 0) unreadable('a track whose samples are in another file');
  }
}

async function readDescriptions(input: Input, outline: Outline, tally: RemovedTally): Promise<Descriptions> {
  const stsd = needed(outline.boxes, 'stsd');
  const entries: Buffer[] = [];
  const scrubbers: SampleScrubber[] = [];
  let width = 0;
  let height = 0;
  for await (const entry of childrenOf(input, stsd, stsd.body + 8)) {
    const body = await bodyOf(input, entry);
    if (outline.handler === 'vide') {
      const video = cleanVideoEntry(entry.type, body, tally);
      entries.push(...video.entry);
      scrubbers.push(new AvcScrubber(video.config, tally));
      width ||= video.width;
      height ||= video.height;
    } else {
      entries.push(...cleanSoundEntry(body, tally));
      scrubbers.push(new AacScrubber(tally));
    }
  }
  return { entries, scrubbers, width, height };
}

/** How long it lasts, in its own time: as the file says, or else as its samples sum up. */
export function mediaDuration(track: Track): number {
  return track.duration > 0 ? track.duration : durationOf(track.table);
}

/** How long it is shown, in the movie's time. */
export function shownDuration(track: Track, movieTimescale: number): number {
  if (track.header.duration > 0) return track.header.duration;
  const edited = track.edits.reduce((sum, edit) => sum + edit.duration, 0);
  return edited > 0 ? edited : scaled(mediaDuration(track), track.timescale, movieTimescale);
}

/** The track as number `id`, with chunks that count from `base` in the new file. */
export function encodeTrack(track: Track, id: number, movieTimescale: number, base: number, wide: boolean): Parts {
  return box(
    'trak',
    encodeTrackHeader(track.header, id, shownDuration(track, movieTimescale)),
    track.edits.length > 0 ? box('edts', encodeEdits(track.edits)) : [],
    box(
      'mdia',
      encodeMediaHeader(track),
      encodeHandler(track.kind),
      box('minf', encodeMediaKind(track), encodeDataReference(), encodeStbl(track, base, wide)),
    ),
  );
}

function encodeMediaHeader(track: Track): Parts {
  const duration = mediaDuration(track);
  return timedBox('mdhd', 0, duration, 8, (out, version) => {
    out.u32(track.timescale);
    writeDuration(out, version, duration);
    out.u16(UNDEFINED_LANGUAGE).u16(0);
  });
}

/** A handler by its kind alone: no name, no maker. */
function encodeHandler(kind: Track['kind']): Parts {
  const type = Buffer.from(kind === 'video' ? 'vide' : 'soun', 'latin1');
  return fullBox(
    'hdlr',
    0,
    0,
    fields(21, (out) => out.u32(0).bytes(type).bytes(Buffer.alloc(13))),
  );
}

function encodeMediaKind(track: Track): Parts {
  if (track.kind === 'video') return fullBox('vmhd', 0, 1, Buffer.alloc(8));
  return fullBox(
    'smhd',
    0,
    0,
    fields(4, (out) => out.u16(track.balance).u16(0)),
  );
}

/** One reference, to this file. */
function encodeDataReference(): Parts {
  const count = fields(4, (out) => out.u32(1));
  return box('dinf', fullBox('dref', 0, 0, count, fullBox('url ', 0, 1)));
}

function encodeStbl(track: Track, base: number, wide: boolean): Parts {
  const { entries, scrubbers } = track.descriptions;
  const stsd = fullBox(
    'stsd',
    0,
    0,
    fields(4, (out) => out.u32(scrubbers.length)),
    entries,
  );
  return encodeSampleTable(stsd, track.table, base, wide);
}
