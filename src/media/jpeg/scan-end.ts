/**
 * Where a scan ends: not at the next marker, but behind the codes of its last block.
 *
 * Walking codes costs ten times what finding a marker does. So it is done in small files always, and in large ones where
 * the end of a scan looks like text: that is where a comment or a trailer ends up whose marker was lost.
 */
import { KiB } from '../../base/units.js';
import { CODED_TAIL, CODED_TEXT, holdsText } from '../text-like.js';
import { unreadable } from '../unreadable.js';
import type { Window } from '../window.js';
import type { Frame, Scan, Table } from './frame.js';
import { HuffmanTables } from './huffman.js';
import { isWalkable, ScanWalker } from './scan-walk.js';
import { endOfScan } from './walk.js';

/** Files up to this size are walked in any case. */
export const WALK_ALWAYS = 512 * KiB;
/** How much of a scan's end is looked at for text where it can be walked then. */
const TAIL = 64 * KiB;

/** A scan of a large file ends in what may be text: all scans must be walked, from the first on. */
export class LooksLikeText extends Error {}

/** The data of a scan: what is kept of them, and where the next marker stands. */
export interface ScanEnd {
  readonly kept: number;
  readonly next: number;
}

export class ScanEnds {
  readonly #window: Window;
  readonly #walks: boolean;
  readonly #huffman = new HuffmanTables();
  #walker: ScanWalker | null = null;
  /** Groups of blocks between two restart markers; 0 for none. */
  interval = 0;

  constructor(window: Window, walks: boolean) {
    this.#window = window;
    this.#walks = walks;
  }

  /** Takes in the Huffman tables of a segment, whose content holds them. */
  define(content: Buffer, tables: readonly Table[]): void {
    if (!this.#walks) return;
    for (const { slot, offset, length } of tables)
      this.#huffman.define(slot, content.subarray(offset, offset + length));
  }

  /** The end of the scan whose data begin at `start`. Refuses data that don't fit the picture where it walks them. */
  async find(frame: Frame, scan: Scan, start: number): Promise<ScanEnd> {
    const next = await endOfScan(this.#window, start);
    if (next === start) throw unreadable('a scan without data');
    if (!this.#walks || !isWalkable(frame)) {
      await this.#checkTail(start, next, isWalkable(frame));
      return { kept: next, next };
    }
    this.#walker ??= new ScanWalker(this.#window, frame);
    const walked = await this.#walker.walk(scan, this.#huffman, this.interval, start, next);
    if (walked === null) await this.#checkTail(start, next, false);
    if (walked?.kind === 'damaged') throw unreadable('its picture data are damaged');
    return { kept: walked?.end ?? next, next };
  }

  /** Data that can't be walked must at least not end in text. */
  async #checkTail(start: number, end: number, walkable: boolean): Promise<void> {
    const from = Math.max(start, end - (walkable ? TAIL : CODED_TAIL));
    if (!holdsText(await this.#window.upTo(from, end - from), CODED_TEXT)) return;
    throw walkable ? new LooksLikeText() : unreadable('its picture data end in text');
  }
}
