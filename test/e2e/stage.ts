/** Where the stories play: a real appliance, a line that can be slow, a real browser without scripts, a folder. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import test from 'tap';
import { startAppliance } from '../stories/appliance.js';
import type { Appliance } from '../stories/appliance.js';
import { launch } from './browser.js';
import type { BrowserName, Driven, LaunchOptions, Tab } from './browser.js';
import { openLine } from './line.js';
import type { Line } from './line.js';
import { SHOTS } from './looks.js';

/** Bytes a second up a good circuit. */
export const CIRCUIT = 600_000;

export interface Stage {
  readonly appliance: Appliance;
  readonly line: Line;
  readonly driven: Driven;
  readonly tab: Tab;
  /** A folder for the files that are shared. */
  readonly folder: string;
  /** `address`, which the appliance gave as its own, over the line. */
  readonly over: (address: string) => string;
  /** Keeps a screenshot of the whole page. */
  readonly shot: (name: string) => Promise<void>;
}

/** One browser of a kind serves all stories of a file, each in a tab of its own: starting one costs more than most stories. */
const browsers = new Map<string, Promise<Driven>>();
test.teardown(async () => {
  for (const browser of browsers.values()) await (await browser).close();
});

async function browserFor(name: BrowserName, options: LaunchOptions): Promise<Driven> {
  const key = JSON.stringify([name, options]);
  const driven = await (browsers.get(key) ?? browsers.set(key, launch(name, options)).get(key));
  if (driven === undefined) throw new Error('no browser');
  for (const file of readdirSync(driven.downloads)) rmSync(path.join(driven.downloads, file));
  return driven;
}

export interface StageOptions extends LaunchOptions {
  readonly bytesPerSecond?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

export async function onStage(
  name: BrowserName,
  act: (stage: Stage) => Promise<void>,
  { bytesPerSecond = Infinity, settings = {}, ...options }: StageOptions = {},
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-e2e-'));
  const appliance = await startAppliance({ settings });
  const line = await openLine(appliance.base, bytesPerSecond);
  try {
    const driven = await browserFor(name, options);
    const tab = await driven.newTab();
    const over = (address: string): string => address.replace(appliance.base, line.origin);
    const shot = (title: string): Promise<void> =>
      tab.shot(path.join(SHOTS, 'stories', `${title}-${name}.png`), { fullPage: true });
    await act({ appliance, line, driven, tab, folder, over, shot }).finally(() => tab.close());
  } finally {
    await line.close();
    await appliance.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

export function keepPicture(name: string, png: Buffer): void {
  mkdirSync(path.join(SHOTS, 'stories'), { recursive: true });
  writeFileSync(path.join(SHOTS, 'stories', `${name}.png`), png);
}

/** A picture of noise: about `width * height * 1.2` bytes, so that it takes its time. */
export async function noise(file: string, width: number, height: number): Promise<string> {
  const raw = { width, height, channels: 3 } as const;
  const pixels = randomBytes(width * height * 3);
  writeFileSync(file, await sharp(pixels, { raw }).jpeg({ quality: 80 }).toBuffer());
  return file;
}

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
export const HEADING = `document.querySelector('h1').textContent`;
/** The pictures of the page are all there, and there is one. */
export const LOADED = `[...document.querySelectorAll('figure img')].every((img) => img.complete && img.naturalWidth > 0) && document.querySelector('figure img') !== null`;
export const GONE = 'There is nothing here';

export interface Receipt {
  readonly link: string;
  readonly token: string;
  /** Of each file, as the receipt has them. */
  readonly sums: readonly string[];
}

/** Presses the button of the form and waits for the receipt. */
export async function shareNow(tab: Tab, form: 'files' | 'note' = 'files'): Promise<Receipt> {
  await tab.click(`form.${form} .go button`);
  await tab.waitFor('.key .copy', 60_000);
  return receiptOn(tab);
}

export async function receiptOn(tab: Tab): Promise<Receipt> {
  const texts = async (selector: string): Promise<string[]> =>
    JSON.parse(
      String(await tab.eval(`JSON.stringify([...document.querySelectorAll('${selector}')].map((e) => e.textContent))`)),
    ) as string[];
  const codes = await texts('code.copy');
  return { link: codes[0] ?? '', token: codes.at(-1) ?? '', sums: await texts('figcaption code') };
}

/** The bytes of the download whose name fits, when it is whole. */
export async function savedFile(driven: Driven, ending: RegExp): Promise<Buffer> {
  for (let tries = 0; tries < 150; tries++) {
    const names = readdirSync(driven.downloads);
    const name = names.find((one) => ending.test(one));
    if (name !== undefined && !names.some((one) => /\.(part|crdownload)$/.test(one))) {
      const bytes = readFileSync(path.join(driven.downloads, name));
      if (bytes.length > 0) return bytes;
    }
    await sleep(100);
  }
  throw new Error(`nothing saved: ${readdirSync(driven.downloads).join()}`);
}
