import test from 'tap';
import { answerOf, picture, startAppliance, upload } from './appliance.js';

test.test('of 100 parallel openers of a burn link exactly one gets the bytes', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const photo = await picture(1);
  const shared = await upload(base, photo, { fields: { expiry: 'burn' } });
  const unknown = await answerOf(await fetch(`${base}/file/${'A'.repeat(16)}`, { method: 'POST' }));
  const answers = await Promise.all(
    Array.from({ length: 100 }, async () => {
      const response = await fetch(shared.fileUrl, { method: 'POST' });
      if (response.status === 200) return Buffer.from(await response.arrayBuffer());
      return answerOf(response);
    }),
  );
  const winners = answers.filter((answer) => Buffer.isBuffer(answer));
  t.equal(winners.length, 1);
  t.ok(winners[0]?.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff])), 'the one got the picture');
  for (const answer of answers)
    if (!Buffer.isBuffer(answer)) t.equal(answer, unknown, 'the others got the unknown link');
});

test.test('GET, HEAD, OPTIONS, Range and link-preview robots never burn nor see content', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const note = 'the words that only one reader may see';
  const shared = await upload(base, null, { fields: { expiry: 'burn', note } });
  const robots = [
    'facebookexternalhit/1.1',
    'TelegramBot (like TwitterBot)',
    'WhatsApp/2.23',
    'Slackbot-LinkExpanding 1.0',
    'curl/8',
  ];
  for (const target of [shared.url, shared.fileUrl, `${shared.fileUrl}/1`, `${shared.url}?download`]) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'PROPFIND', 'DELETE', 'PUT']) {
      for (const agent of robots) {
        for (const accept of ['*/*', 'text/html', 'application/json']) {
          const response = await fetch(target, {
            method,
            headers: { 'User-Agent': agent, Accept: accept, Range: 'bytes=0-10' },
          });
          t.notMatch(await response.text(), /only one reader/);
          if (method === 'GET' && target.includes('/file/')) t.equal(response.status, 409);
        }
      }
    }
  }
  const opened = await fetch(shared.fileUrl, { method: 'POST' });
  t.equal(await opened.text(), note, 'after all of them it still opens, once');
  t.equal((await fetch(shared.fileUrl, { method: 'POST' })).status, 404);
});

test.test('a wrong passphrase never burns', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const shared = await upload(base, null, { fields: { expiry: 'burn', note: 'secret', passphrase: 'Grüße 12' } });
  const tryWith = (passphrase: string): Promise<Response> =>
    fetch(shared.fileUrl, { method: 'POST', body: new URLSearchParams({ passphrase }) });
  for (const wrong of ['', 'Grüße 13', 'grüße 12', 'x'.repeat(150)]) {
    t.equal((await tryWith(wrong)).status, 403, JSON.stringify(wrong.slice(0, 10)));
  }
  t.equal(await (await tryWith('Grüße 12')).text(), 'secret');
  t.equal((await tryWith('Grüße 12')).status, 404);
});

test.test('ten wrong passphrases, then a pause; the right one waits too', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const shared = await upload(appliance.base, null, { fields: { note: 'secret', passphrase: 'right' } });
  const tryWith = (passphrase: string): Promise<Response> =>
    fetch(shared.fileUrl, { method: 'POST', body: new URLSearchParams({ passphrase }) });
  const statuses = await Promise.all(Array.from({ length: 12 }, async () => (await tryWith('wrong')).status));
  t.equal(statuses.filter((status) => status === 403).length, 10);
  t.equal(statuses.filter((status) => status === 429).length, 2);
  const slow = await tryWith('right');
  t.equal(slow.status, 429);
  t.ok(Number(slow.headers.get('retry-after')) > 0);
  appliance.clock.forward(31_000);
  t.equal(await (await tryWith('right')).text(), 'secret');
});

test.test('a limit of views holds for parallel openers', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const shared = await upload(appliance.base, null, { fields: { note: 'three times', views: '3' } });
  t.equal((await fetch(shared.url, { headers: { Accept: 'text/html' } })).status, 200, 'the question uses nothing up');
  const statuses = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await fetch(shared.fileUrl, { method: 'POST' });
      await response.arrayBuffer();
      return response.status;
    }),
  );
  t.equal(statuses.filter((status) => status === 200).length, 3);
  t.equal(statuses.filter((status) => status === 404).length, 17);
});

test.test('a burned picture stays readable for the one who opened it, and for no one else', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const big = await picture(3, 2000, 2000);
  t.ok(big.length > 2_000_000, 'too large to stand in the page');
  const shared = await upload(appliance.base, big, { fields: { expiry: 'burn' } });
  const page = await fetch(shared.url, { method: 'POST', headers: { Accept: 'text/html' } });
  t.equal(page.status, 200, 'no redirect');
  const grant = /\/open\/[0-9A-Za-z]{22}\/1/.exec(await page.text())?.[0] ?? '';
  const whole = Buffer.from(await (await fetch(`${appliance.base}${grant}`)).arrayBuffer());
  const tail = await fetch(`${appliance.base}${grant}`, { headers: { Range: 'bytes=1000-1999' } });
  t.equal(tail.status, 206);
  t.ok(Buffer.from(await tail.arrayBuffer()).equals(whole.subarray(1000, 2000)));
  t.equal((await fetch(shared.url)).status, 404);
  appliance.clock.forward(2 * 60_000 + 1000);
  t.equal((await fetch(`${appliance.base}${grant}`)).status, 404, 'two minutes after the last use it is over');
});

test.test('a recipient can end what was opened', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const shared = await upload(appliance.base, await picture(4, 2000, 2000), { fields: { views: '5' } });
  const page = await (await fetch(shared.url, { method: 'POST', headers: { Accept: 'text/html' } })).text();
  const destroy = /\/open\/[0-9A-Za-z]{22}\/destroy/.exec(page)?.[0] ?? '';
  t.equal((await fetch(`${appliance.base}${destroy}`, { method: 'POST' })).status, 200);
  t.equal((await fetch(shared.url)).status, 404);
  t.equal((await fetch(`${appliance.base}${destroy.replace('destroy', '1')}`)).status, 404);
});

test.test('where a word is asked, the button alone opens nothing', async (t) => {
  const appliance = await startAppliance({ settings: { CHATPIC_OPEN_WORD: 'on' } });
  t.teardown(() => appliance.stop());
  const shared = await upload(appliance.base, null, { fields: { note: 'words', expiry: 'burn' } });
  const press = async (fields: Record<string, string>): Promise<Response> =>
    fetch(shared.url, { method: 'POST', body: new URLSearchParams(fields), headers: { Accept: 'text/html' } });
  const question = await (await fetch(shared.url, { headers: { Accept: 'text/html' } })).text();
  const word = /Type this word: (\w+)/.exec(question)?.[1] ?? '';
  t.not(word, '');
  t.equal((await press({})).status, 403);
  t.equal((await press({ word: 'wrong' })).status, 403);
  const opened = await press({ word: ` ${word.toUpperCase()} ` });
  t.equal(opened.status, 200);
  t.match(await opened.text(), /<pre class="text"/);
  t.equal((await press({ word })).status, 404);
});
