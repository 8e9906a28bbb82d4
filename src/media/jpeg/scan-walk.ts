/**
 * Walks the Huffman codes of scans without making coefficients: to know where the data of a scan really end.
 *
 * A decoder stops reading when the last block is full; bytes between there and the next marker are shown to nobody. They
 * are a place to leave things, and where a damaged file's comments and trailers end up when their marker is lost.
 * For refinement scans it must be known which coefficients are not zero yet: 64 bits a block are kept for that.
 */
import type { Window } from '../window.js';
import { KiB } from '../../base/units.js';
import { huffmanSlot, type Component, type Frame, type Scan } from './frame.js';
import { ScanBits, type HuffmanTables, type Lookup } from './huffman.js';
import { isRestart } from './marker.js';

/** What a scan turned out to be: `end` is where its data end; `damaged` is one whose codes don't fit the picture. */
export type Walked = { readonly kind: 'whole'; readonly end: number } | { readonly kind: 'damaged' };

const SEQUENTIAL = new Set([0xc0, 0xc1]);
const PROGRESSIVE = 0xc2;
/** Pieces of a scan that are in memory at a time; no group of blocks takes more than the reserve. */
const PIECE = 256 * KiB;
const RESERVE = 16 * KiB;
/** Bytes before the next one that may have been looked at only. */
const LOOKED_AT = 8;
/** A larger progressive picture would take too much memory for its 64 bits a block. */
const MAX_BLOCKS = 2 ** 21;

interface Plane {
  readonly component: Component;
  /** Blocks that a scan of this component alone has, and those that rows of whole groups have. */
  readonly wide: number;
  readonly high: number;
  readonly stride: number;
  readonly nonZero: Uint32Array;
}

interface Channel {
  readonly plane: Plane;
  readonly dc: Lookup | null;
  readonly ac: Lookup | null;
}

/** Whether scans of such a frame can be walked at all. */
export function isWalkable(frame: Frame): boolean {
  if (SEQUENTIAL.has(frame.code)) return true;
  const blocks = Math.ceil(frame.width / 8) * Math.ceil(frame.height / 8) * frame.components.length;
  return frame.code === PROGRESSIVE && blocks <= MAX_BLOCKS;
}

/** The data of one scan, a piece at a time. Pieces are copies, because the window moves on while a piece is in use. */
class ScanData {
  readonly #window: Window;
  readonly #limit: number;
  #base = 0;
  #bytes: Buffer = Buffer.alloc(0);
  bits = new ScanBits(Buffer.alloc(0), 0);

  constructor(window: Window, limit: number) {
    this.#window = window;
    this.#limit = limit;
  }

  async begin(start: number): Promise<void> {
    await this.#load(start);
    this.bits = new ScanBits(this.#bytes, 0);
  }

  /** Whether the next group may not be here as a whole. */
  get runsLow(): boolean {
    return this.bits.taken > this.#bytes.length - RESERVE && this.#base + this.#bytes.length < this.#limit;
  }

  async goOn(): Promise<void> {
    await this.#load(this.#base + this.bits.taken - LOOKED_AT);
    this.bits.moveTo(this.#bytes, LOOKED_AT);
  }

  /** Where in the file the next byte stands that was not read. */
  get position(): number {
    return this.#base + this.bits.position;
  }

  /** Passes a restart marker, and fill bytes before it. */
  passRestart(): boolean {
    let at = this.bits.position;
    while (this.#bytes[at] === 0xff && this.#bytes[at + 1] === 0xff) at++;
    if (this.#bytes[at] !== 0xff || !isRestart(this.#bytes[at + 1] ?? 0)) return false;
    this.bits.restart(at + 2);
    return true;
  }

  async #load(at: number): Promise<void> {
    this.#base = at;
    this.#bytes = Buffer.from(await this.#window.upTo(at, Math.min(PIECE, this.#limit - at)));
  }
}

export class ScanWalker {
  readonly #window: Window;
  readonly #progressive: boolean;
  readonly #planes: readonly Plane[];
  readonly #groupsWide: number;
  readonly #groupsHigh: number;
  #endRun = 0;
  #damaged = false;

  constructor(window: Window, frame: Frame) {
    this.#window = window;
    this.#progressive = frame.code === PROGRESSIVE;
    const most = {
      horizontal: Math.max(...frame.components.map(({ horizontal }) => horizontal)),
      vertical: Math.max(...frame.components.map(({ vertical }) => vertical)),
    };
    this.#groupsWide = Math.ceil(frame.width / (8 * most.horizontal));
    this.#groupsHigh = Math.ceil(frame.height / (8 * most.vertical));
    this.#planes = frame.components.map((component) => {
      const stride = this.#groupsWide * component.horizontal;
      const blocks = this.#progressive ? stride * this.#groupsHigh * component.vertical : 0;
      return {
        component,
        wide: Math.ceil(Math.ceil((frame.width * component.horizontal) / most.horizontal) / 8),
        high: Math.ceil(Math.ceil((frame.height * component.vertical) / most.vertical) / 8),
        stride,
        nonZero: new Uint32Array(blocks * 2),
      };
    });
  }

  get isDamaged(): boolean {
    return this.#damaged;
  }

  /**
   * Walks the scan whose data stand from `start` to at most `limit`, with restarts every `interval` groups (0: none).
   * `null` where a table is missing: some decoders bring their own.
   */
  async walk(
    scan: Scan,
    tables: HuffmanTables,
    interval: number,
    start: number,
    limit: number,
  ): Promise<Walked | null> {
    const channels = this.#channels(scan, tables);
    if (channels === null) return null;
    const data = new ScanData(this.#window, limit);
    await data.begin(start);
    return (await this.#groups(data, scan, channels, interval))
      ? { kind: 'whole', end: data.position }
      : { kind: 'damaged' };
  }

  /** Whether all groups of the scan could be walked. A scan of one component has a block to a group. */
  async #groups(data: ScanData, scan: Scan, channels: readonly Channel[], interval: number): Promise<boolean> {
    this.#endRun = 0;
    this.#damaged = false;
    const alone = channels.length === 1 ? channels[0] : undefined;
    const wide = alone?.plane.wide ?? this.#groupsWide;
    const total = wide * (alone?.plane.high ?? this.#groupsHigh);
    for (let group = 0; group < total; group++) {
      if (data.runsLow) await data.goOn();
      if (interval > 0 && group > 0 && group % interval === 0) this.#restart(data);
      const [row, column] = [Math.floor(group / wide), group % wide];
      if (alone === undefined) this.#group(data.bits, scan, channels, row, column);
      else this.#block(data.bits, scan, alone, row * alone.plane.stride + column);
      if (this.isDamaged || data.bits.isShort) return false;
    }
    return true;
  }

  #channels(scan: Scan, tables: HuffmanTables): Channel[] | null {
    const channels: Channel[] = [];
    for (const { id, dc, ac } of scan.components) {
      const plane = this.#planes.find(({ component }) => component.id === id);
      const channel = { dc: tables.lookup(huffmanSlot(0, dc)), ac: tables.lookup(huffmanSlot(1, ac)) };
      const lacksDc = scan.first === 0 && scan.high === 0 && channel.dc === null;
      const lacksAc = (!this.#progressive || scan.first > 0) && channel.ac === null;
      if (plane === undefined || lacksDc || lacksAc) return null;
      channels.push({ plane, ...channel });
    }
    return channels;
  }

  /** Passes a restart marker. Anything else where one must be is damage. */
  #restart(data: ScanData): void {
    if (data.passRestart()) this.#endRun = 0;
    else this.#damaged = true;
  }

  #group(bits: ScanBits, scan: Scan, channels: readonly Channel[], row: number, column: number): void {
    for (const channel of channels) {
      const { horizontal, vertical } = channel.plane.component;
      for (let y = 0; y < vertical; y++) {
        for (let x = 0; x < horizontal; x++) {
          const block = (row * vertical + y) * channel.plane.stride + column * horizontal + x;
          this.#block(bits, scan, channel, block);
        }
      }
    }
  }

  #block(bits: ScanBits, scan: Scan, { plane, dc, ac }: Channel, block: number): void {
    if (!this.#progressive) {
      if (dc !== null && ac !== null) this.#sequential(bits, dc, ac);
    } else if (scan.first === 0) {
      if (scan.high > 0) bits.skip(1);
      else if (dc !== null) this.#difference(bits, dc);
    } else if (ac !== null) {
      if (scan.high === 0) this.#firstPass(bits, scan, ac, plane.nonZero, block);
      else this.#refinement(bits, scan, ac, plane.nonZero, block);
    }
  }

