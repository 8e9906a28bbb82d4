/**
 * Walks the Huffman codes of scans without making coefficients: to know where the data of a scan really end.
 *
 * A decoder stops reading when the last block is full; bytes between there and the next marker are shown to nobody. They
 * are a place to leave things, and where a damaged file's comments and trailers end up when their marker is lost.
 * For refinement scans it must be known which coefficients are not zero yet: 64 bits a block are kept for that.
 */
import type { Window } from '../window.js';
import { huffmanSlot, type Component, type Frame, type Scan } from './frame.js';
import type { ScanBits, HuffmanTables, Lookup } from './huffman.js';
import { ScanData } from './scan-data.js';

/** What a scan turned out to be: `end` is where its data end; `damaged` is one whose codes don't fit the picture. */
export type Walked = { readonly kind: 'whole'; readonly end: number } | { readonly kind: 'damaged' };

const SEQUENTIAL = new Set([0xc0, 0xc1]);
const PROGRESSIVE = 0xc2;
/** A larger progressive picture would take too much memory for its 64 bits a block. */
const MAX_BLOCKS = 2 ** 21;
/** Blocks visited in all scans together: a run code stands for 32,767 of them, so few bytes can ask for many. */
const MAX_VISITS = 2 ** 26;

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

export class ScanWalker {
  readonly #window: Window;
  readonly #progressive: boolean;
  readonly #planes: readonly Plane[];
  readonly #groupsWide: number;
  readonly #groupsHigh: number;
  #endRun = 0;
  #damaged = false;
  #visits = 0;

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
   * `null` where that can't be done: a table is missing, which some decoders bring themselves, or it would take too long.
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
    const alone = channels.length === 1 ? channels[0] : undefined;
    const wide = alone?.plane.wide ?? this.#groupsWide;
    const total = wide * (alone?.plane.high ?? this.#groupsHigh);
    this.#visits += total;
    if (this.#visits > MAX_VISITS) return null;
    this.#endRun = 0;
    this.#damaged = false;
    const data = new ScanData(this.#window, limit);
    await data.begin(start);
    for (let group = 0; group < total; group++) {
      if (data.runsLow) await data.goOn();
      if (interval > 0 && group > 0 && group % interval === 0) this.#restart(data);
      const [row, column] = [Math.floor(group / wide), group % wide];
      if (alone === undefined) this.#group(data.bits, scan, channels, row, column);
      else this.#block(data.bits, scan, alone, row * alone.plane.stride + column);
      if (this.isDamaged || data.bits.isShort) return { kind: 'damaged' };
    }
    return { kind: 'whole', end: data.position };
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
    this.#endRun--;
    const [low, high] = [nonZero[block * 2] ?? 0, nonZero[block * 2 + 1] ?? 0];
    if (low !== 0 || high !== 0) pastZeros(bits, nonZero, block, k, scan.last, 64);
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
