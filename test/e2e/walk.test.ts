/** Every page in real browsers: axe-core finds nothing, nothing is wider than the window, nothing else is asked for. */
import test from 'tap';
import { needs } from '../needs.js';
import { asked, DISTINCT, inBrowser, LONG, TURNS } from './gallery-walk.js';
import { isWide, lookAt, LOOKS, violations, wear } from './looks.js';

test.test('axe-core finds no violation on any page, and all fit, in both schemes and widths', needs('chromium'), (t) =>
  inBrowser('chromium', { scripts: true }, async (gallery, chromium) => {
    const tab = await chromium.newTab();
    const found: string[] = [];
    for (const name of gallery.names) {
      await wear(tab, LOOKS[0]!);
      await tab.open(`${gallery.origin}/${name}`);
      found.push(...(await lookAt(tab, 'pages', name, LONG ? LOOKS : LOOKS.slice(0, 1))));
    }
    t.strictSame(found, []);
    t.strictSame(asked(gallery), [], 'nothing else was asked for');
  }),
);

/** One of each kind in Persian, and in the other languages in turns. */
for (const [look, languages] of [
  [LOOKS[3]!, ['fa']],
  [LOOKS[1]!, TURNS],
] as const) {
  test.test(
    `axe-core finds no violation: ${look.scheme}, ${look.width} pixels, ${languages.join()}`,
    needs('chromium'),
    (t) =>
      inBrowser('chromium', { scripts: true }, async (gallery, chromium) => {
        const tab = await chromium.newTab();
        await wear(tab, look);
        const found: string[] = [];
        for (const [at, name] of gallery.names.filter((one) => LONG || DISTINCT.test(one)).entries()) {
          const language = languages[at % languages.length] ?? 'en';
          await tab.open(`${gallery.origin}/${name}?lang=${language}`);
          found.push(...(await violations(tab)).map((one) => `${name} in ${language}: ${one}`));
          if (await isWide(tab)) found.push(`${name} in ${language} is wider than the window`);
        }
        t.strictSame(found, []);
      }),
  );
}
