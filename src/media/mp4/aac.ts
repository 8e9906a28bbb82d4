/**
 * Notes of encoders at the beginning of AAC frames. A frame is a row of elements; fill elements and data stream elements
 * carry bytes that no decoder plays, and encoders write their names there (FFmpeg and FAAC do, in their first frames).
 *
 *     frame = { id(3) ‖ element }                              ISO/IEC 14496-3, section 4.4.2
 *     FIL(6): count(4 [+8]) ‖ { extension type(4) ‖ … }        DSE(4): tag(4) ‖ align(1) ‖ count(8 [+8]) ‖ bytes
 *
 * What holds: such elements in front of a frame's first channel element come out filled with zeros, in place, so that
 * the frame keeps its length and every bit of its sound. Dynamic range control and SBR stay, because they are heard.
 * What doesn't hold: elements behind the first channel element are not looked at, since only a full Huffman decoder
 * finds where those begin.
 */
import { CursorError } from '../../base/cursor.js';
import type { Plan } from '../plan.js';
import type { RemovedTally } from '../removed.js';
import { programLayout } from './audio-config.js';
import { BitReader } from './bits.js';
import type { SampleScrubber } from './samples.js';
import type { Window } from './window.js';

const DATA_STREAM = 4;
const PROGRAM_CONFIG = 5;
const FILL = 6;

/** Bytes of a frame that are looked at: the longest that eight channels may have (768 each), and then some. */
const LONGEST_FRAME = 8192;

/** Extension types that change what is heard: dynamic range, spatial audio, SBR without and with a checksum. */
const HEARD: ReadonlySet<number> = new Set([0b1011, 0b1100, 0b1101, 0b1110]);

/** Bits that are to become zero. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Can a frame that begins with `byte` have anything to neutralise? True of about no frame of most encoders. */
function mayHoldNotes(byte: number): boolean {
  const id = byte >>> 5;
  return id === DATA_STREAM || id === PROGRAM_CONFIG || id === FILL;
}

/** A copy of `frame` with its leading notes zeroed; `null` if there are none, or zeros only. */
export function withoutNotes(frame: Buffer): Buffer | null {
  const clean = Buffer.from(frame);
  for (const span of leadingNotes(frame)) zeroBits(clean, span);
  return clean.equals(frame) ? null : clean;
}

function leadingNotes(frame: Buffer): Span[] {
  const spans: Span[] = [];
  const reader = new BitReader(frame);
  try {
    for (let span = nextNote(reader); span !== null; span = nextNote(reader)) spans.push(span);
  } catch (error) {
    // A frame that ends inside such an element has no sound; what was found before is zeroed all the same.
    if (!(error instanceof CursorError)) throw error;
  }
  return spans;
}

/** The free bits of the next element; empty if the element is heard, `null` at the first channel element. */
function nextNote(reader: BitReader): Span | null {
  switch (reader.bits(3)) {
    case FILL:
      return fillNote(reader);
    case DATA_STREAM:
      return dataNote(reader);
    case PROGRAM_CONFIG:
      return commentOf(reader);
    default:
      return null;
  }
}

function fillNote(reader: BitReader): Span {
  let count = reader.bits(4);
  if (count === 15) count += reader.bits(8) - 1;
  const from = reader.position;
  const heard = count > 0 && HEARD.has(reader.peek(4));
  reader.skip(Math.min(count * 8, reader.remaining));
  return { from, to: heard ? from : reader.position };
}

function dataNote(reader: BitReader): Span {
  reader.skip(4);
  const aligned = reader.flag();
  let count = reader.bits(8);
  if (count === 255) count += reader.bits(8);
  if (aligned) reader.align();
  return free(reader, count);
}

function commentOf(reader: BitReader): Span {
  for (const bits of programLayout(reader)) reader.skip(bits);
  reader.align();
  return free(reader, reader.bits(8));
}

function free(reader: BitReader, bytes: number): Span {
  const from = reader.position;
  reader.skip(Math.min(bytes * 8, reader.remaining));
  return { from, to: reader.position };
}

function zeroBits(bytes: Buffer, { from, to }: Span): void {
  for (let bit = from; bit < to; bit++) {
    bytes[bit >>> 3] = (bytes[bit >>> 3] ?? 0) & ~(0x80 >>> (bit & 7));
  }
}

/** Looks at the beginning of each frame of an AAC track. */
export class AacScrubber implements SampleScrubber {
  readonly #tally: RemovedTally;

  constructor(tally: RemovedTally) {
    this.#tally = tally;
  }

  async scrub(window: Window, offset: number, size: number, out: Plan): Promise<void> {
    if (size === 0) return;
    const length = Math.min(size, LONGEST_FRAME);
    await window.reach(offset, length);
    const clean = mayHoldNotes(window.uint(offset, 1)) ? withoutNotes(window.view(offset, length)) : null;
    if (clean === null) {
      out.copy(offset, size);
      return;
    }
    this.#tally.add('encoder-note');
    out.bytes(clean).copy(offset + length, size - length);
  }
}
