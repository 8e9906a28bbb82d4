/** A link that opens once, in real browsers: whatever people press afterwards, nothing comes back. */
import path from 'node:path';
import test from 'tap';
import { needs } from '../needs.js';
import type { Tab } from './browser.js';
import { goBack, reload, savePage, savePicture, viewSource } from './menus.js';
import {
  GONE,
  HEADING,
  LOADED,
  noise,
  onStage,
  savedFile,
  sha256,
  shareNow,
  type Receipt,
  type Stage,
} from './stage.js';

/** Shares a picture that burns, from the page. */
async function shareBurning({ line, tab, folder }: Stage, width: number, height: number): Promise<Receipt> {
  await tab.open(line.origin);
  await tab.click('form.files [value="burn"] + span');
  await tab.choose('#file', await noise(path.join(folder, 'secret.jpg'), width, height));
  return shareNow(tab);
}

async function openIt(tab: Tab, link: string): Promise<void> {
  await tab.open(link);
  await tab.click('main form button');
  await tab.waitUntil(LOADED);
}

for (const name of ['firefox', 'chromium'] as const) {
  const tools = name === 'firefox' ? needs('firefox-esr') : needs('chromium');

  test.test(`${name}: a burned picture can be saved from its page, and never comes again`, tools, (t) =>
    onStage(name, async (stage) => {
      const { appliance, driven, tab, line, over, shot } = stage;
      const { link, sums } = await shareBurning(stage, 400, 300);
      await tab.open(over(link));
      t.equal(await tab.eval(HEADING), 'Open it?');
      t.equal(await tab.eval('document.images.length'), 0, 'the question shows nothing of the content');
      await shot('question');
      t.equal(appliance.app.store.ledger.live, 1, 'and burns nothing');
      await openIt(tab, over(link));
      await shot('burned');
      t.match(await tab.attribute('figure img', 'src'), /^data:image\/jpeg/, 'small pictures stand in the page');

      line.requests.length = 0;
      t.equal(sha256(await savePicture(driven, tab)), sums[0], '"save image as" has the very bytes');
      t.match(await savePage(driven, tab), /<img [^>]*src="data:image\/jpeg/, '"save page as" too');
      t.strictSame(line.requests, [], 'and neither asked the server for anything');
      await tab.click('figcaption a.button');
      t.equal(sha256(await savedFile(driven, /secret.*\.jpg$/)), sums[0], 'and so has the button');

      t.match(await viewSource(driven, tab), GONE, 'its source is that of a link that is gone');
      await goBack(driven, tab);
      t.not(await tab.eval(LOADED).catch(() => 'expired'), true, 'the back button brings nothing back');
      await tab.open(over(link));
      t.equal(await tab.eval(HEADING), GONE);
      await shot('burned-gone');
    }),
  );

  test.test(`${name}: a link that asks for a word opens with it, and is gone after a reload`, tools, (t) =>
    onStage(
      name,
      async (stage) => {
        const { driven, tab, line, over, shot } = stage;
        const { link } = await shareBurning(stage, 400, 300);
        await tab.open(over(link));
        await tab.type('#word', 'nonsense');
        await tab.click('main form button');
        await tab.waitFor('[role="alert"]');
        t.equal(await tab.attribute('#word', 'aria-invalid'), 'true');
        await shot('wrong-word');
        await tab.type('#word', (await tab.text('label[for="word"]'))?.split(' ').at(-1) ?? '');
        await tab.click('main form button');
        await tab.waitUntil(LOADED);
        line.requests.length = 0;
        await reload(driven, tab);
        await tab.waitUntil(`${HEADING} === '${GONE}'`);
        t.match(line.requests[0], /^POST \/view\//, 'the browser did send the form again');
        t.equal(await tab.eval('document.images.length'), 0);
      },
      { settings: { CHATPIC_OPEN_WORD: 'on' } },
    ),
  );

  test.test(`${name}: the reader of a burned link destroys what is left of it`, tools, (t) =>
    onStage(name, async (stage) => {
      const { appliance, tab, over, shot } = stage;
      const { link } = await shareBurning(stage, 2200, 1600);
      await openIt(tab, over(link));
      const granted = await tab.attribute('figure img', 'src');
      t.match(granted, /^\/open\//, 'a large picture comes under a grant');
      await tab.click('button.hot');
      await tab.waitUntil(`${HEADING} === 'Destroyed'`);
      await shot('destroyed');
      t.equal((await fetch(`${appliance.base}${granted}`)).status, 404);
    }),
  );
}
