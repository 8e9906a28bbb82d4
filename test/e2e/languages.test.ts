/** The progress of an upload in the reader's language: in the picture, which is seen moving, and in the text beside it. */
import path from 'node:path';
import test from 'tap';
import { speakerOf } from '../../src/web/texts/texts.js';
import { needs } from '../needs.js';
import { LONG } from './gallery-walk.js';
import { keepPicture, noise, onStage } from './stage.js';
import { sendWatched, watchBar } from './watch-bar.js';

/** What takes most to draw, one in each browser; CHATPIC_TEST_LONG=1: both and two more in each. */
const SPOKEN = { firefox: ['fa'], chromium: ['ru'], long: ['fa', 'zh', 'ru', 'de'] } as const;
const NARROW = { width: 360, height: 900 };

for (const name of ['firefox', 'chromium'] as const) {
  const tools = name === 'firefox' ? needs('firefox-esr') : needs('chromium');

  test.test(`${name}: the progress speaks the language of the page`, tools, (t) =>
    onStage(
      name,
      async ({ line, driven, tab, folder }) => {
        const file = await noise(path.join(folder, 'photo.jpg'), 900, 700);
        for (const language of SPOKEN[LONG ? 'long' : name]) {
          await tab.open(`${line.origin}/?lang=${language}`);
          await tab.choose('#file', file);
          await tab.waitUntil(`document.querySelector('.bar').getClientRects().length > 0`);
          const words = (await tab.attribute('.progress a', 'href')) ?? '';
          const beside = await driven.newTab();
          await beside.open(line.origin + words, '[role="log"] p');
          t.equal(await beside.text('[role="log"] p:last-child'), speakerOf(language).text('progress.waiting'));
          await tab.page.bringToFront();
          const seen = await watchBar(tab, line, await sendWatched(tab));
          t.ok(seen.length >= 2, `${language}: the bar showed ${seen.length} pictures`);
          t.ok(line.requests.some((one) => new RegExp(`^GET /progress/\\w+\\.gif\\?lang=${language}$`).test(one)));
          const late = seen[Math.floor(seen.length / 2)]?.png;
          keepPicture(`progress-${language}-${name}`, late ?? Buffer.alloc(0));
          const done = speakerOf(language).text('progress.done');
          await beside.waitUntil(`document.body.textContent.includes(${JSON.stringify(done)})`);
          await beside.close();
        }
      },
      { bytesPerSecond: 250_000, viewport: name === 'chromium' ? NARROW : { width: 1000, height: 900 } },
    ),
  );
}
