/** What people do, from end to end: a real appliance, real browsers without scripts, a slow line. */
import { createHash, randomBytes } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import test from 'tap';
import { needs } from '../needs.js';
import { startAppliance } from '../stories/appliance.js';
import type { Appliance } from '../stories/appliance.js';
import { launch } from './browser.js';
import type { BrowserName, Driven, Tab } from './browser.js';
import { openSlowLine } from './slow-line.js';
import type { SlowLine } from './slow-line.js';

/** Bytes a second up the line: a good circuit. */
const RATE = 600_000;

interface Stage {
  readonly appliance: Appliance;
  readonly line: SlowLine;
  readonly driven: Driven;
  readonly tab: Tab;
  /** A folder for the files that are shared. */
  readonly folder: string;
}

async function onStage(name: BrowserName, act: (stage: Stage) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-e2e-'));
  const appliance = await startAppliance();
  const line = await openSlowLine(appliance.base, RATE);
  try {
    const driven = await launch(name);
    try {
      await act({ appliance, line, driven, tab: await driven.newTab(), folder });
    } finally {
      await driven.close();
    }
  } finally {
    await line.close();
    await appliance.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A picture of noise: about `width * height * 1.2` bytes, so that it takes its time. */
async function noise(file: string, width: number, height: number): Promise<string> {
  const raw = { width, height, channels: 3 } as const;
  writeFileSync(
    file,
    await sharp(randomBytes(width * height * 3), { raw })
      .jpeg({ quality: 80 })
      .toBuffer(),
  );
  return file;
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const heading = `document.querySelector('h1').textContent`;
const isLoaded = `[...document.querySelectorAll('figure img')].every((img) => img.complete && img.naturalWidth > 0) && document.querySelector('figure img') !== null`;

/** Presses the button of the form and waits for the receipt. */
async function shareNow(tab: Tab, form: 'files' | 'note' = 'files'): Promise<{ link: string; token: string }> {
  await tab.click(`form.${form} .go button`);
  await tab.waitFor('.key .copy', 60_000);
  const codes = JSON.parse(
    String(
      await tab.eval(`JSON.stringify([...document.querySelectorAll('code.copy')].map((code) => code.textContent))`),
    ),
  ) as string[];
  return { link: codes[0] ?? '', token: codes.at(-1) ?? '' };
}

async function savedFile(driven: Driven, ending: RegExp): Promise<Buffer> {
  for (let tries = 0; tries < 150; tries++) {
    const names = readdirSync(driven.downloads);
    const name = names.find((one) => ending.test(one));
    if (name !== undefined && !names.some((one) => /\.(part|crdownload)$/.test(one))) {
      const bytes = readFileSync(path.join(driven.downloads, name));
      if (bytes.length > 0) return bytes;
    }
    await sleep(100);
  }
  throw new Error(`nothing saved: ${readdirSync(driven.downloads).join()}`);
}

/** How many different pictures the bar showed until the receipt came: it is all that changes in the window. */
async function watchBar(tab: Tab): Promise<number> {
  const seen = new Set<string>();
  const receiptCame = { yet: false };
  const receipt = tab.waitFor('.key .copy', 60_000).finally(() => (receiptCame.yet = true));
  // Chromium answers no expression while the next document is on its way, but it does take pictures.
  while (!receiptCame.yet) {
    const picture = await tab.glimpse().catch(() => null);
    if (picture !== null) seen.add(sha256(picture));
    await sleep(150);
  }
  await receipt;
  return seen.size;
}

for (const name of ['firefox', 'chromium'] as const) {
  const tools = name === 'firefox' ? needs('firefox-esr') : needs('chromium');

  test.test(`${name}: a photo is shared with its progress seen moving, looked at, saved and deleted`, tools, (t) =>
    onStage(name, async ({ appliance, line, driven, tab, folder }) => {
      const file = await noise(path.join(folder, 'photo.jpg'), 1800, 1400);
      const begun = Date.now();
      await tab.open(`${line.origin}/`);
      await tab.choose('#file', file);
      await tab.type('#caption', 'From the "hut" <b>');
      await tab.waitUntil(`document.querySelector('.bar').getClientRects().length > 0`);
      await tab.click('form.files .go button');
      await tab.page.mouse.move(2, 2);
      const seen = await watchBar(tab);
      t.comment(`from the page to the link in hand: ${Date.now() - begun} ms for ${readFileSync(file).length} bytes`);
      t.ok(seen >= 4, `the bar showed ${seen} pictures`);
      const link = (await tab.text('.key .copy')) ?? '';
      const sum = await tab.text('figcaption code');
      t.match(link, new RegExp(`^${appliance.base}/view/[0-9A-Za-z]{16}$`));
      t.ok(await tab.eval(isLoaded), 'the preview is there');
      const manage = await tab.attribute('a.button.quiet', 'href');

      await tab.open(link);
      await tab.waitUntil(isLoaded);
      t.equal(await tab.text('.caption'), 'From the "hut" <b>');
      await tab.click('figcaption a.button');
      t.equal(sha256(await savedFile(driven, /\.jpg$/)), sum, 'what is saved is what the receipt promised');
      t.strictSame(await driven.browser.cookies(), [], 'no cookie');

      await tab.open(manage ?? '');
      await tab.click('button[value="delete"]');
      await tab.waitUntil(`${heading} === 'Deleted'`);
      await tab.open(link);
      t.equal(await tab.eval(heading), 'There is nothing here');
    }),
  );

  test.test(`${name}: a burned picture is seen once: not after a reload, not with the back button`, tools, (t) =>
    onStage(name, async ({ appliance, tab, folder }) => {
      await tab.open(appliance.base);
      await tab.click('form.files [value="burn"] + span');
      await tab.choose('#file', await noise(path.join(folder, 'secret.jpg'), 400, 300));
      const { link } = await shareNow(tab);

      await tab.open(link);
      t.equal(await tab.eval(heading), 'Open it?');
      t.equal(await tab.eval('document.images.length'), 0, 'the question shows nothing of the content');
      await tab.open(link);
      await tab.click('main form button');
      await tab.waitUntil(isLoaded);
      t.match(await tab.attribute('figure img', 'src'), /^data:image\/jpeg/, 'small pictures need no second request');

      await tab.open(link);
      t.equal(await tab.eval(heading), 'There is nothing here');
      await tab.page.goBack({ timeout: 4000 }).catch(() => undefined);
      await sleep(500);
      t.not(await tab.eval(isLoaded).catch(() => 'expired'), true, 'the back button brings nothing back');
      const again = await fetch(link, { method: 'POST', headers: { Accept: 'text/html' } });
      t.equal(again.status, 404, 'nor does sending the form again, which reload and view-source do');
    }),
  );

  test.test(`${name}: the reader of a burned link destroys what is left of it`, tools, (t) =>
    onStage(name, async ({ appliance, tab, folder }) => {
      await tab.open(appliance.base);
      await tab.click('form.files [value="burn"] + span');
      await tab.choose('#file', await noise(path.join(folder, 'large.jpg'), 2200, 1600));
      const { link } = await shareNow(tab);
      await tab.open(link);
      await tab.click('main form button');
      await tab.waitUntil(isLoaded);
      const granted = await tab.attribute('figure img', 'src');
      t.match(granted, /^\/open\//, 'a large picture comes under a grant');
      await tab.click('button.hot');
      await tab.waitUntil(`${heading} === 'Destroyed'`);
      t.equal((await fetch(`${appliance.base}${granted}`)).status, 404);
    }),
  );

  test.test(`${name}: a note with a passphrase, in German`, tools, (t) =>
    onStage(name, async ({ appliance, tab }) => {
      await tab.open(`${appliance.base}/?lang=de`);
      await tab.click('#k-note + span');
      await tab.click('form.note summary');
      await tab.type('#n-pass', 'offenes Wort');
      await tab.type('#note', 'Gleis 9, zehn nach sechs. <ü>');
      const { link } = await shareNow(tab, 'note');
      t.notMatch(link, /lang=/);
      t.equal(await tab.attribute('html', 'lang'), 'de');

      await tab.open(`${link}?lang=de`);
      await tab.type('#passphrase', 'falsches Wort');
      await tab.click('main form button');
      await tab.waitFor('[role="alert"]');
      t.equal(await tab.attribute('#passphrase', 'aria-invalid'), 'true');
      await tab.type('#passphrase', 'offenes Wort');
      await tab.click('main form button');
      await tab.waitFor('pre.text');
      t.equal(await tab.text('pre.text'), 'Gleis 9, zehn nach sechs. <ü>');
    }),
  );

  test.test(`${name}: a video plays from the page`, { ...tools, ...needs('ffmpeg') }, (t) =>
    onStage(name, async ({ appliance, tab, folder }) => {
      const file = path.join(folder, 'clip.mp4');
      execFileSync(
        'ffmpeg',
        `-v error -f lavfi -i testsrc=size=320x240:rate=25:duration=4 -c:v libx264 -pix_fmt yuv420p -movflags +faststart ${file}`.split(
          ' ',
        ),
      );
      await tab.open(appliance.base);
      await tab.choose('#file', file);
      const { link } = await shareNow(tab);
      await tab.open(link);
      await tab.waitUntil(
        `document.querySelector('video').readyState >= 1 && document.querySelector('video').videoWidth === 320`,
      );
      t.equal(await tab.eval(`document.querySelector('video').error`), null);
    }),
  );

  test.test(`${name}: a refused upload says why, and keeps what was typed`, tools, (t) =>
    onStage(name, async ({ appliance, tab, folder }) => {
      const file = path.join(folder, 'page.html');
      writeFileSync(file, '<!doctype html><script>alert(1)</script>');
      await tab.open(appliance.base);
      await tab.click('form.files [value="1w"] + span');
      await tab.choose('#file', file);
      await tab.type('#caption', 'kept');
      await tab.click('form.files .go button');
      await tab.waitFor('[role="alert"]');
      t.equal(await tab.eval(`document.querySelector('#caption').value`), 'kept');
      t.equal(await tab.eval(`document.querySelector('form.files [value="1w"]').checked`), true);
    }),
  );
}

test.test('the front page is one request', needs('chromium'), (t) =>
  onStage('chromium', async ({ appliance, tab }) => {
    const asked: string[] = [];
    await tab.cdp?.send('Network.enable');
    tab.cdp?.on('Network.requestWillBeSent', ({ request }) => asked.push(request.url));
    await tab.open(`${appliance.base}/`);
    await sleep(1500);
    t.strictSame(
      asked.filter((url) => !url.startsWith('data:')),
      [`${appliance.base}/`],
    );
  }),
);
