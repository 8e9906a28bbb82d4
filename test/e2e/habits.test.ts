/** What browsers do by themselves, and people with them: none of it makes a second share. */
import path from 'node:path';
import test from 'tap';
import { needs } from '../needs.js';
import { inFirefox, reload } from './menus.js';
import { noise, onStage, receiptOn, shareNow } from './stage.js';

for (const name of ['firefox', 'chromium'] as const) {
  const tools = name === 'firefox' ? needs('firefox-esr') : needs('chromium');

  test.test(`${name}: a form that the browser sends again by itself makes one share`, tools, (t) =>
    onStage(name, async ({ appliance, line, tab, folder }) => {
      await tab.open(line.origin);
      // Firefox sends again only what went over a connection that had served before: not so beside a progress picture.
      const kind = name === 'firefox' ? 'note' : 'files';
      if (kind === 'files') await tab.choose('#file', await noise(path.join(folder, 'a.jpg'), 600, 400));
      else {
        await tab.click('#k-note + span');
        await tab.type('#note', 'words');
      }
      line.losses = 1;
      const { link } = await shareNow(tab, kind);
      const sent = line.requests.filter((request) => request.startsWith('POST /'));
      t.equal(sent.length, 2, 'the browser sent it twice');
      t.strictSame(line.shares, [link, link], 'both answers have the same link');
      t.equal(appliance.app.store.ledger.live, 1);
    }),
  );

  test.test(`${name}: a double click makes one share, and the receipt can be reloaded`, tools, (t) =>
    onStage(name, async ({ appliance, line, driven, tab, folder }) => {
      await tab.open(line.origin);
      await tab.choose('#file', await noise(path.join(folder, 'a.jpg'), 600, 400));
      const { x, y, width, height } = await tab.box('form.files .go button');
      await tab.page.mouse.click(x + width / 2, y + height / 2, { count: 2 });
      await tab.waitFor('.key .copy', 30_000);
      const before = await receiptOn(tab);
      t.equal(appliance.app.store.ledger.live, 1);
      const posts = (): number => line.requests.filter((request) => request.startsWith('POST /')).length;
      t.comment(`figure: ${name}: a double click sent ${posts()} forms`);
      const sent = posts();
      await reload(driven, tab);
      await tab.waitUntil(`document.querySelector('.key .copy') !== null && document.readyState === 'complete'`);
      t.equal(posts(), sent + 1, 'the form went out again');
      t.strictSame(await receiptOn(tab), before, 'the same receipt');
      t.equal(appliance.app.store.ledger.live, 1);
    }),
  );
}

test.test('firefox: the settings of the tests are those of Safest', needs('firefox-esr'), (t) =>
  onStage('firefox', async ({ driven, tab, line }) => {
    await tab.open(line.origin);
    const prefs = 'javascript.enabled gfx.downloadable_fonts.enabled'.split(' ');
    for (const pref of prefs)
      t.equal(await inFirefox(driven, 'return Services.prefs.getBoolPref(args[0])', pref), false);
    for (const pref of ['svg.disabled', 'mathml.disabled', 'privacy.resistFingerprinting'])
      t.equal(await inFirefox(driven, 'return Services.prefs.getBoolPref(args[0])', pref), true, pref);
  }),
);
