/** Other hands than a mouse at a desk: a keyboard, a thumb on a phone, a drag from a file manager. */
import path from 'node:path';
import test from 'tap';
import { needs } from '../needs.js';
import { launch } from './browser.js';
import { openGallery } from './gallery.js';
import { stopsOf, wrongStops } from './keyboard.js';
import { GONE, HEADING, LOADED, noise, onStage, receiptOn } from './stage.js';

test.test(
  'a keyboard goes through every page in the order of the eye, and sees where it is',
  needs('chromium'),
  async (t) => {
    const gallery = await openGallery();
    const chromium = await launch('chromium');
    try {
      const tab = await chromium.newTab();
      const pages = [
        'upload',
        'upload-problem-code-unknown',
        'upload-note',
        'receipt-burn',
        'share-album',
        'share-burned',
        'share-video',
      ];
      for (const page of [
        ...pages,
        'question-word',
        'manage',
        'takedown',
        'report',
        'tokenEntry',
        'contact',
        'pro',
        'challenge',
      ]) {
        await tab.open(`${gallery.origin}/${page}`);
        const stops = await stopsOf(tab);
        t.ok(stops.length >= 9, `${page}: ${stops.length} stops`);
        t.strictSame(wrongStops(stops), [], page);
        if (page === 'upload')
          t.strictSame(
            stops.slice(1, 8).map(({ what }) => what),
            ['k-files', 'expiry', 'summary', 'file', 'caption', 'button', 'a'],
          );
      }
    } finally {
      await chromium.close();
      await gallery.close();
    }
  },
);

test.test('with the keyboard alone a note is shared that burns', needs('firefox-esr'), (t) =>
  onStage('firefox', async ({ tab, line, appliance }) => {
    const { keyboard } = tab.page;
    const press = async (...keys: ('Tab' | 'ArrowRight' | 'Enter')[]): Promise<void> => {
      for (const key of keys) await keyboard.press(key);
    };
    await tab.open(line.origin);
    await press('Tab', 'Tab', 'ArrowRight');
    t.equal(await tab.eval(`document.querySelector('#k-note').checked`), true);
    await press('Tab', 'ArrowRight', 'ArrowRight');
    t.equal(await tab.eval(`document.querySelector('form.note [value="burn"]').checked`), true);
    await press('Tab', 'Tab');
    await keyboard.type('ten past six');
    await press('Tab', 'Enter');
    await tab.waitFor('.key .copy', 30_000);
    const { link } = await receiptOn(tab);
    const answer = await fetch(link.replace('/view/', '/file/'), { method: 'POST' });
    t.equal(await answer.text(), 'ten past six');
    t.equal(appliance.app.store.ledger.live, 0);
  }),
);

const PHONE = { width: 360, height: 740 };

test.test('on a phone: taps share a photo that burns, and open it', needs('chromium'), (t) =>
  onStage(
    'chromium',
    async ({ tab, line, folder, over, shot }) => {
      await tab.page.setViewport({ ...PHONE, isMobile: true, hasTouch: true, deviceScaleFactor: 2 });
      const tap = async (selector: string): Promise<void> => {
        const { x, y, width, height } = await tab.box(selector);
        await tab.page.touchscreen.tap(x + width / 2, y + height / 2);
      };
      await tab.open(line.origin);
      await shot('phone-front');
      await tap('form.files [value="burn"] + span');
      await tab.choose('#file', await noise(path.join(folder, 'phone.jpg'), 600, 800));
      await shot('phone-chosen');
      await tap('form.files .go button');
      await tab.waitFor('.key .copy', 30_000);
      const { link } = await receiptOn(tab);
      await tap('.key .copy');
      t.equal(String(await tab.eval('String(getSelection())')).trim(), link, 'one tap selects the link');
      await shot('phone-receipt');
      await tab.open(over(link));
      await shot('phone-question');
      await tap('main form button');
      await tab.waitUntil(LOADED);
      await shot('phone-burned');
      await tap('button.hot');
      await tab.waitUntil(`${HEADING} === 'Destroyed'`);
      await tab.open(over(link));
      t.equal(await tab.eval(HEADING), GONE);
      t.equal(await tab.eval('document.documentElement.scrollWidth > innerWidth'), false);
    },
    { viewport: PHONE },
  ),
);

test.test('files that are dropped on the field are chosen, one or several', needs('chromium'), (t) =>
  onStage('chromium', async ({ tab, line, folder, shot }) => {
    const files = [await noise(path.join(folder, 'a.jpg'), 60, 40), await noise(path.join(folder, 'b.jpg'), 60, 40)];
    for (const dropped of [files.slice(0, 1), files]) {
      await tab.open(line.origin);
      const { x, y, width, height } = await tab.box('#file');
      // Far from the button: the whole field takes a drop.
      const place = { x: x + width * 0.8, y: y + height * 0.8 };
      const data = { items: [], files: dropped, dragOperationsMask: 1 };
      for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
        await tab.cdp?.send('Input.dispatchDragEvent', { type, ...place, data });
      await tab.waitUntil(`document.querySelector('#file').files.length === ${dropped.length}`);
      await tab.waitUntil(`document.querySelector('.bar').getClientRects().length > 0`);
      await shot(`dropped-${dropped.length}`);
    }
    await tab.click('form.files .go button');
    await tab.waitFor('.key .copy', 30_000);
    t.equal((await receiptOn(tab)).sums.length, 2);
  }),
);
