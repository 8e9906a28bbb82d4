/**
 * JPEG, scrubbed by allow-list (ITU-T T.81; JFIF 1.02; the Adobe segment as libjpeg reads it).
 *
 *   SOI ‖ (JFIF | EXIF with an orientation | ICC | Adobe | DQT | DHT | DAC | DRI | SOF | SOS scan | DNL)* ‖ EOI
 *
 * What holds: scans are copied as they are, so coefficients are identical bit for bit; their codes are walked, in files up
 * to `WALK_ALWAYS` and wherever a scan's end looks like text, and what stands behind the last one goes. Frame and tables
 * are copied likewise, but tables that no scan uses are left out. JFIF, orientation, ICC and Adobe are written anew where they stood, because
 * decoders take the colour model from them and from their place. All else goes: other application segments, comments,
 * bytes between segments, fill bytes, everything behind EOI (second pictures, gain maps, films).
 * What doesn't hold: what is hidden in the coefficients themselves stays, and so does what is no text behind the codes of a
 * larger file, or of an arithmetic-coded or lossless one; that is for the hard scrub.
 * Memory: one window, the profile (at most 4 MiB) and a list of at most `MAX_PARTS` segments.
 */
import type { ByteSource } from '../../base/source.js';
import { orientationExif, readExif, type Orientation } from '../exif.js';
import { reduceProfile } from '../icc.js';
import { CODED_TAIL, CODED_TEXT, holdsText } from '../text-like.js';
import { KiB } from '../../base/units.js';
import { Plan } from '../plan.js';
import { RemovedTally } from '../removed.js';
import type { Scrubbing } from '../scrub.js';
import { unreadable } from '../unreadable.js';
import { Window } from '../window.js';
import {
  EXIF_PREFIX,
  hasThumbnail,
  isAdobe,
  isExif,
  isJfif,
  isProfile,
  plainAdobe,
  plainJfif,
  ProfileCollector,
  profileSegments,
  tallySegment,
} from './application.js';
import {
  huffmanSlot,
  huffmanTables,
  parseFrame,
  parseScan,
  quantizationSlot,
  quantizationTables,
  type Frame,
  type Scan,
  type Table,
} from './frame.js';
import {
  APP1,
  APP14,
  APP2,
  COM,
  DAC,
  DHT,
  DNL,
  DQT,
  DRI,
  EOI,
  isApplication,
  isBare,
  isFrameStart,
  SOI,
  SOS,
} from './marker.js';
import { HuffmanTables } from './huffman.js';
import { isWalkable, ScanWalker } from './scan-walk.js';
import { endOfScan, nextMarker } from './walk.js';

/** Up to this size every scan is walked to its end; in larger files where what stands at a scan's end looks like text. */
const WALK_ALWAYS = 512 * KiB;
/** How much of a scan's end is looked at for text where it can be walked then. */
const TAIL = 64 * KiB;
const MAX_SCANS = 500;
/** Markers in all. A picture takes some dozens; a file of nothing but markers costs no more than a second. */
const MAX_MARKERS = 65_536;
const MAX_PARTS = 20_000;

/** A stretch of the result, in order. Tables and the profile are decided when the whole file has been seen. */
type Part =
  | { readonly kind: 'copy'; readonly offset: number; readonly length: number }
  | { readonly kind: 'anew'; readonly bytes: Buffer }
  | { readonly kind: 'tables'; readonly code: number; readonly offset: number; readonly tables: readonly Table[] }
  | { readonly kind: 'profile' };

interface Segment {
  readonly code: number;
  /** Where its content begins, behind marker and length, and that content. */
  readonly offset: number;
  readonly content: Buffer;
}

export async function scrubJpeg(source: ByteSource): Promise<Scrubbing> {
  const window = new Window(source);
  try {
    try {
      return await new JpegScrub(window, source.size <= WALK_ALWAYS).run();
    } catch (error) {
      if (!(error instanceof LooksLikeText)) throw error;
      return await new JpegScrub(window, true).run();
    }
  } finally {
    window.close();
  }
}

/** A scan ends in what may be text: its codes must be walked. */
class LooksLikeText extends Error {}

class JpegScrub {
  readonly #window: Window;
  readonly #tally = new RemovedTally();
  readonly #parts: Part[] = [];
  readonly #usedTables = new Set<string>();
  readonly #profile = new ProfileCollector();
  readonly #huffman = new HuffmanTables();
  readonly #walks: boolean;
  #walker: ScanWalker | null = null;
  #scanHead: Scan | null = null;
  #interval = 0;
  #hasJfif = false;
  #orientation: Orientation | null = null;
  #frame: Frame | null = null;
  #scans = 0;
  #markers = 0;

