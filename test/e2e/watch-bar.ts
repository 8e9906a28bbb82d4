/** Looks at the progress picture as a person does: in screenshots of the window while the upload is on its way. */
import sharp from 'sharp';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRESS_HEIGHT, PROGRESS_WIDTH } from '../../src/web/progress-picture.js';
import type { Tab } from './browser.js';
import type { Line } from './line.js';
import { sha256 } from './stage.js';

export interface Glimpse {
  readonly png: Buffer;
  /** How much of the bar is filled, 0 to 1. */
  readonly filled: number;
  /** Bytes that the line had carried when the screenshot was there: the server can't know of more. */
  readonly carried: number;
}

/** Screenshots until the receipt is there, those alone that differ from the one before. */
export async function watchBar(tab: Tab, line: Line): Promise<Glimpse[]> {
  const { x, y, width, height } = await tab.box('.bar');
  const left = Math.round(x + (width - PROGRESS_WIDTH) / 2);
  const top = Math.round(y + (height - PROGRESS_HEIGHT) / 2);
  const seen: Glimpse[] = [];
  const receipt = { came: false };
  const coming = tab.waitFor('.key .copy', 60_000).finally(() => (receipt.came = true));
  let last = '';
  // Chromium answers no expression while the next document is on its way, but it does take pictures.
  while (!receipt.came) {
    const png = await tab.glimpse().catch(() => null);
    if (png !== null) {
      const bar = await sharp(png)
        .extract({ left, top, width: PROGRESS_WIDTH, height: PROGRESS_HEIGHT })
        .removeAlpha()
        .raw()
        .toBuffer();
      const filled = filledIn(bar);
      if (filled !== null && sha256(bar) !== last) seen.push({ png, filled, carried: line.carried });
      last = sha256(bar);
    }
    await sleep(100);
  }
  await coming;
  return seen;
}

/** Of the fifth row of pixels, which runs through the bar: green is filled, grey is not, anything else is no bar. */
function filledIn(pixels: Buffer): number | null {
  let filled = 0;
  for (let x = 0; x < PROGRESS_WIDTH; x++) {
    const at = (4 * PROGRESS_WIDTH + x) * 3;
    const [red, green, blue] = [pixels.readUInt8(at), pixels.readUInt8(at + 1), pixels.readUInt8(at + 2)];
    if (isNear([red, green, blue], [11, 107, 98])) filled++;
    else if (!isNear([red, green, blue], [214, 222, 220])) return null;
  }
  return filled / PROGRESS_WIDTH;
}

function isNear(colour: readonly number[], other: readonly number[]): boolean {
  return colour.every((value, index) => Math.abs(value - (other[index] ?? 0)) <= 3);
}
