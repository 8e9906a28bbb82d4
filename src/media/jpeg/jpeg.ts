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
 * Memory: one window, the profile (at most 4 MiB) and a list of at most 20,000 segments; to walk a progressive picture, 8 bytes a block.
 */
import type { ByteSource } from '../../base/source.js';
import { orientationExif, readExif, type Orientation } from '../exif.js';
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
  tallySegment,
} from './application.js';
import { Assembly, type Segment } from './assembly.js';
import {
  huffmanSlot,
  huffmanTables,
  parseFrame,
  parseScan,
  quantizationSlot,
  quantizationTables,
  type Frame,
} from './frame.js';
import {
  APP1,
  APP14,
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
import { LooksLikeText, ScanEnds, WALK_ALWAYS } from './scan-end.js';
import { nextMarker } from './walk.js';

const MAX_SCANS = 500;
/** Markers in all. A picture takes some dozens; a file of nothing but markers costs no more than a second. */
const MAX_MARKERS = 65_536;

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

class JpegScrub {
  readonly #window: Window;
  readonly #tally = new RemovedTally();
  readonly #assembly = new Assembly();
  readonly #ends: ScanEnds;
  #hasJfif = false;
  #orientation: Orientation | null = null;
  #frame: Frame | null = null;
  #scans = 0;
  #markers = 0;

  constructor(window: Window, walks: boolean) {
    this.#window = window;
    this.#ends = new ScanEnds(window, walks);
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
    const segment = { code: marker.code, offset, content };
    if (marker.code === SOS) return [await this.#scan(segment), true];
    this.#segment(segment);
    return [offset + content.length, true];
  }

  #segment(segment: Segment): void {
    const { code, content } = segment;
    if (isApplication(code)) this.#application(segment);
    else if (code === COM) this.#tally.add('comment');
    else if (code === DQT) this.#assembly.tables(segment, quantizationTables(content));
    else if (code === DHT) this.#huffmanTables(segment);
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
      this.#assembly.anew(code, plainJfif(content));
    } else if (beforePicture && isExif(code, content) && this.#orientation === null) {
      this.#orientation = readExif(content.subarray(EXIF_PREFIX.length), this.#tally);
      if (this.#orientation !== 1) this.#assembly.anew(APP1, EXIF_PREFIX, orientationExif(this.#orientation));
    } else if (beforePicture && isProfile(code, content)) {
      this.#assembly.profilePiece(content);
    } else if (beforePicture && code === APP14 && isAdobe(content)) {
      this.#assembly.anew(code, plainAdobe(content));
    } else {
      tallySegment(code, content, this.#tally);
    }
  }

  #frameHeader(segment: Segment): void {
    if (this.#frame !== null) throw unreadable('a second frame');
    this.#frame = parseFrame(segment.code, segment.content);
    for (const { quantization } of this.#frame.components) this.#assembly.use(quantizationSlot(quantization));
    this.#assembly.segment(segment);
  }

  /** The header of a scan and its data; says where the next marker stands. */
  async #scan(segment: Segment): Promise<number> {
    if (this.#frame === null) throw unreadable('a scan before its frame');
    if (++this.#scans > MAX_SCANS) throw unreadable('too many scans');
    const scan = parseScan(this.#frame, segment.content);
    for (const { dc, ac } of scan.components) {
      this.#assembly.use(huffmanSlot(0, dc));
      this.#assembly.use(huffmanSlot(1, ac));
    }
    this.#assembly.segment(segment);
    const start = segment.offset + segment.content.length;
    const { kept, next } = await this.#ends.find(this.#frame, scan, start);
    if (kept < next) this.#tally.add('unreferenced-data');
    this.#assembly.copy(start, kept - start);
    return next;
  }

  #huffmanTables(segment: Segment): void {
    const tables = huffmanTables(segment.content);
    this.#ends.define(segment.content, tables);
    this.#assembly.tables(segment, tables);
  }

  #restartInterval(segment: Segment): void {
    this.#fixed(segment, 2);
    this.#ends.interval = segment.content.readUInt16BE(0);
  }

  #fixed(segment: Segment, length: number): void {
    if (segment.content.length !== length) throw unreadable('a segment of wrong length');
    this.#assembly.segment(segment);
  }

  async #tallyTrailer(at: number): Promise<void> {
    const head = await this.#window.upTo(at, 12);
    if (head[0] === 0xff && head[1] === SOI) this.#tally.add('embedded-picture');
    else if (head.toString('latin1', 4, 8) === 'ftyp') this.#tally.add('embedded-video');
    else this.#tally.add('trailing-data');
  }

  #finish(): Scrubbing {
    if (this.#frame === null) throw unreadable('no frame');
    const plan = this.#assembly.plan(this.#tally);
    const { width, height } = this.#frame;
    const turned = (this.#orientation ?? 1) >= 5;
    return {
      type: 'image/jpeg',
      plan,
      removed: this.#tally.counts,
      width: turned ? height : width,
      height: turned ? width : height,
    };
  }
}
