/**
 * The live progress of an upload as a GIF that is sent while it grows: `progressHeader()` once, `progressFrame(…)` for
 * each change, `progressTrailer()` at the end. It shows what the server has truly received, in the reader's language.
 *
 * Twice as many pixels as the page shows it with, so that words are smooth with one colour of ink. A frame is 1 to 3 KB:
 * two frames a second are enough, one a second is fine.
 */
import { MB } from '../base/units.js';
import { gifFrame, gifHeader, gifTrailer } from './gif.js';
import type { Palette } from './gif.js';
import { STRIP_HEIGHT } from './progress-strips.js';
import { writerOf, type Cell, type Strip, type Writer } from './progress-words.js';
import type { Language } from './texts/texts.js';

/** How far an upload is. `total` is null where the client didn't say how much comes. */
export type ProgressState =
  | {
      readonly kind: 'receiving';
      readonly received: number;
      readonly total: number | null;
      /** Over the last seconds; null until that is known. */
      readonly bytesPerSecond: number | null;
    }
  | { readonly kind: 'waiting' | 'checking' | 'removing' | 'sealing' | 'done' | 'refused' | 'cut-off' }
  | { readonly kind: 'too-large'; readonly limit: number };

export const PROGRESS_WIDTH = 592;
export const PROGRESS_HEIGHT = 164;

const BAR_HEIGHT = 20;
const FIRST_LINE = 30;
/** Between words, and the least between what stands at the two ends of a line. */
const SPACE = 10;

// Nought is the paper.
const BAR = 1;
const TRACK = 2;
const INK = 3;
const CALM: Palette = [
  [255, 255, 255],
  [11, 107, 98],
  [214, 222, 220],
  [38, 50, 48],
];
const ALARM: Palette = [
  [255, 255, 255],
  [178, 58, 26],
  [238, 214, 204],
  [122, 36, 14],
];

export function progressHeader(): Buffer {
  return gifHeader(PROGRESS_WIDTH, PROGRESS_HEIGHT, CALM);
}

export function progressFrame(language: Language, state: ProgressState): Buffer {
  const pixels = new Uint8Array(PROGRESS_WIDTH * PROGRESS_HEIGHT);
  const writer = writerOf(language);
  drawBar(pixels, fractionOf(state), writer.rightToLeft);
  for (const [at, line] of linesOf(writer, state).entries()) {
    drawLine(pixels, line, FIRST_LINE + at * STRIP_HEIGHT, writer.rightToLeft);
  }
  return gifFrame(PROGRESS_WIDTH, PROGRESS_HEIGHT, pixels, ALARMS.has(state.kind) ? ALARM : undefined);
}

export function progressTrailer(): Buffer {
  return gifTrailer();
}

/** Pixels that are free in the tightest line of a frame; negative where words would run into each other. */
export function progressRoom(language: Language, state: ProgressState): number {
  const lines = linesOf(writerOf(language), state);
  return Math.min(...lines.map(({ start, end }) => PROGRESS_WIDTH - SPACE - widthOf(start) - widthOf(end)));
}

interface Line {
  readonly start: readonly Cell[];
  readonly end: readonly Cell[];
}

const STEPS = { checking: 2, removing: 3, sealing: 4 } as const;
const ALARMS: ReadonlySet<ProgressState['kind']> = new Set(['refused', 'cut-off', 'too-large']);

function fractionOf(state: ProgressState): number {
  if (state.kind === 'waiting' || state.kind === 'cut-off') return 0;
  if (state.kind !== 'receiving') return 1;
  const { received, total } = state;
  if (total === null) return 0;
  return total === 0 ? 1 : Math.min(1, received / total);
}

function linesOf(writer: Writer, state: ProgressState): readonly Line[] {
  const only = (start: readonly Cell[]): Line => ({ start, end: [] });
  switch (state.kind) {
    case 'receiving':
      return receivingLines(writer, state);
    case 'checking':
    case 'removing':
    case 'sealing':
      return [only(step(writer, STEPS[state.kind], state.kind))];
    case 'waiting':
    case 'done':
    case 'refused':
      return [only(writer.words(`picture.${state.kind}`))];
    case 'cut-off':
      return [only(writer.words('picture.cutOff'))];
    case 'too-large':
      return [
        only(writer.words('picture.tooLarge')),
        only(writer.words('picture.limit', { size: size(writer, state.limit) })),
      ];
  }
}

