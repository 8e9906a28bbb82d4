/**
 * Draws what the progress picture may say in each language and writes it to `src/web/progress-strips.ts`. Run it after a
 * text `picture.…` of the catalogue has changed: `npm run build && node build/test/web/pages/draw-words.js`.
 *
 * A browser draws, because it joins letters and sets lines from right to left. Fonts: Noto Sans, Noto Sans Arabic, and
 * Droid Sans Fallback for Chinese (Debian: fonts-noto-core, fonts-droid-fallback).
 */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { deflateRawSync } from 'node:zlib';
import * as prettier from 'prettier';
import { piecesOf } from '../../../src/web/progress-words.js';
import { LANGUAGES, type Language } from '../../../src/web/texts/texts.js';
import { launch } from '../../e2e/browser.js';

const HEIGHT = 44;
const BASELINE = 32;
const FONT = `500 30px 'Noto Sans', 'Noto Sans Arabic', 'Droid Sans Fallback'`;
const FILE = path.resolve(import.meta.dirname, '../../../../src/web/progress-strips.ts');

/** Rows of ones and noughts for each piece, joined by commas. */
const draw = (pieces: readonly string[], direction: string): string => `(() => {
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d');
  return JSON.stringify(${JSON.stringify(pieces)}.map((piece) => {
    pen.font = ${JSON.stringify(FONT)};
    canvas.width = Math.max(1, Math.ceil(pen.measureText(piece).width));
    canvas.height = ${HEIGHT};
    pen.font = ${JSON.stringify(FONT)};
    pen.direction = '${direction}';
    pen.textAlign = 'left';
    pen.fillText(piece, 0, ${BASELINE});
    const { data, width } = pen.getImageData(0, 0, canvas.width, ${HEIGHT});
    return Array.from({ length: ${HEIGHT} }, (_, y) =>
      Array.from({ length: width }, (_, x) => (data[4 * (y * width + x) + 3] > 127 ? 1 : 0)).join('')).join();
  }));
})()`;

/** Each row padded to whole bytes. */
function packed(drawings: readonly string[]): Buffer {
  const rows = drawings.flatMap((drawing) => drawing.split(','));
  return Buffer.concat(
    rows.map((row) => Buffer.from((row.match(/.{1,8}/g) ?? []).map((bits) => parseInt(bits.padEnd(8, '0'), 2)))),
  );
}

const chromium = await launch('chromium', { scripts: true });
const languages: string[] = [];
try {
  const tab = await chromium.newTab();
  for (const [language, { direction }] of Object.entries(LANGUAGES)) {
    const pieces = piecesOf(language as Language);
    const drawings = JSON.parse(String(await tab.eval(draw(pieces, direction)))) as string[];
    const widths = pieces.map((piece, at) => [piece, drawings[at]?.indexOf(',') ?? 0]);
    const bits = deflateRawSync(packed(drawings), { level: 9 }).toString('base64');
    languages.push(`${language}: { pieces: ${JSON.stringify(widths)}, packed: '${bits}' }`);
  }
} finally {
  await chromium.close();
}
const source = `/** Made by \`test/web/pages/draw-words.ts\` from the catalogue: not for editing. */
import type { Language } from './texts/texts.js';

export interface Drawings {
  /** What each drawing says and how wide it is, in the order in which they are packed. */
  readonly pieces: readonly (readonly [string, number])[];
  /** Rows of one bit a pixel, each padded to whole bytes; deflated, as base64. */
  readonly packed: string;
}

export const STRIP_HEIGHT = ${HEIGHT};

export const PROGRESS_STRIPS: Readonly<Record<Language, Drawings>> = { ${languages.join(', ')} };
`;
const options = await prettier.resolveConfig(FILE);
writeFileSync(FILE, await prettier.format(source, { ...options, parser: 'typescript' }));
