import { existsSync, mkdtempSync, readFileSync, statSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import test from 'tap';
import { freePort, startAppliance, upload } from './appliance.js';

const ONION = `${'b3'.repeat(28)}.onion`;

interface Answer {
  readonly status: number;
  readonly raw: readonly string[];
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

function ask(options: https.RequestOptions, secure = true, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = (secure ? https : http).request(
      { host: '127.0.0.1', rejectUnauthorized: false, ...options },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => void (text += piece));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            raw: response.rawHeaders,
            headers: response.headers,
            body: text,
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

test.test(
  'the mirror speaks TLS 1.3 alone, names the onion once, and answers plain http with a redirect',
  async (t) => {
    const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-mirror-'));
    const port = await freePort();
    const settings = {
      CHATPIC_MIRROR_LISTEN: `127.0.0.1:${port}`,
      CHATPIC_MIRROR_ORIGIN: 'https://mirror.example',
      CHATPIC_TLS_CERT: path.join(dir, 'cert.pem'),
      CHATPIC_TLS_KEY: path.join(dir, 'key.pem'),
      CHATPIC_ONION: ONION,
    };
    const appliance = await startAppliance({ settings });
    t.teardown(() => appliance.stop());
    t.equal(statSync(path.join(dir, 'key.pem')).mode & 0o777, 0o600, 'the key was made for the first start');
    t.ok(existsSync(path.join(dir, 'cert.pem.csr')));
    t.match(readFileSync(path.join(dir, 'cert.pem'), 'utf8'), 'BEGIN CERTIFICATE');

    const page = await ask({ port, path: '/faq?lang=de' });
    t.equal(page.status, 200);
    t.equal(page.headers['strict-transport-security'], 'max-age=63072000');
    t.equal(page.raw.filter((name) => name.toLowerCase() === 'onion-location').length, 1);
    t.equal(page.headers['onion-location'], `http://${ONION}/faq?lang=de`);
    t.equal(page.headers.date, undefined);
    const text = await ask({ port, path: '/robots.txt' });
    t.equal(text.headers['onion-location'], undefined, 'on pages only');

    const upload = await ask(
      {
        port,
        path: '/',
        method: 'POST',
        headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'application/json' },
      },
      true,
      'note=words',
    );
    t.match(JSON.parse(upload.body), {
      url: /^https:\/\/mirror\.example\/view\//,
      onion_url: new RegExp(`^http://${ONION}/view/`),
    });

    const plain = await ask({ port, path: '/faq?x=1' }, false);
    t.equal(plain.status, 301);
    t.equal(plain.headers.location, 'https://mirror.example/faq?x=1');
    t.equal(plain.body, '');
    t.equal(
      (await ask({ port, path: '/', method: 'POST' }, false, 'note=x')).headers.location,
      'https://mirror.example/',
    );

    const old = await new Promise((resolve) => {
      const socket = tls.connect({ host: '127.0.0.1', port, maxVersion: 'TLSv1.2', rejectUnauthorized: false }, () =>
        resolve('connected'),
      );
      socket.on('error', () => resolve('refused'));
    });
    t.equal(old, 'refused', 'TLS 1.2');
  },
);

interface Mirror {
  readonly port: number;
  readonly onion: string;
}

async function mirror(scope: { teardown: (end: () => unknown) => unknown }, more: object = {}): Promise<Mirror> {
  const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-mirror-'));
  const port = await freePort();
  const settings = {
    CHATPIC_MIRROR_LISTEN: `127.0.0.1:${port}`,
    CHATPIC_MIRROR_ORIGIN: 'https://mirror.example',
    CHATPIC_TLS_CERT: path.join(dir, 'cert.pem'),
    CHATPIC_TLS_KEY: path.join(dir, 'key.pem'),
    CHATPIC_ONION: ONION,
    ...more,
  };
  const appliance = await startAppliance({ settings });
  scope.teardown(() => appliance.stop());
  return { port, onion: appliance.base };
}

const FORM = {
  'Content-Type': 'application/x-www-form-urlencoded',
  'Sec-Fetch-Site': 'same-origin',
  Accept: 'text/html',
};

test.test('a receipt bears both addresses, whichever way it was asked for', async (t) => {
  const { port, onion } = await mirror(t);
  const both = [/https:\/\/mirror\.example\/view\/\w{16}</, new RegExp(`http://${ONION}/view/\\w{16}<`)];
  const there = await ask({ port, path: '/', method: 'POST', headers: FORM }, true, 'note=words');
  t.equal(there.status, 201);
  const body = new URLSearchParams({ note: 'words' });
  const here = await (await fetch(`${onion}/`, { method: 'POST', headers: FORM, body })).text();
  for (const address of both) {
    t.match(there.body, address);
    t.match(here, address);
  }
});

test.test('what a proxy forwards of a visitor changes nothing, and an error names no onion', async (t) => {
  const { port } = await mirror(t);
  const forwarded = {
    'X-Forwarded-For': '203.0.113.77',
    'X-Forwarded-Host': 'evil.example',
    'X-Forwarded-Proto': 'http',
    'X-Real-IP': '203.0.113.77',
    Forwarded: 'for=203.0.113.77;host=evil.example;proto=http',
  };
  const plain = await ask({ port, path: '/faq', headers: { Accept: 'text/html' } });
  const told = await ask({ port, path: '/faq', headers: { Accept: 'text/html', ...forwarded } });
  t.strictSame(told, plain);
  const gone = await ask({ port, path: '/view/7hQ2mZx90KbTfW4c', headers: { Accept: 'text/html' } });
  t.equal(gone.status, 404);
  t.equal(gone.headers['onion-location'], undefined);
  t.equal(gone.headers['strict-transport-security'], 'max-age=63072000', 'HSTS on every answer');
});

test.test('on a read-only mirror links are opened and nothing is shared', async (t) => {
  const { port, onion } = await mirror(t, { CHATPIC_MIRROR_READ_ONLY: 'on' });
  const front = await ask({ port, path: '/', headers: { Accept: 'text/html' } });
  t.equal(front.status, 200);
  t.notMatch(front.body, /<form/);
  t.match(front.body, `http://${ONION}/`);
  const refused = await ask({ port, path: '/', method: 'POST', headers: FORM }, true, 'note=words');
  t.equal(refused.status, 403);
  t.equal((await ask({ port, path: '/a.txt', method: 'PUT' }, true, 'words')).status, 403);
  const shared = await upload(onion, null, { fields: { note: 'words' } });
  const opened = await ask({ port, path: new URL(shared.fileUrl).pathname });
  t.equal(opened.body, 'words');
});

test.test('an onion answers without HSTS and without Onion-Location', async (t) => {
  const appliance = await startAppliance({
    settings: { CHATPIC_ONION: ONION, CHATPIC_MIRROR_ORIGIN: 'https://mirror.example' },
  });
  t.teardown(() => appliance.stop());
  const { headers } = await fetch(`${appliance.base}/`);
  t.equal(headers.get('strict-transport-security'), null);
  t.equal(headers.get('onion-location'), null);
});
