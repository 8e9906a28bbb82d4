/** The short way of the front page gives what the long way gives. */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import test from 'tap';
import { startAppliance } from '../stories/appliance.js';

async function get(url: string, method = 'GET'): Promise<{ status: string; headers: string[]; body: string }> {
  const request = http.request(url, { method, agent: false, headers: { Connection: 'keep-alive' } }).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const body = (await response.setEncoding('utf8').toArray()).join('');
  return { status: `${response.statusCode ?? 0} ${response.statusMessage ?? ''}`, headers: response.rawHeaders, body };
}

/** Without what differs between any two answers: the ID, and the hash of the style that bears it. */
function withoutId(answer: Awaited<ReturnType<typeof get>>): unknown {
  const id = /progress\/([0-9A-Za-z]{22})\.gif/.exec(answer.body)?.[1] ?? 'no ID';
  const headers = answer.headers.map((value) => value.replace(/(style-src '\S+') '\S+';/, "$1 'own';"));
  return { ...answer, headers, body: answer.body.replaceAll(id, 'ID') };
}

test.test('the front page is the same by the short way and by the long one', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  // A query takes the long way, and this one says nothing.
  const [short, long] = [await get(`${appliance.base}/`), await get(`${appliance.base}/?`)];
  t.strictSame(withoutId(short), withoutId(long));
  t.match(short.body, /progress\/[0-9A-Za-z]{22}\.gif/);
  t.not(short.body, (await get(`${appliance.base}/`)).body, 'each under an ID of its own');
  const head = await get(`${appliance.base}/`, 'HEAD');
  t.strictSame(withoutId({ ...head, body: short.body }), withoutId(short));
});
