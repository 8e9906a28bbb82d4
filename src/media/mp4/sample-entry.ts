/**
 * Sample descriptions: which codec a track is in and what its decoder must know, rebuilt field by field.
 *
 *     avc1 = 0(6) ‖ data reference(2) ‖ 0(16) ‖ width(2) ‖ height(2) ‖ resolutions(8) ‖ 0(4) ‖ frames(2) ‖ name(32)
 *            ‖ depth(2) ‖ -1(2) ‖ avcC [colr] [pasp] [clap] [fiel]
 *     mp4a = 0(6) ‖ data reference(2) ‖ 0(8) ‖ channels(2) ‖ sample bits(2) ‖ 0(4) ‖ rate(4) ‖ esds
 *
 * Sources: ISO/IEC 14496-12 section 12, 14496-14 section 6.7; QuickTime File Format, "Sound sample descriptions", for the
 * two longer forms of mp4a, which come out in the short one.
 */
import { Reader } from '../../base/cursor.js';
import type { RemovedTally } from '../removed.js';
import { cleanEsds } from './audio-config.js';
import { cleanAvcConfig, type AvcConfig } from './avc-config.js';
import { box, fields, smallBoxes, type Parts } from './boxes.js';
import { unreadable } from './refuse.js';

export interface VideoEntry {
  readonly entry: Parts;
  readonly config: AvcConfig;
  readonly width: number;
  readonly height: number;
}

const NAME_BYTES = 32;

export function cleanVideoEntry(type: string, body: Buffer, tally: RemovedTally): VideoEntry {
  const reader = new Reader(body);
  reader.skip(8);
  const vendor = reader.bytes(16);
  const width = reader.u16();
  const height = reader.u16();
  reader.skip(14);
  const name = reader.bytes(NAME_BYTES);
  reader.skip(4);
  if (hasBytes(vendor) || hasBytes(name)) tally.add('software');
  const boxes = smallBoxes(reader.bytes(reader.remaining));
  const avcC = boxes.find((child) => child.type === 'avcC');
  if (avcC === undefined) return unreadable('H.264 without its configuration');
  const config = cleanAvcConfig(avcC.body);
  tally.add('encoder-note', config.strangers);
  const shown = boxes.flatMap((child) => shownAs(child.type, child.body, tally));
  return { entry: box(type, videoFields(width, height), config.avcC, shown), config, width, height };
}

function videoFields(width: number, height: number): Buffer {
  const dotsPerInch = 72 * 2 ** 16;
  return fields(78, (out) => {
    out.bytes(Buffer.alloc(6)).u16(1).bytes(Buffer.alloc(16)).u16(width).u16(height);
    out.u32(dotsPerInch).u32(dotsPerInch).u32(0).u16(1);
    out.bytes(Buffer.alloc(NAME_BYTES)).u16(24).u16(0xffff);
  });
}

/** The boxes that say how pixels are shown: their colours, shape, cut and fields. Anything else in an entry is dropped. */
function shownAs(type: string, body: Buffer, tally: RemovedTally): Parts {
  switch (type) {
    case 'colr':
      return colours(body, tally);
    case 'pasp':
      return body.length < 8 ? [] : box('pasp', body.subarray(0, 8));
    case 'clap':
      return body.length < 32 ? [] : box('clap', body.subarray(0, 32));
    case 'fiel':
      return body.length < 2 ? [] : box('fiel', body.subarray(0, 2));
    case 'avcC':
    case 'btrt':
    case 'gama':
    case 'chrm':
      return [];
    default:
      tally.add('unknown-block');
      return [];
  }
}

/** Three numbers of a table, and the range in MP4's form; an ICC profile names who made it, and no player reads it. */
function colours(body: Buffer, tally: RemovedTally): Parts {
  const form = body.toString('latin1', 0, 4);
  if (form === 'nclx' && body.length >= 11) {
    return box('colr', body.subarray(0, 10), Buffer.from([(body[10] ?? 0) & 0x80]));
  }
  if (form === 'nclc' && body.length >= 10) return box('colr', body.subarray(0, 10));
  tally.add('colour-profile-detail');
  return [];
}

export function cleanSoundEntry(body: Buffer, tally: RemovedTally): Parts {
  const reader = new Reader(body);
  reader.skip(8);
  const version = reader.u16();
  const vendor = reader.bytes(6);
  const channels = reader.u16();
  const sampleBits = reader.u16();
  reader.skip(4);
  const rate = reader.u32();
  if (hasBytes(vendor)) tally.add('software');
  const { esds, comments } = cleanEsds(findEsds(body, version));
  tally.add('encoder-note', comments);
  // The third form has its numbers elsewhere and constants here; decoders take them from the AAC configuration.
  const numbers = version === 2 ? { channels: 2, rate: 0 } : { channels, rate };
  const head = fields(28, (out) => {
    out.bytes(Buffer.alloc(6)).u16(1).bytes(Buffer.alloc(8));
    out.u16(numbers.channels).u16(sampleBits).u32(0).u32(numbers.rate);
  });
  return box('mp4a', head, esds);
}

/** Where the boxes of an entry can begin, by its version; MP4 files with version 1 have them at either place. */
const BOXES_AT: ReadonlyMap<number, readonly number[]> = new Map([
  [1, [44, 28]],
  [2, [64]],
]);

function findEsds(body: Buffer, version: number): Buffer {
  for (const start of BOXES_AT.get(version) ?? [28]) {
    const boxes = wholeBoxes(body.subarray(start));
    const wave = boxes.find((child) => child.type === 'wave');
    const found = [...boxes, ...(wave === undefined ? [] : wholeBoxes(wave.body))].find(({ type }) => type === 'esds');
    if (found !== undefined) return found.body;
  }
  return unreadable('AAC without its configuration');
}

/** At a wrong guess of the place, what is read as boxes makes no sense: then there are none. */
function wholeBoxes(bytes: Buffer): ReturnType<typeof smallBoxes> {
  try {
    return smallBoxes(bytes);
  } catch {
    return [];
  }
}

function hasBytes(bytes: Buffer): boolean {
  return bytes.some((byte) => byte !== 0);
}
