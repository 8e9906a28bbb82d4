/**
 * Every page of the desk, as a moderator comes to it who signs in, looks and decides: axe-core finds nothing, and all fit.
 * The screenshots land in `test/e2e/shots/desk/`.
 */
import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import test from 'tap';
import { formOf, postForm, startAppliance, upload, type Appliance } from '../stories/appliance.js';
import { ALICE, BOB, deskOf, Moderator, report, staffed } from '../stories/moderator.js';
import { fileIdOf } from '../stories/staffed.js';
import { HOUR } from '../../src/base/units.js';
import { generateHpkeKeyPair } from '../../src/crypto/hpke.js';
import { needs } from '../needs.js';
import { launch, type Tab } from './browser.js';
import { stopsOf, wrongStops } from './keyboard.js';
import { lookAt, LOOKS, wear } from './looks.js';

test.test(
  'the desk: axe-core finds no violation, pages fit both widths, a keyboard goes in order',
  needs('chromium'),
  async (t) => {
    const appliance = await startAppliance({ desk: true, settings: { CHATPIC_BORDERLINE: 'hold' } });
    const chromium = await launch('chromium', { scripts: true });
    try {
      const tab = await chromium.newTab();
      const found: string[] = [];
      await walk(tab, appliance, async (name) => {
        // Both schemes have colours of their own, and each width a layout.
        found.push(...(await lookAt(tab, 'desk', name, [LOOKS[0]!, LOOKS[3]!])));
        await wear(tab, LOOKS[0]!);
        found.push(...wrongStops(await stopsOf(tab)).map((one) => `${name}: ${one}`));
      });
      t.strictSame(found, []);
    } finally {
      await chromium.close();
      await appliance.stop();
    }
  },
);

async function walk(tab: Tab, appliance: Appliance, shot: (title: string) => Promise<void>): Promise<void> {
  const { app } = appliance;
  const desk = deskOf(appliance);
  if (app.moderation.accounts.publicKey() === null) {
    await tab.open(`${desk}/sign-in`);
    await shot('00-nobody-yet');
    await fill(appliance);
  }
  await tab.open(`${desk}/sign-in`);
  await shot('01-sign-in');
  await signIn(tab, 'not the passphrase');
  await shot('02-wrong');
  await signIn(tab, ALICE.passphrase);
  await tab.waitFor('nav.places');
  await shot('03-queue');
  const cases = app.moderation.queue();
  for (const [at, item] of cases.entries()) {
    await tab.open(`${desk}/case/${item.fileId}`);
    await tab.waitUntil(`[...document.images].every((image) => image.complete)`);
    await shot(`04-case-${at}`);
    const button = `form[action$="/see"] button`;
    if ((await tab.eval(`document.querySelector('${button}') !== null`)) !== true) continue;
    await tab.click(button);
    await tab.waitUntil(`document.querySelector('${button}') === null && document.readyState === 'complete'`);
    await shot(`05-seen-${at}`);
  }
  for (const page of ['letters', 'remove', 'lists', 'figures', 'trail', 'accounts']) {
    await tab.open(`${desk}/${page}`);
    await shot(`06-${page}`);
  }
  for (const [at, letter] of (app.moderation.notices?.open() ?? []).entries()) {
    await tab.open(`${desk}/letter/${letter.reference}`);
    await shot(`07-letter-${at}-${letter.kind}`);
  }
  await tab.open(`${desk}/case/cp-0000000000`);
  await shot('08-not-done');
}

async function signIn(tab: Tab, passphrase: string): Promise<void> {
  await tab.eval(`document.querySelector('#name').value = ''`);
  await tab.type('#name', ALICE.name);
  await tab.type('#passphrase', passphrase);
  await tab.click('.go button');
  await tab.waitUntil(`document.querySelector('.alert, nav.places') !== null && document.readyState === 'complete'`);
}

/** Something of everything that comes to a desk. */
async function fill(appliance: Appliance): Promise<void> {
  const { base, clock, app } = appliance;
  await staffed(appliance);
  await app.moderation.preserved.setOfflineKey(generateHpkeKeyPair().publicKey);
  const takedown = (links: string): Promise<Response> => {
    const work = 'My photograph of the harbour, published in 2024.\nIt is the second in the series.';
    const fields = {
      links,
      work,
      name: 'Maria Muster',
      contact: 'maria@example.org',
      goodFaith: 'yes',
      accurate: 'yes',
    };
    return fetch(`${base}/takedown`, { method: 'POST', body: new URLSearchParams(fields) });
  };
  const photo = await scene('#0b6b62');
  const shared = await upload(base, photo, { fields: { caption: 'From the hut <b>', expiry: '1w' }, name: 'hut.jpg' });
  await takedown(`${shared.url}\ncp-0123456789`);
  clock.forward(49 * HOUR);
  await takedown(shared.url);
  const contact = new URLSearchParams({ topic: 'question', message: 'Is my picture gone?', reply: 'me@example.org' });
  await fetch(`${base}/contact`, { method: 'POST', body: contact });
  await report(
    base,
    shared.token,
    'intimate',
    `That is me.\n<script>alert(1)</script> Please remove it: ${shared.url}`,
  );
  await report(base, shared.token, 'personal', 'It shows where I live.');
  const note = await upload(base, null, {
    fields: { note: 'Words that somebody did not like.\n'.repeat(4), expiry: 'burn' },
  });
  await report(base, note.token, 'violence');
  const locked = await upload(base, null, { fields: { note: 'locked', passphrase: 'p' } });
  await report(base, locked.token, 'copyright');
  const album = formOf(photo, { name: 'one.jpg', fields: { caption: 'An album' } });
  album.append('file', new Blob([Buffer.from(await scene('#a8361a'))]), 'two.jpg');
  const answer = (await (await postForm(base, album)).text()).split('\n')[0] ?? '';
  await report(base, answer.split('/').pop() ?? '', 'minors', 'look');
  const alice = await Moderator.signedIn(deskOf(appliance));
  await alice.post('/accounts', { ...BOB, again: BOB.passphrase, known: 'no' });
  const bob = await Moderator.signedIn(deskOf(appliance), BOB);
  await bob.post(`/case/${fileIdOf(appliance, note)}/take`);
  const list = new FormData();
  for (const [field, value] of Object.entries({
    form: alice.token,
    name: 'Hash exchange 2026',
    reason: 'child-abuse',
    action: 'refuse',
    untyped: 'sha256',
  }))
    list.set(field, value);
  list.set('file', new Blob([await readFile(import.meta.filename), `\n${'ab'.repeat(32)}\n`]), 'list.txt');
  await alice.postForm('/lists', list);
}

function scene(colour: string): Promise<Buffer> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="600"><rect width="900" height="600" fill="#9cc"/><circle cx="650" cy="180" r="90" fill="#fc8"/><path d="M0 600 L300 200 L520 460 L640 330 L900 600 Z" fill="${colour}"/></svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 90 }).toBuffer();
}
