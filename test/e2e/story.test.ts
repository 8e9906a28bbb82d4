/** What people do, from end to end: a real appliance, real browsers without scripts. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';
import { needs } from '../needs.js';
import {
  CIRCUIT,
  GONE,
  HEADING,
  LOADED,
  keepPicture,
  noise,
  onStage,
  receiptOn,
  savedFile,
  sha256,
  shareNow,
} from './stage.js';
import { sendWatched, turnsRed, watchBar } from './watch-bar.js';

for (const name of ['firefox', 'chromium'] as const) {
  const tools = name === 'firefox' ? needs('firefox-esr') : needs('chromium');

  test.test(`${name}: a photo is shared with its progress seen moving, looked at, saved and deleted`, tools, (t) =>
    onStage(
      name,
      async ({ appliance, line, driven, tab, folder, shot, over }) => {
        const file = await noise(path.join(folder, 'photo.jpg'), 1800, 1400);
        const { size } = statSync(file);
        const begun = Date.now();
        await tab.open(`${line.origin}/`);
        await shot('front');
        await tab.choose('#file', file);
        await tab.type('#caption', 'From the "hut" <b>');
        await tab.waitUntil(`document.querySelector('.bar').getClientRects().length > 0`);
        const seen = await watchBar(tab, line, await sendWatched(tab));
        const seconds = (Date.now() - begun) / 1000;
        t.comment(
          `figure: ${name}: from opening the page to a link in hand: ${seconds.toFixed(1)} s, of which ${(size / CIRCUIT).toFixed(1)} s are ${(size / 1e6).toFixed(1)} MB on a line of ${CIRCUIT / 1e6} MB/s`,
        );
        t.ok(seen.length >= 4, `the bar showed ${seen.length} pictures`);
        const bars = seen.map(({ filled }) => filled);
        t.strictSame(
          bars,
          [...bars].sort((a, b) => a - b),
          `it only grew: ${bars.map((one) => one.toFixed(2)).join()}`,
        );
        t.ok(new Set(bars).size >= 3, 'and grew');
        const ahead = seen.filter(({ filled, carried }) => (filled - 0.005) * size > carried);
        t.strictSame(ahead.length, 0, 'it never showed more than the line had carried');
        keepPicture(`progress-early-${name}`, seen[1]?.png ?? Buffer.alloc(0));
        keepPicture(`progress-late-${name}`, seen.at(-1)?.png ?? Buffer.alloc(0));

        const { link, sums } = await receiptOn(tab);
        t.match(link, new RegExp(`^${appliance.base}/view/[0-9A-Za-z]{16}$`));
        t.ok(await tab.eval(LOADED), 'the preview is there');
        await shot('receipt');
        const manage = (await tab.attribute('a.button.quiet', 'href')) ?? '';

        await tab.open(manage);
        t.equal(await tab.text('dd'), 'Not opened yet');
        await tab.open(link);
        await tab.waitUntil(LOADED);
        t.equal(await tab.text('.caption'), 'From the "hut" <b>');
        await shot('share');
        await tab.click('figcaption a.button');
        const saved = await savedFile(driven, /\.jpg$/);
        t.strictSame([sha256(saved)], sums, 'what is saved is what the receipt promised, byte for byte');
        t.strictSame(await driven.browser.cookies(), [], 'no cookie');

        await tab.open(over(manage));
        t.equal(await tab.text('dd'), 'Opened');
        await shot('manage');
        await tab.click('button[value="shorten"]');
        await tab.waitFor('[role="status"]');
        t.match(await tab.text('dl div:nth-of-type(2) dd'), /in (59|60) minutes/);
        await tab.click('button[value="delete"]');
        await tab.waitUntil(`${HEADING} === 'Deleted'`);
        await tab.open(link);
        t.equal(await tab.eval(HEADING), GONE);
        await shot('gone');
      },
      { bytesPerSecond: CIRCUIT },
    ),
  );

  test.test(`${name}: an album: several files, one link, each saved as it was promised`, tools, (t) =>
    onStage(name, async ({ tab, driven, folder, line, shot, over }) => {
      const files = [
        await noise(path.join(folder, 'one.jpg'), 300, 200),
        await noise(path.join(folder, 'two.jpg'), 200, 300),
        path.join(folder, 'three.txt'),
      ];
      writeFileSync(files[2] ?? '', 'Platform 9\n');
      await tab.open(line.origin);
      await tab.choose('#file', ...files);
      t.equal(await tab.eval(`document.querySelector('#file').files.length`), 3);
      await shot('several-chosen');
      const { link, sums } = await shareNow(tab);
      t.equal(sums.length, 3);
      t.equal(sums[2], sha256(Buffer.from('Platform 9\n')));
      await tab.open(over(link));
      await tab.waitUntil(LOADED);
      await shot('album');
      await tab.click('figure:nth-of-type(2) a.button');
      t.equal(sha256(await savedFile(driven, /two\.jpg$/)), sums[1]);
      await tab.click('figure:nth-of-type(3) a.button');
      t.equal(sha256(await savedFile(driven, /\.txt$/)), sums[2]);
      await tab.click('.row a.button');
      const archive = path.join(folder, 'all.zip');
      writeFileSync(archive, await savedFile(driven, /\.zip$/));
      const listed = execFileSync('python3', ['-m', 'zipfile', '-l', archive]).toString();
      for (const one of ['one.jpg', 'two.jpg', 'three.txt']) t.match(listed, one);
    }),
  );

  test.test(`${name}: a note with a passphrase, in German`, tools, (t) =>
    onStage(name, async ({ line, tab, over, shot }) => {
      await tab.open(`${line.origin}/?lang=de`);
      await tab.click('#k-note + span');
      await tab.click('form.note summary');
      await tab.type('#n-pass', 'offenes Wort');
      await tab.type('#note', 'Gleis 9, zehn nach sechs. <ü>');
      const { link } = await shareNow(tab, 'note');
      t.notMatch(link, /lang=/);
      t.equal(await tab.attribute('html', 'lang'), 'de');

      await tab.open(`${over(link)}?lang=de`);
      await tab.type('#passphrase', 'falsches Wort');
      await tab.click('main form button');
      await tab.waitFor('[role="alert"]');
      t.equal(await tab.attribute('#passphrase', 'aria-invalid'), 'true');
      await shot('wrong-passphrase');
      await tab.type('#passphrase', 'offenes Wort');
      await tab.click('main form button');
      await tab.waitFor('pre.text');
      t.equal(await tab.text('pre.text'), 'Gleis 9, zehn nach sechs. <ü>');
      await shot('note');
    }),
  );

  test.test(
    `${name}: a video plays from the page in stretches, and is saved whole`,
    { ...tools, ...needs('ffmpeg') },
    (t) =>
      onStage(name, async ({ driven, tab, folder, line, over, shot }) => {
        const file = path.join(folder, 'clip.mp4');
        const lavfi = '-f lavfi -i testsrc=size=320x240:rate=25:duration=20 -f lavfi -i sine=duration=20';
        execFileSync(
          'ffmpeg',
          `-v error ${lavfi} -c:v libx264 -b:v 2M -minrate 2M -x264-params nal-hrd=cbr -pix_fmt yuv420p -c:a aac ${file}`.split(
            ' ',
          ),
        );
        await tab.open(line.origin);
        await tab.choose('#file', file);
        const { link, sums } = await shareNow(tab);
        line.requests.length = 0;
        await tab.open(over(link));
        const video = `document.querySelector('video')`;
        await tab.waitUntil(`${video}.readyState >= 1 && ${video}.videoWidth === 320`);
        t.equal(await tab.eval(`${video}.error`), null);
        // Its own controls need a script in Firefox; a seek is what they would do.
        await tab.eval(`${video}.muted = true`);
        await tab.eval(`${video}.currentTime = 17`);
        await tab.waitUntil(`${video}.readyState >= 2 && ${video}.currentTime >= 17 && !${video}.seeking`);
        const asked = line.requests.filter((request) => request.startsWith('GET /open/'));
        t.comment(
          `figure: ${name}: stretches of the video asked for: ${asked.map((one) => one.split(' ')[2]).join(', ')}`,
        );
        t.ok(asked.length >= 1);
        t.strictSame(
          asked.filter((request) => !/ bytes=\d+-\d*$/.test(request)),
          [],
          'each with a Range',
        );
        await shot('video');
        await tab.click('figcaption a.button');
        t.strictSame([sha256(await savedFile(driven, /\.mp4$/))], sums);
      }),
  );

  test.test(`${name}: a refused upload says why, and keeps what was typed`, tools, (t) =>
    onStage(name, async ({ line, tab, folder, shot }) => {
      const file = path.join(folder, 'page.html');
      writeFileSync(file, '<!doctype html><script>alert(1)</script>');
      await tab.open(line.origin);
      await tab.click('form.files [value="1w"] + span');
      await tab.choose('#file', file);
      await tab.type('#caption', 'kept');
      await tab.click('form.files .go button');
      await tab.waitFor('[role="alert"]');
      t.equal(await tab.eval(`document.querySelector('#caption').value`), 'kept');
      t.equal(await tab.eval(`document.querySelector('form.files [value="1w"]').checked`), true);
      t.match(await tab.attribute('#file', 'aria-describedby'), 'problem');
      await shot('refused');
      await tab.choose('#file', await noise(path.join(folder, 'good.jpg'), 200, 200));
      const { link } = await shareNow(tab);
      await tab.open(link);
      t.equal(await tab.text('.caption'), 'kept', 'and the second try has it');
    }),
  );

  test.test(`${name}: what is too large is told so while it is sent, and afterwards`, tools, (t) =>
    onStage(
      name,
      async ({ line, tab, folder, shot }) => {
        const file = path.join(folder, 'large.jpg');
        writeFileSync(file, Buffer.concat([readFileSync(await noise(file, 300, 200)), Buffer.alloc(4_000_000)]));
        await tab.open(line.origin);
        await tab.choose('#file', file);
        await tab.waitUntil(`document.querySelector('.bar').getClientRects().length > 0`);
        const red = await turnsRed(tab, await sendWatched(tab), 6000);
        t.ok(red, 'the bar turns red while the rest is on its way');
        if (red !== null) keepPicture(`progress-too-large-${name}`, red);
        await tab.waitFor('[role="alert"]', 30_000);
        t.match(await tab.text('[role="alert"]'), /too large.*1 MB/s);
        await shot('too-large');
      },
      { bytesPerSecond: CIRCUIT, settings: { CHATPIC_FREE_MB: '1' } },
    ),
  );
}
