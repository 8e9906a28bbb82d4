/** Looks at the progress picture as a person does: in screenshots of the window while the upload is on its way. */
import sharp from 'sharp';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRESS_HEIGHT, PROGRESS_WIDTH } from '../../src/web/progress-picture.js';
import type { Tab } from './browser.js';
import type { Line } from './line.js';
import { sha256 } from './stage.js';

/** As the page shows the picture: half of its pixels each way. */
const WIDTH = PROGRESS_WIDTH / 2;
const HEIGHT = PROGRESS_HEIGHT / 2;

export interface Glimpse {
  readonly png: Buffer;
  /** How much of the bar is filled, 0 to 1. */
  readonly filled: number;
  /** Bytes that the line had carried when the screenshot was there: the server can't know of more. */
  readonly carried: number;
}

/** Where the picture is in the window when the form's button has been pressed. */
export interface Place {
  readonly left: number;
  readonly top: number;
}

/** Presses the button of the form; the bar must be in the window then. */
export async function sendWatched(tab: Tab): Promise<Place> {
  const button = await tab.box('form.files .go button');
  const rect = `document.querySelector('.bar').getBoundingClientRect()`;
  const [x = 0, y = 0, width = 0, height = 0] = JSON.parse(
    String(await tab.eval(`JSON.stringify([${rect}.x, ${rect}.y, ${rect}.width, ${rect}.height])`)),
  ) as number[];
  await tab.page.mouse.click(button.x + button.width / 2, button.y + button.height / 2);
  return { left: Math.round(x + (width - WIDTH) / 2), top: Math.round(y + (height - HEIGHT) / 2) };
}

/** Screenshots until the receipt is there, those alone that differ from the one before. */
export async function watchBar(tab: Tab, line: Line, place: Place): Promise<Glimpse[]> {
  const seen: Glimpse[] = [];
  const receipt = { came: false };
  const coming = tab.waitFor('.key .copy', 60_000).finally(() => (receipt.came = true));
  let last = '';
  // Chromium answers no expression while the next document is on its way, but it does take pictures.
  while (!receipt.came) {
    const png = await tab.glimpse().catch(() => null);
    if (png !== null) {
      const bar = await barIn(png, place);
      const filled = filledIn(bar);
      if (filled !== null && sha256(bar) !== last) seen.push({ png, filled, carried: line.carried });
      last = sha256(bar);
    }
    await sleep(100);
  }
  await coming;
  return seen;
}

/** Whether the bar turns red before `milliseconds` are over. */
export async function turnsRed(tab: Tab, place: Place, milliseconds: number): Promise<Buffer | null> {
  const end = Date.now() + milliseconds;
  while (Date.now() < end) {
    const png = await tab.glimpse().catch(() => null);
    const bar = png === null ? null : await barIn(png, place);
    if (bar !== null && isNear([...bar.subarray(WIDTH * 12, WIDTH * 12 + 3)], [178, 58, 26])) return png;
    await sleep(100);
  }
  return null;
}

/** The pixels of the picture, red, green, blue. */
function barIn(png: Buffer, { left, top }: Place): Promise<Buffer> {
  const area = { left, top, width: WIDTH, height: HEIGHT };
  return sharp(png).extract(area).removeAlpha().raw().toBuffer();
}

/** Of the fifth row of pixels, which runs through the bar: green is filled, grey is not, anything else is no bar. */
function filledIn(pixels: Buffer): number | null {
  let filled = 0;
  for (let x = 0; x < WIDTH; x++) {
    const at = (4 * WIDTH + x) * 3;
    const [red, green, blue] = [pixels.readUInt8(at), pixels.readUInt8(at + 1), pixels.readUInt8(at + 2)];
    if (isNear([red, green, blue], [11, 107, 98])) filled++;
    else if (!isNear([red, green, blue], [214, 222, 220])) return null;
  }
  return filled / WIDTH;
}

function isNear(colour: readonly number[], other: readonly number[]): boolean {
  return colour.every((value, index) => Math.abs(value - (other[index] ?? 0)) <= 3);
}
