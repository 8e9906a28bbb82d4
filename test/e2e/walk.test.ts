/** Every page in real browsers: axe-core finds nothing, nothing is wider than the window, nothing else is asked for. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'tap';
import { needs } from '../needs.js';
import type { Tab } from './browser.js';
import { asked, DISTINCT, inBrowser, isWide, LONG, SHOTS, TURNS } from './gallery-walk.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function violations(tab: Tab): Promise<string[]> {
  await tab.page.evaluate(AXE);
  const found = await tab.page.evaluate(
    `axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', '))))`,
  );
  return JSON.parse(String(found)) as string[];
}

/** Every state in English, one of each kind in Persian, and the other languages in turns. */
for (const [scheme, width, languages, which] of [
  ['light', 1000, ['en'], /./],
  ['dark', 360, ['fa'], DISTINCT],
  ['dark', 1000, TURNS, DISTINCT],
] as const) {
  test.test(
    `axe-core finds no violation on any page: ${scheme}, ${width} pixels, ${languages.join()}`,
    needs('chromium'),
    (t) =>
      inBrowser('chromium', { scripts: true }, async (gallery, chromium) => {
        const tab = await chromium.newTab();
        await tab.page.setViewport({ width, height: 740 });
        await tab.cdp?.send('Emulation.setEmulatedMedia', {
          features: [{ name: 'prefers-color-scheme', value: scheme }],
        });
        const found: string[] = [];
        for (const [at, name] of gallery.names.filter((one) => LONG || which.test(one)).entries()) {
          const language = languages[at % languages.length] ?? 'en';
          await tab.open(`${gallery.origin}/${name}?lang=${language}`);
          found.push(...(await violations(tab)).map((one) => `${name} in ${language}: ${one}`));
          if (await isWide(tab)) found.push(`${name} in ${language} is wider than the window`);
          await tab.shot(path.join(SHOTS, `${scheme}-${width}`, `${name}-${language}.png`), { fullPage: true });
        }
        t.strictSame(found, []);
        t.strictSame(asked(gallery), [], 'nothing else was asked for');
      }),
  );
}
