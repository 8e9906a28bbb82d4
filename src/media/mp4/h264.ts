/**
 * H.264 samples without what encoders and cameras write beside the picture.
 *
 *     sample = { length(1 to 4) ‖ NAL unit }      NAL unit = forbidden(1) ‖ importance(2) ‖ type(5) ‖ payload
 *
 * Sources: ISO/IEC 14496-15 section 5.3.2, ITU-T H.264 table 7-1. Types that draw the picture are kept bit for bit; SEI
 * is reduced to what playing needs (`sei.ts`); everything else goes, among it second views and auxiliary pictures, which
 * no player of such a file shows. What hides behind the last macroblock inside a slice is not looked for: only a decoder
 * finds that place.
 */
import type { Plan } from '../plan.js';
import type { RemovedTally } from '../removed.js';
import type { AvcConfig } from './avc-config.js';
import { unreadable } from './refuse.js';
import type { SampleScrubber } from './samples.js';
import { cleanSei } from './sei.js';
import { timingOf, type PictureTiming } from './sps.js';
import { WINDOW, type Window } from './window.js';

const SEI = 6;
const SPS = 7;
const FILLER = 12;
/** Slices of all kinds, parameter sets, delimiters and ends. */
const DRAWN: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 7, 8, 9, 10, 11]);
/** Longer SEI goes unread. */
const LONGEST_SEI = WINDOW / 2;
/** An access unit delimiter: stands for a sample of which nothing else is left, since samples of no bytes stop players. */
const DELIMITER = Buffer.from([0x09, 0xf0]);

interface Nal {
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

export class AvcScrubber implements SampleScrubber {
  readonly #lengthSize: number;
  readonly #tally: RemovedTally;
  #timing: PictureTiming | null;

  constructor(config: AvcConfig, tally: RemovedTally) {
    this.#lengthSize = config.lengthSize;
    this.#timing = config.timing;
    this.#tally = tally;
  }

  async scrub(window: Window, offset: number, size: number, out: Plan): Promise<void> {
    const before = out.size;
    const end = offset + size;
    for (let at = offset; at < end;) {
      const nal = await this.#nalAt(window, at, end);
      if (nal.end > nal.body) await this.#scrubNal(window, nal, out);
      at = nal.end;
    }
    if (out.size === before && size > 0) out.bytes(this.#framed(DELIMITER));
  }

  /** The NAL unit at `at`. A length of 0, and zeros too few for a length at a sample's end, are read as an empty one. */
  async #nalAt(window: Window, at: number, end: number): Promise<Nal> {
    const header = Math.min(this.#lengthSize, end - at);
    await window.reach(at, Math.min(header + 1, end - at));
    const length = window.uint(at, header);
    const body = at + header;
    if (length > end - body || (header < this.#lengthSize && length > 0)) {
      unreadable('a piece of the picture is longer than its sample');
    }
    return { start: at, body, end: body + length };
  }

  async #scrubNal(window: Window, nal: Nal, out: Plan): Promise<void> {
    const type = window.uint(nal.body, 1) & 31;
    if (type === SEI) return this.#scrubSei(window, nal, out);
    if (type === SPS) await this.#noteTiming(window, nal);
    if (DRAWN.has(type) || (type === FILLER && (await isPlainFiller(window, nal)))) {
      out.copy(nal.start, nal.end - nal.start);
    } else {
      this.#tally.add('encoder-note');
    }
  }

  async #scrubSei(window: Window, nal: Nal, out: Plan): Promise<void> {
    const length = nal.end - nal.body;
    if (length > LONGEST_SEI) {
      this.#tally.add('encoder-note');
      return;
    }
    await window.reach(nal.start, nal.end - nal.start);
    const before = window.view(nal.body, length);
    const { nal: clean, removed } = cleanSei(before, this.#timing);
    this.#tally.add('encoder-note', removed);
    if (clean.equals(before)) out.copy(nal.start, nal.end - nal.start);
    else if (clean.length > 0 && clean.length <= length) out.bytes(this.#framed(clean));
  }

  async #noteTiming(window: Window, nal: Nal): Promise<void> {
    const length = Math.min(nal.end - nal.body, LONGEST_SEI);
    await window.reach(nal.body, length);
    this.#timing = timingOf(window.view(nal.body, length));
  }

  #framed(nal: Buffer): Buffer {
    const framed = Buffer.alloc(this.#lengthSize + nal.length);
    framed.writeUIntBE(nal.length, 0, this.#lengthSize);
    nal.copy(framed, this.#lengthSize);
    return framed;
  }
}

/** Filler is FF bytes and a stop bit, nothing else: anything else in it is somebody's note. */
async function isPlainFiller(window: Window, nal: Nal): Promise<boolean> {
  for (let at = nal.body + 1; at < nal.end - 1;) {
    const length = Math.min(WINDOW / 2, nal.end - 1 - at);
    await window.reach(at, length);
    if (!window.view(at, length).every((byte) => byte === 0xff)) return false;
    at += length;
  }
  await window.reach(nal.end - 1, 1);
  return nal.end - nal.body > 1 && window.uint(nal.end - 1, 1) === 0x80;
}
