import test from 'tap';
import { freePort, startAppliance, type Appliance } from './appliance.js';

const ONION = `${'b3'.repeat(28)}.onion`;
const HTML = { Accept: 'text/html' };

async function rotated(): Promise<{ appliance: Appliance; old: string }> {
  const port = await freePort();
  const settings = { CHATPIC_ONION: ONION, CHATPIC_MOVED_LISTEN: `127.0.0.1:${port}` };
  return { appliance: await startAppliance({ settings }), old: `http://127.0.0.1:${port}` };
}

test.test('a page of the old address says where it is now, and leads there by itself', async (t) => {
  const { appliance, old } = await rotated();
  t.teardown(() => appliance.stop());
  const page = await fetch(`${old}/view/7hQ2mZx90KbTfW4c?lang=de`, { headers: HTML });
  const url = `http://${ONION}/view/7hQ2mZx90KbTfW4c?lang=de`;
  const text = await page.text();
  t.equal(page.status, 200);
  t.equal(page.headers.get('refresh'), `20; url=${url}`);
  t.match(text, /umgezogen/);
  t.ok(text.includes(`href="${url}"`));
  t.match(page.headers.get('content-security-policy'), /^default-src 'none'/);
  for (const name of ['onion-location', 'strict-transport-security', 'date', 'set-cookie', 'location'])
    t.equal(page.headers.get(name), null, name);
});

test.test('a script is redirected with its method, and told so', async (t) => {
  const { appliance, old } = await rotated();
  t.teardown(() => appliance.stop());
  const plain = await fetch(`${old}/x.txt`, { method: 'PUT', body: 'words', redirect: 'manual' });
  t.equal(plain.status, 308);
  t.equal(plain.headers.get('location'), `http://${ONION}/x.txt`);
  t.equal(await plain.text(), `This site has moved: http://${ONION}/x.txt\n`);
  const json = await fetch(`${old}/a`, { headers: { Accept: 'application/json' }, redirect: 'manual' });
  t.strictSame(await json.json(), { error: 'moved', url: `http://${ONION}/a` });
});

test.test('what a form sends to the old address is not taken, and not sent on', async (t) => {
  const { appliance, old } = await rotated();
  t.teardown(() => appliance.stop());
  const body = new URLSearchParams({ note: 'words' });
  const answer = await fetch(`${old}/`, { method: 'POST', body, headers: HTML, redirect: 'manual' });
  t.equal(answer.status, 421);
  t.equal(answer.headers.get('refresh'), null);
  t.match(await answer.text(), /was not taken/);
  t.equal(appliance.app.store.stats().live, 0);
});

test.test('a listener for the old address wants to know the new one', async (t) => {
  await t.rejects(startAppliance({ settings: { CHATPIC_MOVED_LISTEN: '127.0.0.1:0' } }), /CHATPIC_ONION=/);
});