function receivingLines(writer: Writer, state: Extract<ProgressState, { kind: 'receiving' }>): readonly Line[] {
  const { received, total, bytesPerSecond } = state;
  const first = step(writer, 1, 'receiving');
  const rate = bytesPerSecond === null ? [] : writer.words('picture.rate', { size: size(writer, bytesPerSecond) });
  const last = { start: rate, end: [] };
  if (total === null) return [{ start: first, end: [] }, { start: size(writer, received), end: [] }, last];
  const left = bytesPerSecond
    ? writer.words('picture.left', { time: clock(writer, (total - received) / bytesPerSecond) })
    : [];
  return [
    // Rounded down: 100 % is only ever said of everything.
    { start: first, end: writer.percent(Math.floor(fractionOf(state) * 100) / 100) },
    { start: amount(writer, received, total), end: left },
    last,
  ];
}

function step(writer: Writer, number: number, kind: keyof typeof STEPS | 'receiving'): readonly Cell[] {
  const [word, ...more] = writer.words(`picture.${kind}`);
  return [...writer.joined([number, 4], '/'), ...(word === undefined ? [] : [{ ...word, apart: true }]), ...more];
}

/** `8.9 / 24.0 MB`: both in the unit of the whole, so that they can be compared at a glance. */
function amount(writer: Writer, received: number, total: number): readonly Cell[] {
  if (total < MB) {
    const pair = {
      received: whole(writer, Math.floor(received / 1000)),
      total: whole(writer, Math.ceil(total / 1000)),
    };
    return writer.words('picture.kilobytes', { amount: writer.words('picture.amount', pair) });
  }
  const pair = { received: writer.tenths(received / MB), total: writer.tenths(total / MB) };
  return writer.words('picture.megabytes', { amount: writer.words('picture.amount', pair) });
}

function size(writer: Writer, bytes: number): readonly Cell[] {
  if (bytes < MB) return writer.words('picture.kilobytes', { amount: whole(writer, Math.round(bytes / 1000)) });
  const megabytes = bytes / MB;
  const figure = Number.isInteger(megabytes) ? whole(writer, megabytes) : writer.tenths(megabytes);
  return writer.words('picture.megabytes', { amount: figure });
}

const whole = (writer: Writer, value: number): readonly Cell[] => writer.joined([value], '/');

/** Minutes and seconds, hours where there are any. */
function clock(writer: Writer, seconds: number): readonly Cell[] {
  const left = Math.min(100 * 3600 - 1, Math.max(0, Math.ceil(seconds)));
  const parts = [Math.floor(left / 60) % 60, left % 60];
  const hours = Math.floor(left / 3600);
  return writer.joined(hours > 0 ? [hours, ...parts] : parts, ':', 2);
}

function drawBar(pixels: Uint8Array, fraction: number, rightToLeft: boolean): void {
  // Whole pixels of the page, which are two of these: the edge of the bar stays sharp.
  const filled = 2 * Math.round((Math.max(0, Math.min(1, fraction)) * PROGRESS_WIDTH) / 2);
  const [from, to] = rightToLeft ? [PROGRESS_WIDTH - filled, PROGRESS_WIDTH] : [0, filled];
  for (let y = 0; y < BAR_HEIGHT; y++) {
    const row = y * PROGRESS_WIDTH;
    pixels.fill(TRACK, row, row + PROGRESS_WIDTH);
    pixels.fill(BAR, row + from, row + to);
  }
}

function drawLine(pixels: Uint8Array, { start, end }: Line, top: number, rightToLeft: boolean): void {
  drawCells(pixels, start, 0, top, rightToLeft);
  drawCells(pixels, end, PROGRESS_WIDTH - widthOf(end), top, rightToLeft);
}

/** `from` is the distance of the first cell from the side where reading begins. */
function drawCells(pixels: Uint8Array, cells: readonly Cell[], from: number, top: number, rightToLeft: boolean): void {
  let at = from;
  for (const [index, cell] of cells.entries()) {
    if (index > 0 && cell.apart) at += SPACE;
    const width = cellWidth(cell);
    let x = rightToLeft ? PROGRESS_WIDTH - at - width : at;
    for (const strip of cell.strips) {
      drawStrip(pixels, strip, x, top);
      x += strip.width;
    }
    at += width;
  }
}

function cellWidth({ strips }: Cell): number {
  return strips.reduce((sum, { width }) => sum + width, 0);
}

function widthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, cell, index) => sum + cellWidth(cell) + (index > 0 && cell.apart ? SPACE : 0), 0);
}

function drawStrip(pixels: Uint8Array, { width, rows }: Strip, left: number, top: number): void {
  const stride = Math.ceil(width / 8);
  for (let y = 0; y < STRIP_HEIGHT; y++) {
    for (let x = 0; x < width; x++) {
      const set = ((rows[y * stride + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1;
      const inside = left + x >= 0 && left + x < PROGRESS_WIDTH;
      if (set === 1 && inside) pixels[(top + y) * PROGRESS_WIDTH + left + x] = INK;
    }
  }
}
