/** The canary, from the operator's key to a stranger who verifies it with OpenBSD's own tool. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { allFindings } from '../../src/cli/checks.js';
import { configure } from '../../src/config/configuration.js';
import { readEnvironment } from '../../src/config/environment.js';
import { DAY } from '../../src/base/units.js';
import { needs } from '../needs.js';
import { startAppliance } from './appliance.js';
import { chatpic } from './chatpic.js';

const folder = await mkdtemp(path.join(tmpdir(), 'chatpic-canary-'));
test.teardown(() => rm(folder, { recursive: true }));
const at = (name: string): string => path.join(folder, name);

const signed = async (statement: string): Promise<void> => {
  await writeFile(at('statement'), statement);
  const said = await chatpic(folder, 'canary', 'sign', at('statement'), '--key', at('key'), '--out', at('canary.txt'));
  if (said.code !== 0) throw new Error(said.errors);
};

test.test('a key is made once, and its private half is its owner\u2019s alone', async (t) => {
  t.equal((await chatpic(folder, 'canary', 'key', '--out', at('key'))).code, 0);
  t.equal((await stat(at('key'))).mode & 0o777, 0o600);
  t.equal((await chatpic(folder, 'canary', 'key', '--out', at('key'))).code, 1);
});

test.test(
  'it is served as it was signed, with its age on the transparency page, as soon as the file is there',
  async (t) => {
    const appliance = await startAppliance({ settings: { CHATPIC_CANARY: at('canary.txt') } });
    t.teardown(() => appliance.stop());
    const { base, clock } = appliance;
    const page = async (): Promise<string> =>
      (await fetch(`${base}/transparency`, { headers: { Accept: 'text/html' } })).text();
    t.equal((await fetch(`${base}/canary.txt`)).status, 404);
    t.notMatch(await page(), /canary/);
    await signed('No warrants, no gag orders.\n');
    const served = await fetch(`${base}/canary.txt`);
    t.equal(served.status, 200);
    t.match(served.headers.get('content-type'), /^text\/plain/);
    t.equal(await served.text(), await readFile(at('canary.txt'), 'utf8'));
    t.equal(await (await fetch(`${base}/canary.pub`)).text(), await readFile(at('key.pub'), 'utf8'));
    t.match(await page(), /<a href="\/canary.txt">Signed warrant canary<\/a> \(today\)/);
    clock.forward(12 * DAY);
    t.match(await page(), /\(12 days ago\)/);
    const german = await fetch(`${base}/transparency?lang=de`, { headers: { Accept: 'text/html' } });
    t.match(await german.text(), /\(vor 12 Tagen\)/);
    const json = (await (
      await fetch(`${base}/transparency`, { headers: { Accept: 'application/json' } })
    ).json()) as object;
    t.match(json, { quarters: [], canary: { path: '/canary.txt', age_days: 12 } });
    await writeFile(at('canary.txt'), (await readFile(at('canary.txt'), 'utf8')).replace('No warrants', 'Warrants'));
    t.equal((await fetch(`${base}/canary.txt`)).status, 404, 'what its key has not signed is not shown');
    t.notMatch(await page(), /canary/);
  },
);

test.test('signify verifies what is served, and nothing that was changed', needs('signify-openbsd'), async (t) => {
  await signed('No warrants.');
  const verify = (file: string): ReturnType<typeof spawnSync> =>
    spawnSync('signify-openbsd', ['-V', '-e', '-p', at('key.pub'), '-x', file, '-m', '-'], { encoding: 'utf8' });
  t.match(verify(at('canary.txt')), {
    status: 0,
    stdout: /^Signature Verified\nSigned: \d{4}-\d\d-\d\dT[\d:]+Z\n\nNo warrants\.\n$/,
  });
  await writeFile(at('changed'), `${await readFile(at('canary.txt'), 'utf8')}Not really.\n`);
  t.not(verify(at('changed')).status, 0);
});

test.test('the verbs and doctor say what is wrong in a sentence', async (t) => {
  await signed('No warrants.');
  const finding = async (file: string): Promise<unknown> => {
    const settings = { CHATPIC_DATA_DIR: folder, CHATPIC_CANARY: file };
    return (await allFindings(configure(readEnvironment(settings)))).find(({ name }) => name === 'canary');
  };
  t.match(await finding(at('canary.txt')), { state: 'good', says: 'signed 0 days ago' });
  t.match(await finding(at('statement')), { state: 'refuse' });
  t.match(await chatpic(folder, 'canary', 'verify', at('canary.txt')), {
    code: 0,
    out: /Signed by this key on .* 0 days ago/,
  });
  await chatpic(folder, 'canary', 'key', '--out', at('other'));
  const other = await chatpic(folder, 'canary', 'verify', at('canary.txt'), '--key', at('other.pub'));
  t.match(other, { code: 1, errors: /not signed by this key/ });
  await writeFile(at('empty'), ' \n');
  for (const [text, key, says] of [
    ['empty', 'key', /nothing to sign/],
    ['statement', 'statement', /no private half/],
    ['none', 'key', /ENOENT/],
  ] as const) {
    const said = await chatpic(folder, 'canary', 'sign', at(text), '--key', at(key), '--out', at('x'));
    t.match(said, { code: 1, errors: says });
  }
});
