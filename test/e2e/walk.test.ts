/** Every page in real browsers: axe-core finds nothing, nothing is wider than the window, nothing else is asked for. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { needs } from '../needs.js';
import { launch } from './browser.js';
import type { BrowserName, Driven, LaunchOptions, Tab } from './browser.js';
import { openGallery } from './gallery.js';
import type { Gallery } from './gallery.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** CHATPIC_TEST_LONG=1: every state in every pass. */
const LONG = process.env['CHATPIC_TEST_LONG'] === '1';

async function violations(tab: Tab): Promise<string[]> {
  await tab.page.evaluate(AXE);
  const found = await tab.page.evaluate(
    `axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then((r) => JSON.stringify(r.violations.map((v) => v.id + ': ' + v.nodes.map((n) => n.target.join(' ')).join(', '))))`,
  );
  return JSON.parse(String(found)) as string[];
}

/** One of each kind: refusals and problems share one layout, so the second pass looks at a few of them. */
const DISTINCT =
  /^(?!(error|takedown-problem|upload-problem|upload-refused)-)|^(error-busy|error-seems|takedown-problem-goodFaith|upload-problem-code)/;

/** Pictures for people to look at, kept as an artefact of a run and by git not at all. */
const SHOTS = path.resolve(import.meta.dirname, '../../../test/e2e/shots/walk');

type Body = (gallery: Gallery, driven: Driven) => Promise<void>;

async function inBrowser(name: BrowserName, options: LaunchOptions, body: Body): Promise<void> {
  const gallery = await openGallery();
  try {
    const driven = await launch(name, options);
    try {
      await body(gallery, driven);
    } finally {
      await driven.close();
    }
  } finally {
    await gallery.close();
  }
}

const isWide = async (tab: Tab): Promise<boolean> =>
  (await tab.eval('document.documentElement.scrollWidth > innerWidth')) === true;
const asked = (gallery: Gallery): string[] =>
  [...new Set(gallery.strays)].filter((path) => !path.startsWith('/grant/'));

const TURNS = ['de', 'fr', 'es', 'ru', 'zh'];

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

test.test('with Safest settings every page fits 360 pixels and asks for nothing else', needs('firefox-esr'), (t) =>
  inBrowser('firefox', { viewport: { width: 360, height: 740 } }, async (gallery, firefox) => {
    const tab = await firefox.newTab();
    const wide: string[] = [];
    for (const [at, name] of gallery.names.filter((one) => LONG || DISTINCT.test(one)).entries()) {
      // Another order than above: over the two, most pages are seen in two languages.
      const language = TURNS[(at + 2) % TURNS.length] ?? 'en';
      await tab.open(`${gallery.origin}/${name}?lang=${language}`);
      if (await isWide(tab)) wide.push(`${name} in ${language}`);
      if (name === 'upload' || name === 'receipt-burn' || name === 'question-word')
        await tab.shot(path.join(SHOTS, 'safest-360', `${name}-${language}.png`), { fullPage: true });
    }
    t.strictSame(wide, []);
    t.strictSame(asked(gallery), []);
  }),
);

for (const name of ['firefox', 'chromium'] as const) {
  const tools = name === 'firefox' ? needs('firefox-esr') : needs('chromium');

  test.test(
    `${name}: the tabs, the meanings of the choices and the progress picture work without scripts`,
    tools,
    (t) =>
      inBrowser(name, {}, async (gallery, driven) => {
        const seen = (selector: string): string => `document.querySelector('${selector}').getClientRects().length > 0`;
        const tab = await driven.newTab();
        await tab.open(`${gallery.origin}/upload`);
        t.notOk(await tab.eval(seen('form.note')));
        t.notOk(await tab.eval(seen('.progress')));
        await tab.click('.life [value="burn"] + span');
        await tab.waitUntil(`${seen('#f-burn')} && !(${seen('#f-1d')})`);
        t.strictSame(gallery.progress, [], 'nobody who just reads holds a stream');
        await tab.choose('#file', import.meta.filename);
        await tab.waitUntil(seen('.bar'));
        for (let tries = 0; gallery.progress.length === 0 && tries < 100; tries++) await sleep(50);
        t.equal(gallery.progress.length, 1, 'a chosen file asks for the picture');
        await tab.click('#k-note + span');
        await tab.waitUntil(`${seen('#note')} && !(${seen('#file')})`);
        await tab.type('#note', 'hello');
        t.equal(await tab.eval(`document.querySelector('#note').value`), 'hello');
      }),
  );

  test.test(`${name}: the deletion token saves as a text file, from the page alone`, tools, (t) =>
    inBrowser(name, {}, async (gallery, driven) => {
      const tab = await driven.newTab();
      await tab.open(`${gallery.origin}/receipt`);
      await tab.click('a[download]');
      const saved = await contentOf(`${driven.downloads}/cp-4k9zq0x7ma.txt`);
      t.match(saved, 'a8Kq2LmX0pZr5TnV7bYc3DfG');
      t.match(saved, '/view/7hQ2mZx90KbTfW4c');
    }),
  );

  test.test(`${name}: one tap selects all of the link`, tools, (t) =>
    inBrowser(name, {}, async (gallery, driven) => {
      const tab = await driven.newTab();
      await tab.open(`${gallery.origin}/receipt`);
      await tab.click('.copy');
      const shown = await tab.text('.copy');
      t.equal(String(await tab.eval('String(getSelection())')).trim(), shown);
    }),
  );
}

async function contentOf(file: string): Promise<string> {
  for (let tries = 0; tries < 100; tries++) {
    try {
      const text = readFileSync(file, 'utf8');
      if (text !== '') return text;
    } catch {
      // not there yet
    }
    await sleep(100);
  }
  throw new Error('nothing was saved');
}