  constructor(window: Window, walks: boolean) {
    this.#window = window;
    this.#walks = walks;
  }

  async run(): Promise<Scrubbing> {
    const start = await this.#window.bytes(0, 2);
    if (start.readUInt16BE(0) !== 0xff00 + SOI) throw unreadable('no start of image');
    let at = 2;
    for (let more = true; more;) [at, more] = await this.#step(at);
    if (at < this.#window.size) await this.#tallyTrailer(at);
    return this.#finish();
  }

  /** Reads one marker with what belongs to it; says where the next begins, and whether there may be one. */
  async #step(at: number): Promise<[number, boolean]> {
    const marker = await nextMarker(this.#window, at);
    if (marker === null || marker.code === EOI) {
      // A picture that ends without EOI behind its scans is shown by every decoder: EOI is written for it.
      if (this.#scans === 0) throw unreadable('it ends before its picture begins');
      return [marker?.end ?? this.#window.size, false];
    }
    if (++this.#markers > MAX_MARKERS) throw unreadable('too many segments');
    if (marker.stray > 0) this.#tally.add('unreferenced-data');
    if (isBare(marker.code)) return [marker.end, true];
    const length = (await this.#window.bytes(marker.end, 2)).readUInt16BE(0);
    if (length < 2) throw unreadable('a segment of wrong length');
    const offset = marker.end + 2;
    const content = await this.#window.bytes(offset, length - 2);
    const end = offset + content.length;
    const segment = { code: marker.code, offset, content };
    this.#segment(segment);
    return [marker.code === SOS ? await this.#scan(end) : end, true];
  }

  #segment(segment: Segment): void {
    const { code, content } = segment;
    if (isApplication(code)) this.#application(segment);
    else if (code === COM) this.#tally.add('comment');
    else if (code === DQT) this.#tables(segment, quantizationTables(content));
    else if (code === DHT) this.#huffmanTables(segment);
    else if (code === SOS) this.#scanHeader(segment);
    else if (isFrameStart(code)) this.#frameHeader(segment);
    else if (code === DRI) this.#restartInterval(segment);
    else if (code === DNL) this.#fixed(segment, 2);
    else if (code === DAC) this.#fixed(segment, content.length & ~1);
    else throw unreadable('a marker that no decoder of still pictures knows');
  }

  #application({ code, content }: Segment): void {
    const beforePicture = this.#scans === 0;
    if (beforePicture && isJfif(code, content) && !this.#hasJfif) {
      this.#hasJfif = true;
      if (hasThumbnail(content)) this.#tally.add('thumbnail');
      this.#anew(code, plainJfif(content));
    } else if (beforePicture && isExif(code, content) && this.#orientation === null) {
      this.#orientation = readExif(content.subarray(EXIF_PREFIX.length), this.#tally);
      if (this.#orientation !== 1) this.#anew(APP1, EXIF_PREFIX, orientationExif(this.#orientation));
    } else if (beforePicture && isProfile(code, content)) {
      if (this.#profile.isEmpty) this.#part({ kind: 'profile' });
      this.#profile.add(content);
    } else if (beforePicture && code === APP14 && isAdobe(content)) {
      this.#anew(code, plainAdobe(content));
    } else {
      tallySegment(code, content, this.#tally);
    }
  }

  #frameHeader(segment: Segment): void {
    if (this.#frame !== null) throw unreadable('a second frame');
    this.#frame = parseFrame(segment.code, segment.content);
    for (const { quantization } of this.#frame.components) this.#usedTables.add(quantizationSlot(quantization));
    this.#copySegment(segment);
  }

  #scanHeader(segment: Segment): void {
    if (this.#frame === null) throw unreadable('a scan before its frame');
    if (++this.#scans > MAX_SCANS) throw unreadable('too many scans');
    this.#scanHead = parseScan(this.#frame, segment.content);
    for (const { dc, ac } of this.#scanHead.components) {
      this.#usedTables.add(huffmanSlot(0, dc)).add(huffmanSlot(1, ac));
    }
    this.#copySegment(segment);
  }

  async #scan(start: number): Promise<number> {
    const end = await endOfScan(this.#window, start);
    if (end === start) throw unreadable('a scan without data');
    const kept = await this.#endOfCodes(start, end);
    if (kept < end) this.#tally.add('unreferenced-data');
    this.#part({ kind: 'copy', offset: start, length: kept - start });
    return end;
  }

  /** Where in the data of a scan its codes end. Data that can't be walked must at least not end in text. */
  async #endOfCodes(start: number, end: number): Promise<number> {
    const [frame, scan] = [this.#frame, this.#scanHead];
    const walkable = frame !== null && scan !== null && isWalkable(frame);
    const tail = walkable ? TAIL : CODED_TAIL;
    if (!this.#walks || !walkable) {
      const from = Math.max(start, end - tail);
      if (!holdsText(await this.#window.upTo(from, end - from), CODED_TEXT)) return end;
      throw walkable ? new LooksLikeText() : unreadable('its picture data end in text');
    }
    this.#walker ??= new ScanWalker(this.#window, frame);
    const walked = await this.#walker.walk(scan, this.#huffman, this.#interval, start, end);
    if (walked?.kind === 'damaged') throw unreadable('its picture data are damaged');
    return walked?.end ?? end;
  }

  #tables({ code, offset }: Segment, tables: readonly Table[]): void {
    this.#part({ kind: 'tables', code, offset, tables });
  }

  #huffmanTables(segment: Segment): void {
    const tables = huffmanTables(segment.content);
    if (this.#walks) {
      for (const { slot, offset, length } of tables) {
        this.#huffman.define(slot, segment.content.subarray(offset, offset + length));
      }
    }
    this.#tables(segment, tables);
  }

  #restartInterval(segment: Segment): void {
    this.#fixed(segment, 2);
    this.#interval = segment.content.readUInt16BE(0);
  }

  #fixed(segment: Segment, length: number): void {
    if (segment.content.length !== length) throw unreadable('a segment of wrong length');
    this.#copySegment(segment);
  }

  #copySegment({ code, offset, content }: Segment): void {
    this.#part({ kind: 'anew', bytes: segmentHead(code, content.length) });
    this.#part({ kind: 'copy', offset, length: content.length });
  }

  #anew(code: number, ...contents: readonly Buffer[]): void {
    const length = contents.reduce((sum, each) => sum + each.length, 0);
    this.#part({ kind: 'anew', bytes: Buffer.concat([segmentHead(code, length), ...contents]) });
  }

  #part(part: Part): void {
    if (this.#parts.length >= MAX_PARTS) throw unreadable('too many segments');
    this.#parts.push(part);
  }

  async #tallyTrailer(at: number): Promise<void> {
    const head = await this.#window.upTo(at, 12);
    if (head.readUIntBE(0, Math.min(2, head.length)) === 0xff00 + SOI) this.#tally.add('embedded-picture');
    else if (head.toString('latin1', 4, 8) === 'ftyp') this.#tally.add('embedded-video');
    else this.#tally.add('trailing-data');
  }

  #finish(): Scrubbing {
    const frame = this.#frame;
    if (frame === null) throw unreadable('no frame');
    const plan = new Plan().bytes(Buffer.from([0xff, SOI]));
    for (const part of this.#parts) this.#emit(plan, part);
    plan.bytes(Buffer.from([0xff, EOI]));
    const turned = (this.#orientation ?? 1) >= 5;
    const [width, height] = turned ? [frame.height, frame.width] : [frame.width, frame.height];
    return { type: 'image/jpeg', plan, removed: this.#tally.counts, width, height };
  }

  #emit(plan: Plan, part: Part): void {
    switch (part.kind) {
      case 'copy':
        plan.copy(part.offset, part.length);
        break;
      case 'anew':
        plan.bytes(part.bytes);
        break;
      case 'tables':
        this.#emitTables(plan, part.code, part.offset, part.tables);
        break;
      case 'profile':
        this.#emitProfile(plan);
        break;
    }
  }

  #emitTables(plan: Plan, code: number, offset: number, tables: readonly Table[]): void {
    const used = tables.filter(({ slot }) => this.#usedTables.has(slot));
    if (used.length < tables.length) this.#tally.add('unreferenced-data', tables.length - used.length);
    if (used.some(({ hasZero }) => hasZero)) throw unreadable('a quantization table with a zero');
    if (used.length === 0) return;
    plan.bytes(
      segmentHead(
        code,
        used.reduce((sum, { length }) => sum + length, 0),
      ),
    );
    for (const table of used) plan.copy(offset + table.offset, table.length);
  }

  #emitProfile(plan: Plan): void {
    const profile = this.#profile.profile();
    const reduced = profile === null ? null : reduceProfile(profile);
    const segments = reduced === null ? [] : profileSegments(reduced);
    if (!this.#profile.isExactly(segments)) this.#tally.add('colour-profile-detail');
    for (const segment of segments) plan.bytes(segmentHead(APP2, segment.length)).bytes(segment);
  }
}

/** Marker and length, which counts itself. */
function segmentHead(code: number, length: number): Buffer {
  return Buffer.from([0xff, code, (length + 2) >> 8, (length + 2) & 0xff]);
}
