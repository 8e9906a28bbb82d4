/**
 * What a track is, before anything of it is kept: its place, its boxes by name, its handler and the codecs it names.
 * That is enough to decide about it, and all that is read of a track that is dropped.
 */
import { Reader } from '../../base/cursor.js';
import type { RemovedTally } from '../removed.js';
import { bodyOf, childrenOf, fullHeader, type Box, type Input } from './boxes.js';
import { countDropped } from './found.js';
import { unreadable } from './refuse.js';

export interface Outline {
  readonly id: number;
  readonly alternateGroup: number;
  /** The handler's four letters: `vide`, `soun`, or a kind that is never kept. */
  readonly handler: string;
  /** Types of its sample descriptions, in order. */
  readonly codecs: readonly string[];
  /** Tracks that it names as its chapters. */
  readonly chapters: readonly number[];
  readonly boxes: TrackBoxes;
}

/** The boxes of a track that a kept track is made from, by type. */
export type TrackBoxes = ReadonlyMap<string, Box>;

/** Boxes that are opened, by the box that they stand in. */
const PATHS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['trak', new Set(['tkhd', 'edts', 'mdia', 'tref'])],
  ['edts', new Set(['elst'])],
  ['tref', new Set(['chap'])],
  ['mdia', new Set(['mdhd', 'hdlr', 'minf'])],
  ['minf', new Set(['dinf', 'smhd', 'vmhd', 'stbl'])],
  ['dinf', new Set(['dref'])],
  ['stbl', new Set(['stsd', 'stts', 'ctts', 'stss', 'stsc', 'stsz', 'stz2', 'stco', 'co64'])],
]);

export async function outlineOf(input: Input, trak: Box, tally: RemovedTally): Promise<Outline> {
  const boxes = new Map<string, Box>();
  await collect(input, trak, boxes, tally);
  const chap = boxes.get('chap');
  return {
    ...(await trackHeader(input, boxes)),
    handler: await handlerOf(input, boxes),
    codecs: await codecsOf(input, boxes),
    chapters: chap === undefined ? [] : trackNumbers(await bodyOf(input, chap)),
    boxes,
  };
}

/** As deep as `PATHS` goes, which is four boxes, whatever the file nests. */
async function collect(input: Input, parent: Box, boxes: Map<string, Box>, tally: RemovedTally): Promise<void> {
  const known = PATHS.get(parent.type);
  for await (const child of childrenOf(input, parent)) {
    if (known?.has(child.type) !== true || boxes.has(child.type)) {
      // A reference to another track tells nothing by itself.
      if (parent.type !== 'tref') await countDropped(input, child, tally);
      continue;
    }
    boxes.set(child.type, child);
    if (PATHS.has(child.type)) await collect(input, child, boxes, tally);
  }
}

export function needed(boxes: TrackBoxes, type: string): Box {
  return boxes.get(type) ?? unreadable('a track without one of the boxes that each needs');
}

async function trackHeader(input: Input, boxes: TrackBoxes): Promise<{ id: number; alternateGroup: number }> {
  const reader = new Reader(await bodyOf(input, needed(boxes, 'tkhd')));
  const { version } = fullHeader(reader);
  reader.skip(version === 1 ? 16 : 8);
  const id = reader.u32();
  reader.skip((version === 1 ? 12 : 8) + 8 + 2);
  return { id, alternateGroup: reader.u16() };
}

async function handlerOf(input: Input, boxes: TrackBoxes): Promise<string> {
  const hdlr = boxes.get('hdlr');
  if (hdlr === undefined || hdlr.end - hdlr.body < 12) return '';
  await input.window.reach(hdlr.body, 12);
  return input.window.view(hdlr.body + 8, 4).toString('latin1');
}

async function codecsOf(input: Input, boxes: TrackBoxes): Promise<string[]> {
  const stsd = boxes.get('stsd');
  const codecs: string[] = [];
  if (stsd === undefined) return codecs;
  for await (const entry of childrenOf(input, stsd, stsd.body + 8, 'lenient')) codecs.push(entry.type);
  return codecs;
}

function trackNumbers(body: Buffer): number[] {
  const reader = new Reader(body);
  const numbers: number[] = [];
  while (reader.remaining >= 4) numbers.push(reader.u32());
  return numbers;
}
