/** The operator's model, in the running appliance: what it calls explicit is doubtful, in pictures, animations and films. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import test, { type Test } from 'tap';
import { allFindings } from '../../src/cli/checks.js';
import { configure } from '../../src/config/configuration.js';
import { readEnvironment } from '../../src/config/environment.js';
import { tinyModel } from '../moderation/tiny-onnx.js';
import { needs } from '../needs.js';
import { formOf, postForm, upload, type Appliance } from './appliance.js';
import { fileIdOf, seenByStaff, staffed } from './staffed.js';

const CARD = JSON.stringify({ side: 8, labels: ['plain', 'explicit'], explicit: ['explicit'] });

/** A model that calls red pictures explicit, and its card. */
async function model(t: Test, bytes = tinyModel(8), card = CARD): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'chatpic-model-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const file = path.join(folder, 'model.onnx');
  await writeFile(file, bytes);
  await writeFile(`${file}.json`, card);
  return file;
}

function coloured(colour: string, type: 'jpeg' | 'png' = 'jpeg'): Promise<Buffer> {
  return sharp({ create: { width: 300, height: 200, channels: 3, background: colour } })
    .toFormat(type)
    .toBuffer();
}

/** Four green frames, with a red one among them. */
async function animated(): Promise<Buffer> {
  const frames = ['#2c2', '#3c3', '#d11', '#2b2'].map((colour) => ({ input: colour, colour }));
  const [width, height] = [64, 48];
  const data = Buffer.concat(
    await Promise.all(
      frames.map(({ colour }) =>
        sharp({ create: { width, height, channels: 3, background: colour } })
          .raw()
          .toBuffer(),
      ),
    ),
  );
  const roll = { width, height: height * frames.length, channels: 3, pageHeight: height } as const;
  return sharp(data, { raw: roll })
    .gif({ delay: [100, 100, 100, 100], loop: 0 })
    .toBuffer();
}

const borderline = ({ app }: Appliance): number => app.moderation.counters.exact('borderline', app.store.ledger.now());

test.test('what the model calls explicit is held, seen by staff, and released; the rest leaves no trace', async (t) => {
  const here = await staffed(t, { CHATPIC_CLASSIFIER: await model(t), CHATPIC_BORDERLINE: 'hold' });
  await upload(here.base, await coloured('#2c2'));
  await upload(here.base, null, { fields: { note: 'words' } });
  t.strictSame([here.app.moderation.queue().length, borderline(here)], [0, 0]);
  t.strictSame(here.app.moderation.classifier.status, { kind: 'ready' });

  const red = await upload(here.base, await coloured('#d11'));
  const fileId = fileIdOf(here, red);
  t.match(here.app.moderation.queue(), [{ fileId, held: true, borderline: new Set(['explicit']), severity: 1 }]);
  t.equal((await fetch(red.url)).status, 404, 'not served before a human has looked');
  t.ok((await seenByStaff(here, fileId))?.includes('photo.jpg'));
  await here.restart();
  t.equal((await fetch(`${here.base}/view/${red.token}`)).status, 404);
  const share = here.app.store.ledger.findByFileId(fileId as never);
  const taken = here.app.moderation.takeCase(fileId);
  t.ok(share !== null && (await here.app.store.ledger.setHeld(share, false, taken?.changes)));
  t.equal((await fetch(`${here.base}/view/${red.token}`)).status, 200, 'released');

  const transparent = await sharp({ create: { width: 80, height: 80, channels: 4, background: '#f000' } })
    .png()
    .toBuffer();
  await upload(here.base, transparent, { name: 'clear.png' });
  t.equal(borderline(here), 1, 'red that nobody sees is white');
  await upload(here.base, await animated(), { name: 'frames.gif' });
  t.equal(borderline(here), 2, 'one frame of an animation is enough');
});

test.test('with borderline shared, a doubtful picture is served and in the queue', async (t) => {
  const here = await staffed(t, { CHATPIC_CLASSIFIER: await model(t) });
  const red = await upload(here.base, await coloured('#d11', 'png'), { name: 'red.png' });
  t.equal((await fetch(red.url)).status, 200);
  t.match(here.app.moderation.queue(), [{ fileId: fileIdOf(here, red), held: false }]);
});

test.test('the sample frames of a film are judged', needs('ffmpeg'), async (t) => {
  const here = await staffed(t, { CHATPIC_CLASSIFIER: await model(t) });
  const folder = await mkdtemp(path.join(tmpdir(), 'chatpic-film-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const film = async (name: string, ...colours: readonly string[]): Promise<Buffer> => {
    const file = path.join(folder, `${name}.mp4`);
    const inputs = colours.flatMap((colour) => ['-f', 'lavfi', '-i', `color=${colour}:s=128x96:d=1:r=5`]);
    const joined = `${colours.map((_, at) => `[${at}:v]`).join('')}concat=n=${colours.length}:v=1:a=0,format=yuv420p`;
    const made = ['-c:v', 'libx264', '-g', '5', '-y', file];
    t.equal(spawnSync('ffmpeg', ['-v', 'error', ...inputs, '-filter_complex', joined, ...made]).status, 0);
    return readFile(file);
  };
  await upload(here.base, await film('green', 'green', 'lime'), { name: 'green.mp4' });
  t.equal(borderline(here), 0);
  await upload(here.base, await film('red', 'green', 'lime', 'red', 'green'), { name: 'red.mp4' });
  t.equal(borderline(here), 1, 'one red second of four');
});

test.test('a model that fails is told and counted, and never passes for a verdict', async (t) => {
  const broken = await model(t, Buffer.from('no model'));
  const here = await staffed(t, { CHATPIC_CLASSIFIER: broken });
  t.equal((await postForm(here.base, formOf(await coloured('#d11')))).status, 201);
  t.match(here.app.moderation.classifier.status, { kind: 'failing', fault: 'model-refused' });
  t.equal(here.app.moderation.counters.exact('unchecked', here.app.store.ledger.now()), 1);
  t.equal(borderline(here), 0);
});

test.test('doctor says whether there is a classifier, and whether it works', async (t) => {
  const finding = async (file: string): Promise<unknown> => {
    const settings = { CHATPIC_DATA_DIR: t.testdirName, CHATPIC_CLASSIFIER: file };
    const findings = await allFindings(configure(readEnvironment(settings)));
    return findings.find(({ name }) => name === 'classifier');
  };
  t.match(await finding(''), { state: 'warn', says: /none: only lists and people/ });
  t.match(await finding(await model(t)), { state: 'good' });
  t.match(await finding('/nonexistent.onnx'), { state: 'refuse', says: /card/ });
  t.match(await finding(await model(t, Buffer.from('no model'))), { state: 'refuse', says: /engine does not take/ });
});
