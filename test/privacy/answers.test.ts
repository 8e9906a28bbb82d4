/** What every answer says, and what none says. */
import http from 'node:http';
import test from 'tap';
import { LANGUAGES } from '../../src/web/texts/texts.js';
import { startAppliance, upload } from '../stories/appliance.js';

interface Raw {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function ask(
  base: string,
  method: string,
  target: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      `${base}${target}`,
      { method, headers, setHost: headers['Host'] === undefined },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => void pieces.push(piece));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(pieces).toString(),
          }),
        );
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const EVERY = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
  'x-robots-tag': 'noindex',
};
const NEVER = [
  'date',
  'last-modified',
  'server',
  'x-powered-by',
  'set-cookie',
  'strict-transport-security',
  'onion-location',
];

test.test('every answer has the headers that were promised, and none of those that tell', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { base } = appliance;
  const open = await upload(base, null, { fields: { note: 'words' } });
  const asked = await upload(base, null, { fields: { note: 'words', views: '9' } });
  const dead = 'A'.repeat(16);
  const paths = [
    ...[
      '/',
      '/faq',
      '/terms',
      '/privacy',
      '/robots.txt',
      '/.well-known/security.txt',
      '/chatpic.sxcu',
      '/nowhere',
      '/delete',
    ],
    ...[open.token, asked.token, dead].flatMap((token) => [`/view/${token}`, `/file/${token}`, `/file/${token}/1`]),
    `/delete/${open.deleteToken}`,
    `/open/${'x'.repeat(22)}/1`,
    '/progress/short',
    '/%ff%fe',
    '/view/%00',
  ];
  for (const target of paths) {
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'POST', 'PATCH', 'TRACE']) {
      if (method === 'POST' && target.startsWith('/delete/')) continue;
      for (const accept of ['text/html', 'application/json', '*/*']) {
        const { headers, status } = await ask(base, method, target, {
          Accept: accept,
          Cookie: 'a=b',
          'If-Modified-Since': 'x',
        });
        const name = `${method} ${target.slice(0, 12)} ${accept}: ${status}`;
        for (const [header, value] of Object.entries(EVERY)) t.equal(headers[header], value, `${name} ${header}`);
        t.match(headers['content-security-policy'], /^default-src 'none'/, name);
        for (const header of NEVER) t.equal(headers[header], undefined, `${name} ${header}`);
        if (status >= 400) t.equal(headers.etag, undefined, name);
        t.ok(status < 500, name);
      }
    }
  }
});

test.test('links come from the configuration, whatever a request says', async (t) => {
  const onion = `${'a2'.repeat(28)}.onion`;
  const appliance = await startAppliance({
    settings: { CHATPIC_ONION: onion, CHATPIC_MIRROR_ORIGIN: 'https://mirror.example' },
  });
  t.teardown(() => appliance.stop());
  const lies = {
    Host: 'evil.example',
    'X-Forwarded-Host': 'evil.example',
    Forwarded: 'host=evil.example;proto=https',
    'X-Forwarded-Proto': 'https',
  };
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const text = await ask(appliance.base, 'POST', '/', { ...lies, ...form }, 'note=words');
  t.equal(text.status, 201);
  t.match(text.body, new RegExp(`^http://${onion}/view/`));
  const json = await ask(appliance.base, 'POST', '/', { ...lies, ...form, Accept: 'application/json' }, 'note=words');
  t.match(JSON.parse(json.body), {
    onion_url: new RegExp(`^http://${onion}/view/`),
    mirror_url: /^https:\/\/mirror\.example\/view\//,
  });
  const html = await ask(appliance.base, 'POST', '/', { ...lies, ...form, Accept: 'text/html' }, 'note=words');
  t.match(html.body, 'https://mirror.example/view/');
  for (const answer of [text, json, html]) t.notMatch(`${JSON.stringify(answer.headers)}${answer.body}`, /evil/);
});

test.test('bytes of uploads can do nothing, wherever they are opened', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const shared = await upload(appliance.base, null, { fields: { note: '<script>alert(1)</script>' } });
  const { headers } = await ask(appliance.base, 'GET', `/file/${shared.token}`);
  t.match(headers['content-security-policy'], /sandbox/);
  t.equal(headers['content-type'], 'text/plain; charset=utf-8');
  t.equal(headers['x-content-type-options'], 'nosniff');
  t.match(headers['content-disposition'], /note\.txt/);
  t.match(headers.etag, /^"[\w-]{20}"$/);
});

test.test('the front page fits into the first 14 KB with its headers, in every language', async (t) => {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  for (const language of Object.keys(LANGUAGES)) {
    const { headers, body } = await ask(appliance.base, 'GET', `/?lang=${language}`, { Accept: 'text/html' });
    const head = Object.entries(headers).reduce(
      (sum, [name, value]) => sum + name.length + String(value).length + 4,
      20,
    );
    t.ok(Buffer.byteLength(body) + head <= 14 * 1024, `${language}: ${Buffer.byteLength(body)} and ${head}`);
  }
});
