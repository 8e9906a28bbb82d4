/**
 * The live progress of an upload as a GIF that is sent while it grows: `progressHeader()` once, `progressFrame(state)`
 * for each change, `progressTrailer()` at the end. It shows what the server has truly received.
 *
 * Its words are English and few; the page beside it names the four numbered steps in the reader's language. A frame is
 * 0.4 to 1.1 KB: four frames a second are enough, one a second is fine.
 */
import { MB } from '../base/units.js';
import { gifFrame, gifHeader, gifTrailer } from './gif.js';
import type { Palette } from './gif.js';
import { GLYPH_HEIGHT, GLYPH_WIDTH, glyphRows } from './progress-glyphs.js';

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

export const PROGRESS_WIDTH = 408;
export const PROGRESS_HEIGHT = 52;

const BAR_HEIGHT = 10;
const FIRST_LINE = 17;
const SECOND_LINE = 37;
/** Dots are drawn two by two pixels, so that they stay sharp on most screens. */
const DOT = 2;
const ADVANCE = (GLYPH_WIDTH + 1) * DOT;

const PAPER = 0;
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

export function progressFrame(state: ProgressState): Buffer {
  const pixels = new Uint8Array(PROGRESS_WIDTH * PROGRESS_HEIGHT);
  const { fraction, first, second, alarm } = picture(state);
  drawBar(pixels, fraction);
  drawText(pixels, first, FIRST_LINE);
  drawText(pixels, second, SECOND_LINE);
  return gifFrame(PROGRESS_WIDTH, PROGRESS_HEIGHT, pixels, alarm ? ALARM : undefined);
}

export function progressTrailer(): Buffer {
  return gifTrailer();
}

interface Picture {
  readonly fraction: number;
  readonly first: string;
  readonly second: string;
  readonly alarm: boolean;
}

function picture(state: ProgressState): Picture {
  switch (state.kind) {
    case 'receiving':
      return { ...receiving(state), alarm: false };
    case 'waiting':
      return { fraction: 0, first: 'ready', second: '', alarm: false };
    case 'checking':
      return { fraction: 1, first: '2/4 checking', second: 'all received', alarm: false };
    case 'removing':
      return { fraction: 1, first: '3/4 removing metadata', second: '', alarm: false };
    case 'sealing':
      return { fraction: 1, first: '4/4 sealing', second: '', alarm: false };
    case 'done':
      return { fraction: 1, first: 'done', second: '', alarm: false };
    case 'refused':
      return { fraction: 1, first: 'refused', second: '', alarm: true };
    case 'cut-off':
      return { fraction: 0, first: 'cut off', second: '', alarm: true };
    case 'too-large':
      return { fraction: 1, first: 'too large', second: `limit ${sizeWords(state.limit)}`, alarm: true };
  }
}

function receiving(state: Extract<ProgressState, { kind: 'receiving' }>): Omit<Picture, 'alarm'> {
  const { received, total, bytesPerSecond } = state;
  const rate = bytesPerSecond === null ? '' : `  ${sizeWords(bytesPerSecond)}/s`;
  if (total === null) return { fraction: 0, first: '1/4 receiving', second: `${sizeWords(received)}${rate}` };
  const fraction = total === 0 ? 1 : Math.min(1, received / total);
  // Rounded down: 100 % is only ever said of everything.
  const percent = Math.floor(fraction * 100);
  const left = bytesPerSecond ? `  ${clockWords((total - received) / bytesPerSecond)} left` : '';
  return {
    fraction,
    first: `1/4 receiving  ${percent}%${left}`,
    second: `${amountWords(received, total)}${rate}`,
  };
}

/** `8.9 / 24.0 MB`: both in the unit of the whole, so that they can be compared at a glance. */
function amountWords(received: number, total: number): string {
  if (total < MB) return `${Math.floor(received / 1000)} / ${Math.ceil(total / 1000)} kB`;
  return `${(received / MB).toFixed(1)} / ${(total / MB).toFixed(1)} MB`;
}

function sizeWords(bytes: number): string {
  if (bytes < MB) return `${Math.round(bytes / 1000)} kB`;
  const megabytes = bytes / MB;
  return Number.isInteger(megabytes) ? `${megabytes} MB` : `${megabytes.toFixed(1)} MB`;
}

/** Minutes and seconds, hours where there are any. */
function clockWords(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds));
  if (whole >= 100 * 3600) return '99:59:59';
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const [first = 0, ...rest] = hours > 0 ? [hours, ...parts] : parts;
  return [first, ...rest.map((part) => String(part).padStart(2, '0'))].join(':');
}

function drawBar(pixels: Uint8Array, fraction: number): void {
  const filled = Math.round(Math.max(0, Math.min(1, fraction)) * PROGRESS_WIDTH);
  for (let y = 0; y < BAR_HEIGHT; y++) {
    const row = y * PROGRESS_WIDTH;
    pixels.fill(BAR, row, row + filled);
    pixels.fill(TRACK, row + filled, row + PROGRESS_WIDTH);
  }
}

function drawText(pixels: Uint8Array, text: string, top: number): void {
  let x = 0;
  for (const character of text) {
    if (x + ADVANCE > PROGRESS_WIDTH + DOT) break;
    const rows = glyphRows(character);
    if (rows !== null) drawGlyph(pixels, rows, x, top);
    x += ADVANCE;
  }
}

function drawGlyph(pixels: Uint8Array, rows: readonly number[], left: number, top: number): void {
  for (let y = 0; y < GLYPH_HEIGHT * DOT; y++) {
    const bits = rows[Math.floor(y / DOT)] ?? 0;
    for (let x = 0; x < GLYPH_WIDTH * DOT; x++) {
      const set = (bits >> (GLYPH_WIDTH - 1 - Math.floor(x / DOT))) & 1;
      pixels[(top + y) * PROGRESS_WIDTH + left + x] = set === 1 ? INK : PAPER;
    }
  }
}
