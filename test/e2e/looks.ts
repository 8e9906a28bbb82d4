/** How pages are looked at: in both schemes and both widths, by axe-core, and by people in the screenshots that stay. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { Tab } from './browser.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** Pictures for people to look at, kept as an artefact of a run and by git not at all. */
export const SHOTS = path.resolve(import.meta.dirname, '../../../test/e2e/shots');

export interface Look {
  readonly scheme: 'light' | 'dark';
  readonly width: number;
}

export const LOOKS: readonly Look[] = [
  { scheme: 'light', width: 1000 },
  { scheme: 'dark', width: 1000 },
  { scheme: 'light', width: 360 },
  { scheme: 'dark', width: 360 },
];

/** Chromium only. */
export async function wear(tab: Tab, { scheme, width }: Look): Promise<void> {
  await tab.page.setViewport({ width, height: 740 });
  await tab.cdp?.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
}

export const isWide = async (tab: Tab): Promise<boolean> =>
  (await tab.eval('document.documentElement.scrollWidth > innerWidth')) === true;

/** What axe-core finds: rules with the elements that break them. Needs scripts. */
export async function violations(tab: Tab): Promise<string[]> {
  await tab.page.evaluate(AXE);
  const found = await tab.page.evaluate(
    `axe.run(document, { resultTypes: ['violations'], runOnly: ${JSON.stringify(RULES)} }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', '))))`,
  );
  return JSON.parse(String(found)) as string[];
}

/** Keeps the page as `SHOTS/folder/LOOK/name.png` in every look; answers what is wrong: axe in the looks named, width in all. */
export async function lookAt(tab: Tab, folder: string, name: string, examined: readonly Look[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const look of LOOKS) {
    const title = `${look.scheme}-${look.width}`;
    await wear(tab, look);
    if (await isWide(tab)) wrong.push(`${name}, ${title}: wider than the window`);
    if (examined.includes(look)) wrong.push(...(await violations(tab)).map((one) => `${name}, ${title}: ${one}`));
    await tab.shot(path.join(SHOTS, folder, title, `${name}.png`), { fullPage: true });
  }
  return wrong;
}
