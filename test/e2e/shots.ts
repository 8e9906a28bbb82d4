/**
 * Takes a screenshot of every page: light and dark, wide and narrow, and at 200 % zoom. For people to look at: run
 * `node build/test/e2e/shots.js [part of a name] [language]`; pictures land in test/e2e/shots/.
 */
import path from 'node:path';
import { launch } from './browser.js';
import { openGallery } from './gallery.js';

const SHOTS = path.resolve(import.meta.dirname, '../../../test/e2e/shots');
const LOOKS = [
  { look: 'light-1000', scheme: 'light', width: 1000, height: 800, scale: 1 },
  { look: 'dark-1000', scheme: 'dark', width: 1000, height: 800, scale: 1 },
  { look: 'light-360', scheme: 'light', width: 360, height: 740, scale: 1 },
  { look: 'dark-360', scheme: 'dark', width: 360, height: 740, scale: 1 },
  { look: 'zoom-200', scheme: 'light', width: 500, height: 400, scale: 2 },
  { look: 'forced', scheme: 'dark', width: 1000, height: 800, scale: 1 },
] as const;

const [wanted = '', language = 'en', wantedLook = ''] = process.argv.slice(2);
const gallery = await openGallery();
const chromium = await launch('chromium');
try {
  const tab = await chromium.newTab();
  for (const { look, scheme, width, height, scale } of LOOKS.filter((one) => one.look.includes(wantedLook))) {
    await tab.page.setViewport({ width, height, deviceScaleFactor: scale });
    const features = [
      { name: 'prefers-color-scheme', value: scheme },
      { name: 'forced-colors', value: look === 'forced' ? 'active' : 'none' },
    ];
    await tab.cdp?.send('Emulation.setEmulatedMedia', { features });
    for (const name of gallery.names.filter((one) =>
      wanted.endsWith('$') ? one === wanted.slice(0, -1) : one.includes(wanted),
    )) {
      await tab.open(`${gallery.origin}/${name}?lang=${language}`);
      const overflow = await tab.eval('document.documentElement.scrollWidth > innerWidth');
      if (overflow === true) console.log(`${name} is wider than the window at ${look}`);
      await tab.shot(path.join(SHOTS, language, look, `${name}.png`), { fullPage: true });
    }
  }
} finally {
  await chromium.close();
  await gallery.close();
}
