/**
 * What an H.264 decoder is told before the first sample, rebuilt field by field.
 *
 *     avcC = 1 ‖ profile ‖ compatibility ‖ level ‖ 111111.. length size - 1(2) ‖ 111. SPS count(5) ‖ { length(2) ‖ SPS }
 *            ‖ PPS count(8) ‖ { length(2) ‖ PPS } ‖ [chroma(2) ‖ depths(3, 3) ‖ 0]     the last for high profiles
 *
 * Source: ISO/IEC 14496-15, section 5.3.3. Parameter sets are kept as they are; anything else that stands in their lists,
 * the extensions for auxiliary pictures, and what follows the record are left out.
 */
import { CursorError, Reader } from '../../base/cursor.js';
import { box, fields, sizeOf, type Parts } from './boxes.js';
import { unreadable } from './refuse.js';
import { timingOf, type PictureTiming } from './sps.js';

const SPS = 7;
const PPS = 8;
/** Profiles whose record goes on with chroma format and bit depths. */
const HIGH_PROFILES: ReadonlySet<number> = new Set([100, 110, 122, 244, 144, 44, 83, 86, 118, 128, 138]);

export interface AvcConfig {
  readonly avcC: Parts;
  /** Bytes of the length in front of each NAL unit: 1, 2 or 4, and 3 in old files. */
  readonly lengthSize: number;
  readonly timing: PictureTiming | null;
  /** NAL units that were in the lists and aren't parameter sets. */
  readonly strangers: number;
}

export function cleanAvcConfig(body: Buffer): AvcConfig {
  const reader = new Reader(body);
  if (reader.u8() !== 1) unreadable('an H.264 configuration of another version');
  const profile = reader.u8();
  const compatibility = reader.u8();
  const level = reader.u8();
  const lengthSize = (reader.u8() & 3) + 1;
  const sps = parameterSets(reader, reader.u8() & 31, SPS);
  const pps = parameterSets(reader, reader.u8(), PPS);
  const head = Buffer.from([1, profile, compatibility, level, 0xfc | (lengthSize - 1), 0xe0 | sps.kept.length]);
  const avcC = box(
    'avcC',
    head,
    encodeSets(sps.kept),
    Buffer.from([pps.kept.length]),
    encodeSets(pps.kept),
    HIGH_PROFILES.has(profile) ? highPart(reader) : [],
  );
  const first = sps.kept[0];
  return {
    avcC,
    lengthSize,
    timing: first === undefined ? null : timingOf(first),
    strangers: sps.strangers + pps.strangers,
  };
}

interface ParameterSets {
  readonly kept: readonly Buffer[];
  readonly strangers: number;
}

function parameterSets(reader: Reader, count: number, type: number): ParameterSets {
  const kept: Buffer[] = [];
  for (let done = 0; done < count; done++) {
    const nal = reader.bytes(reader.u16());
    if (((nal[0] ?? 0) & 31) === type) kept.push(nal);
  }
  return { kept, strangers: count - kept.length };
}

function encodeSets(sets: readonly Buffer[]): Buffer {
  const size = sizeOf(sets) + 2 * sets.length;
  return fields(size, (out) => {
    for (const set of sets) out.u16(set.length).bytes(set);
  });
}

/** Old encoders leave this part out, and decoders live with that: so it is left out here too where it is missing. */
function highPart(reader: Reader): Buffer {
  try {
    const chroma = reader.u8() & 3;
    const luma = reader.u8() & 7;
    const chromaDepth = reader.u8() & 7;
    return Buffer.from([0xfc | chroma, 0xf8 | luma, 0xf8 | chromaDepth, 0]);
  } catch (error) {
    if (error instanceof CursorError) return Buffer.alloc(0);
    throw error;
  }
}
