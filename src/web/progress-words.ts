/**
 * What the progress picture says, in the reader's language: the fixed parts of the catalogue's texts (`picture.…`) as
 * words drawn whole, so that joined and right-to-left letters are right, and figures put together from characters.
 *
 * The drawings are checked in (`progress-strips.ts`), since a server may have no fonts; `test/web/pages/draw-words.ts`
 * makes them from the catalogue, and a test fails when a text has none.
 */
import { inflateRawSync } from 'node:zlib';
import { invariant } from '../base/errors.js';
import { PROGRESS_STRIPS, STRIP_HEIGHT } from './progress-strips.js';
import type { TextKey } from './texts/catalogue.js';
import { speakerOf, type Language } from './texts/texts.js';

/** A drawing of one word or character: `STRIP_HEIGHT` rows of `width` bits, each padded to whole bytes. */
export interface Strip {
  readonly width: number;
  readonly rows: Buffer;
}

/** A word or a figure. Its strips stand from left to right in every language; cells follow the language's direction. */
export interface Cell {
  readonly strips: readonly Strip[];
  /** Whether space is left before it. */
  readonly apart: boolean;
}

type PictureKey = Extract<TextKey, `picture.${string}`>;

/** Puts the texts of one language together from its drawings. */
export interface Writer {
  readonly rightToLeft: boolean;
  /** The text of `key`, its marks filled with cells. */
  readonly words: (key: PictureKey, params?: Readonly<Record<string, readonly Cell[]>>) => readonly Cell[];
  readonly percent: (fraction: number) => readonly Cell[];
  /** One decimal place, always. */
  readonly tenths: (value: number) => readonly Cell[];
  /** Whole numbers with a sign between them, each of at least so many digits. */
  readonly joined: (values: readonly number[], sign: '/' | ':', digits?: number) => readonly Cell[];
}

const PART = /\{(\w+)\}|[^{}]+/g;
/** Marks that only steer the direction of text, and are not drawn. */
const UNSEEN = /[\u200e\u200f\u061c]/g;

/** Everything that the picture of `language` may draw, each once: what the drawings are made of. */
export function piecesOf(language: Language): string[] {
  const { info, year, percent, tenths } = speakerOf(language);
  const keys = Object.keys(info.catalogue).filter((key): key is PictureKey => key.startsWith('picture.'));
  const words = keys.flatMap((key) => info.catalogue[key].split(/\{\w+\}/));
  const digits = Array.from({ length: 10 }, (_, digit) => year(digit));
  const figures = [...digits, ...characters(percent(0.5)), ...characters(tenths(0.5)), '/', ':'];
  return [...new Set([...words.map((word) => word.trim()), ...figures])].filter((piece) => piece !== '').sort();
}

const writers = new Map<Language, Writer>();

/** The writer of `language`; made once, since its drawings are kept packed. */
export function writerOf(language: Language): Writer {
  const writer = writers.get(language) ?? makeWriter(language);
  writers.set(language, writer);
  return writer;
}

function makeWriter(language: Language): Writer {
  const say = speakerOf(language);
  const strips = unpacked(language);
  const cell = (pieces: readonly string[], apart = false): Cell => ({
    strips: pieces.map((one) => stripOf(one)),
    apart,
  });
  const stripOf = (piece: string): Strip => {
    const strip = strips.get(piece);
    invariant(strip !== undefined, 'every piece of the progress picture is drawn');
    return strip;
  };
  const figure = (text: string): readonly Cell[] => [cell(characters(text))];
  const padded = (value: number, digits: number): string => say.year(value).padStart(digits, say.year(0));
  return {
    rightToLeft: say.info.direction === 'rtl',
    words: (key, params = {}) => {
      const cells: Cell[] = [];
      let apart = false;
      for (const [part, mark] of say.info.catalogue[key].matchAll(PART)) {
        const word = part.trim();
        const next = mark !== undefined ? (params[mark] ?? []) : word === '' ? [] : [cell([word])];
        apart ||= part.startsWith(' ');
        for (const [at, one] of next.entries()) cells.push(at === 0 ? { ...one, apart: apart || one.apart } : one);
        apart = part.endsWith(' ');
      }
      return cells;
    },
    percent: (fraction) => figure(say.percent(fraction)),
    tenths: (value) => figure(say.tenths(value)),
    joined: (values, sign, digits = 1) =>
      figure(values.map((value, at) => padded(value, at === 0 ? 1 : digits)).join(sign)),
  };
}

/** As they are drawn: every kind of space is one. */
function characters(text: string): string[] {
  return Array.from(text.replace(UNSEEN, '').replace(/\s/g, ' '));
}

function unpacked(language: Language): Map<string, Strip> {
  const { pieces, packed } = PROGRESS_STRIPS[language];
  const all = inflateRawSync(Buffer.from(packed, 'base64'));
  let at = 0;
  return new Map(
    pieces.map(([piece, width]) => {
      const end = at + STRIP_HEIGHT * Math.ceil(width / 8);
      const strip = { width, rows: all.subarray(at, end) };
      at = end;
      return [piece, strip];
    }),
  );
}
