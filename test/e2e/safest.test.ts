/** Pages as they are, in real browsers without scripts: they fit, they ask for nothing, and what they offer works. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'tap';
import { needs } from '../needs.js';
import { asked, DISTINCT, inBrowser, LONG, TURNS } from './gallery-walk.js';
import { isWide, SHOTS } from './looks.js';

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
        await tab.shot(path.join(SHOTS, 'safest', 'light-360', `${name}-${language}.png`), { fullPage: true });
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
