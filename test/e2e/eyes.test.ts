/** Other eyes than most: colours of the system's choice, everything twice as large, and paper. */
import path from 'node:path';
import test from 'tap';
import { needs } from '../needs.js';
import { inBrowser } from './gallery-walk.js';
import { isWide, SHOTS } from './looks.js';

const PAGES = ['upload', 'upload-problem-code-unknown', 'receipt-burn', 'share-album', 'question-word', 'manage'];
const styleOf = (selector: string, property: string): string =>
  `getComputedStyle(document.querySelector('${selector}')).${property}`;

test.test('in forced colours it is seen what is chosen, and where a button ends', needs('chromium'), (t) =>
  inBrowser('chromium', {}, async (gallery, chromium) => {
    const tab = await chromium.newTab();
    const features = [{ name: 'forced-colors', value: 'active' }];
    await tab.cdp?.send('Emulation.setEmulatedMedia', { features });
    for (const page of PAGES) {
      await tab.open(`${gallery.origin}/${page}`);
      await tab.shot(path.join(SHOTS, 'pages', 'forced', `${page}.png`), { fullPage: true });
      const buttons = `[...document.querySelectorAll('main button, main .button')]`;
      t.ok(await tab.eval(`${buttons}.every((one) => parseFloat(getComputedStyle(one).borderTopWidth) >= 1)`), page);
    }
    await tab.open(`${gallery.origin}/upload`);
    for (const property of ['backgroundColor', 'color']) {
      const [chosen, other] = [':checked', ':not(:checked)'].map((state) => `.files .pick ${state} + span`);
      t.not(await tab.eval(styleOf(chosen ?? '', property)), await tab.eval(styleOf(other ?? '', property)), property);
    }
    const line = (state: string): string => styleOf(`.tabs ${state} + span`, 'borderBottomColor');
    t.not(await tab.eval(line(':checked')), await tab.eval(line(':not(:checked)')), 'the tab that is open');
  }),
);

test.test('at 200 % in a window of 1000 by 800 nothing is cut off', needs('chromium'), (t) =>
  inBrowser('chromium', {}, async (gallery, chromium) => {
    const tab = await chromium.newTab();
    await tab.page.setViewport({ width: 500, height: 400, deviceScaleFactor: 2 });
    for (const page of PAGES) {
      await tab.open(`${gallery.origin}/${page}`);
      t.notOk(await isWide(tab), page);
      await tab.shot(path.join(SHOTS, 'pages', 'zoom-200', `${page}.png`), { fullPage: true });
    }
  }),
);

test.test(
  'a printed receipt has the link and the token in black on white, and nothing to press',
  needs('chromium'),
  (t) =>
    inBrowser('chromium', {}, async (gallery, chromium) => {
      const tab = await chromium.newTab();
      const features = [{ name: 'prefers-color-scheme', value: 'dark' }];
      await tab.cdp?.send('Emulation.setEmulatedMedia', { media: 'print', features });
      await tab.open(`${gallery.origin}/receipt-burn`);
      await tab.shot(path.join(SHOTS, 'pages', 'print', 'receipt-burn.png'), { fullPage: true });
      const seen = String(await tab.eval('document.body.innerText'));
      for (const words of ['/view/7hQ2mZx90KbTfW4c', '/delete/a8Kq2LmX0pZr5TnV7bYc3DfG', 'opens exactly once'])
        t.match(seen, words);
      t.notMatch(seen, /Save as a text file|One tap|Questions/);
      t.equal(await tab.eval(styleOf('.copy', 'color')), 'rgb(0, 0, 0)');
      t.equal(await tab.eval(styleOf('body', 'backgroundColor')), 'rgb(255, 255, 255)');
    }),
);