  #difference(bits: ScanBits, dc: Lookup): void {
    const size = bits.symbol(dc);
    if (size < 0 || size > 16) this.#damaged = true;
    else bits.skip(size);
  }

  #sequential(bits: ScanBits, dc: Lookup, ac: Lookup): void {
    this.#difference(bits, dc);
    for (let k = 1; k < 64; k++) {
      const symbol = bits.symbol(ac);
      if (symbol < 0) {
        this.#damaged = true;
        return;
      }
      const size = symbol & 15;
      if (size === 0 && symbol !== 0xf0) return;
      k += symbol >> 4;
      bits.skip(size);
    }
  }

  #firstPass(bits: ScanBits, scan: Scan, ac: Lookup, nonZero: Uint32Array, block: number): void {
    if (this.#endRun > 0) {
      this.#endRun--;
      return;
    }
    for (let k = scan.first; k <= scan.last; k++) {
      const symbol = bits.symbol(ac);
      if (symbol < 0) {
        this.#damaged = true;
        return;
      }
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size === 0 && run < 15) {
        this.#endRun = (1 << run) - 1 + bits.take(run);
        return;
      }
      k += run;
      bits.skip(size);
      if (size > 0 && k < 64) mark(nonZero, block, k);
    }
  }

  #refinement(bits: ScanBits, scan: Scan, ac: Lookup, nonZero: Uint32Array, block: number): void {
    let k = scan.first;
    while (this.#endRun === 0 && k <= scan.last) {
      const symbol = bits.symbol(ac);
      if (symbol < 0) {
        this.#damaged = true;
        return;
      }
      const [run, size] = [symbol >> 4, symbol & 15];
      if (size === 0 && run < 15) {
        this.#endRun = (1 << run) + bits.take(run);
        break;
      }
      if (size > 0) bits.skip(1);
      k = pastZeros(bits, nonZero, block, k, scan.last, run);
      if (size > 0 && k <= scan.last) mark(nonZero, block, k);
      k++;
    }
    if (this.#endRun === 0) return;
    pastZeros(bits, nonZero, block, k, scan.last, 64);
    this.#endRun--;
  }
}

function mark(nonZero: Uint32Array, block: number, k: number): void {
  const at = block * 2 + (k >> 5);
  nonZero[at] = (nonZero[at] ?? 0) | (1 << (k & 31));
}

/** Passes over `run` coefficients that are zero still, and reads a bit for each that isn't; says where it stops. */
function pastZeros(
  bits: ScanBits,
  nonZero: Uint32Array,
  block: number,
  from: number,
  last: number,
  run: number,
): number {
  let left = run;
  let k = from;
  for (; k <= last; k++) {
    if ((((nonZero[block * 2 + (k >> 5)] ?? 0) >>> (k & 31)) & 1) === 1) bits.skip(1);
    else if (--left < 0) break;
  }
  return k;
}
