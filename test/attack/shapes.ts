/** Requests that are wrong in themselves: bombs, malformed forms, smuggling, ranges, paths, lies. */
import { barrage, scaled, type Attack, type Shot, type Target } from './attack.js';
import { request } from './wire.js';

function firing(name: string, gunners: number, shots: (target: Target) => readonly Shot[]): Attack {
  return {
    name,
    begin(target) {
      const all = shots(target);
      return Promise.resolve(
        barrage(target, scaled(target, gunners), (i) => all[i % all.length] ?? { bytes: Buffer.alloc(0) }),
      );
    },
  };
}

const plain = (bytes: Buffer | string): Shot => ({ bytes: Buffer.from(bytes) });

/** A form as raw bytes; `b` is its boundary. */
function form(body: string | Buffer, boundary = 'b'): Buffer {
  return request('POST /', [`Content-Type: multipart/form-data; boundary=${boundary}`], body);
}

const PART = (name: string, more = ''): string =>
  `--b\r\nContent-Disposition: form-data; name="${name}"${more}\r\n\r\n`;
const FILE = PART('file', '; filename="x.txt"');
const END = '\r\n--b--\r\n';

const HEADER_BOMBS: readonly Buffer[] = [
  request('GET /', [`X: ${'y'.repeat(15_000)}`]),
  request('GET /', [`X: ${'y'.repeat(1_000_000)}`]),
  request(
    'GET /',
    Array.from({ length: 1500 }, (_, i) => `X${i}: y`),
  ),
  request(
    'GET /',
    Array.from({ length: 50_000 }, (_, i) => `X${i}: y`),
  ),
  request(`GET /${'a'.repeat(15_000)}`),
  request(`GET /${'a'.repeat(500_000)}`),
  request(`GET /?${'a=b&'.repeat(3_500)}`),
  request('GET /', [`Cookie: ${'a=b; '.repeat(3_000)}`]),
  request('GET /', [`Accept: ${'text/html,'.repeat(1_400)}`]),
];

const MULTIPART_BOMBS: readonly Buffer[] = [
  form(`${PART('note')}x\r\n`.repeat(20_000) + END),
  form(`${FILE}x\r\n`.repeat(5_000) + END),
  form(PART('n'.repeat(1_000_000)) + 'x' + END),
  form(PART('file', `; filename="${'n'.repeat(1_000_000)}"`) + 'x' + END),
  form(PART('a' + '[b]'.repeat(20_000)) + 'x' + END),
  form(`${Array.from({ length: 39 }, (_, i) => `${PART(`a${i}[__proto__][x]`)}x\r\n`).join('')}${END}`),
  form(`--b\r\n${'X: y\r\n'.repeat(20_000)}\r\nx${END}`),
  form(`--b\r\nX: ${'y'.repeat(1_000_000)}\r\n\r\nx${END}`),
  form(FILE + '\r\n--c'.repeat(200_000) + END),
  form(FILE + '\r\n-'.repeat(300_000) + END),
  form(`${PART('note')}${'x'.repeat(3_000_000)}${END}`),
  form(`--${'b'.repeat(8_000)}\r\n`, 'b'.repeat(8_000)),
  form(
    `--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n${'--c\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n'.repeat(5_000)}`,
  ),
];

/** Every way in which a form can be broken that a generator thinks of: cut anywhere, wrong line ends, wrong heads. */
function malformed(): Buffer[] {
  const whole = `${PART('expiry')}1h\r\n${PART('note')}words\r\n${FILE}words of a file${END}`;
  const cuts = Array.from({ length: 30 }, (_, i) => form(whole.slice(0, Math.floor((whole.length * i) / 30))));
  const bent = [
    whole.replaceAll('\r\n', '\n'),
    whole.replaceAll('\r\n', '\r'),
    whole.replaceAll('--b', '-b'),
    whole.replace('form-data', 'attachment'),
    whole.replace('name="note"', ''),
    whole.replace('name="note"', 'name=note'),
    whole.replace('name="note"', 'name="no'),
    whole.replace('name="note"', "name*=utf-8''note"),
    whole.replace('name="note"', 'name="note"; name="other"'),
    whole.replace('filename="x.txt"', 'filename="../../../etc/passwd"'),
    whole.replace('filename="x.txt"', `filename="${'\\"'.repeat(500)}"`),
    whole.replace('filename="x.txt"', "filename*=utf-8''%ff%fe%00"),
    whole.replace('filename="x.txt"', 'filename="\0\x01\x02"'),
    whole.replace('Content-Disposition', 'Content-Dis\0position'),
    whole.replace('Content-Disposition: ', ' Content-Disposition: '),
    `\r\n\r\npreamble\r\n${whole}epilogue`,
    whole + whole,
    END,
    '--b--',
    '--b\r\n\r\n--b\r\n\r\n--b--',
    PART('__proto__') + 'x' + END,
    PART('constructor') + 'x' + END,
    PART('toString') + 'x' + END,
  ].map((body) => form(body));
  const types = [
    'multipart/form-data',
    'multipart/form-data; boundary',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary=a; boundary=b',
    `multipart/form-data; boundary="${'b'.repeat(200)}"`,
    'multipart/form-data; boundary=\xff\xfe',
    'multipart/mixed; boundary=b',
    'multipart/form-data; charset=utf-7; boundary=b',
  ].map((type) => request('POST /', [`Content-Type: ${type}`], whole));
  return [...cuts, ...bent, ...types];
}

const INNER = 'GET /faq HTTP/1.1\r\nHost: x\r\n\r\n';

/** A front server and this one must never disagree about where a request ends: what is not plain is refused. */
function smuggling(): Shot[] {
  const post = (headers: readonly string[], body: string): Buffer =>
    Buffer.from(['POST /delete HTTP/1.1', 'Host: x', ...headers, '', body].join('\r\n'), 'latin1');
  const refused = [
    post([`Content-Length: ${INNER.length + 5}`, 'Transfer-Encoding: chunked'], `0\r\n\r\n${INNER}`),
    post(['Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${INNER}`),
    post(['Content-Length: 0', `Content-Length: ${INNER.length}`], INNER),
    post(['Content-Length: 0, 0'], INNER),
    post(['Content-Length: +0'], INNER),
    post(['Content-Length: 0x0'], INNER),
    post(['Content-Length: -1'], INNER),
    post(['Content-Length : 0'], INNER),
    post(['Transfer-Encoding: xchunked'], `0\r\n\r\n${INNER}`),
    post(['Transfer-Encoding: chunked, identity'], `0\r\n\r\n${INNER}`),
    post(['Transfer-Encoding: identity'], `0\r\n\r\n${INNER}`),
    post(['Transfer-Encoding : chunked'], `0\r\n\r\n${INNER}`),
    post(['Transfer-Encoding:\x0bchunked'], `0\r\n\r\n${INNER}`),
    post(['X: y\nTransfer-Encoding: chunked', 'Content-Length: 5'], `0\r\n\r\n${INNER}`),
    post(['Transfer-Encoding: chunked'], `0\n\n${INNER}`),
    post(['Transfer-Encoding: chunked'], `5;${'a'.repeat(40_000)}\r\nwords\r\n0\r\n\r\n`),
    post(['Transfer-Encoding: chunked'], `FFFFFFFFFFFFFFFFF\r\nwords`),
    post(['Transfer-Encoding: chunked'], `-1\r\nwords`),
    Buffer.from(`GET / HTTP/1.1\nHost: x\n\n${INNER}`),
    Buffer.from(`GET / HTTP/1.1\r\nHost: x\r\n Transfer-Encoding: chunked\r\n\r\n${INNER}`),
    Buffer.from('GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n'),
    Buffer.from('GET / HTTP/0.9\r\n\r\n'),
    Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  ];
  return refused.map((bytes) => ({
    bytes,
    judge: (said) =>
      /Questions and answers/.test(said) ? `smuggled: ${bytes.toString('latin1').slice(20, 90)}` : null,
  }));
}

function ranges({ shares }: Target): Shot[] {
  const many = (count: number, of: (i: number) => string): string =>
    Array.from({ length: count }, (_, i) => of(i)).join(',');
  const values = [
    `bytes=${many(1_000, (i) => `${i}-${i}`)}`,
    `bytes=${many(1_000, () => '0-')}`,
    `bytes=${many(500, (i) => `${i * 10}-${i * 10 + 20_000_000}`)}`,
    'bytes=-99999999999999999999',
    'bytes=99999999999999999999-',
    'bytes=5-1',
    'bytes=0-0,-1',
    'bytes=--1',
    `bytes=${'0'.repeat(10_000)}-1`,
    'lines=1-2',
  ];
  return values.map((value) => ({
    bytes: request(`GET /file/${shares.large}`, [`Range: ${value}`]),
    judge: (said) => (/multipart\/byteranges/.test(said) ? 'many ranges were answered' : null),
  }));
}

const PATHS: readonly string[] = [
  '/../../../etc/passwd',
  '/%2e%2e/%2e%2e/etc/passwd',
  '/..%2f..%2fetc%2fpasswd',
  '/view/..%2f..%2fpackage.json',
  '/file/%00',
  '/view/%ff%fe',
  '/view/%',
  '/view/%c0%ae%c0%ae',
  '//etc/passwd',
  '/view//',
  '/view/./x',
  '/\\..\\..\\etc\\passwd',
  '/open/../open/x/1',
  '/progress/../../x.gif',
  `/view/${'a'.repeat(8_000)}`,
  `/${'a/'.repeat(4_000)}`,
  '/view/__proto__',
  '/constructor/prototype',
  '*',
  'http://other.example/view/x',
  'http://other.example',
  '/?lang=__proto__',
  '/?lang[]=en&lang[x]=de',
  '/?progress[]=x',
];

const LIES: readonly (readonly string[])[] = [
  ['Host: evil.example'],
  ['Host: evil.example', 'Host: other.example'],
  ['X-Forwarded-Host: evil.example', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 203.0.113.9'],
  ['Forwarded: for=203.0.113.9;host=evil.example;proto=https'],
  ['X-Original-URL: /view/evil.example', 'X-Rewrite-URL: /view/evil.example'],
  ['X-HTTP-Method-Override: DELETE', 'X-Real-IP: 203.0.113.9'],
  ['Host: evil.example:80@x', 'Origin: http://evil.example'],
];

function lies(): Shot[] {
  const note = 'note=words';
  const type = 'Content-Type: application/x-www-form-urlencoded';
  return LIES.flatMap((headers) => {
    const lines = ['Connection: close', ...headers];
    const head = (first: string): string => [`${first} HTTP/1.1`, ...lines, '', ''].join('\r\n');
    const upload = ['POST / HTTP/1.1', ...lines, type, `Content-Length: ${note.length}`, '', note].join('\r\n');
    return [head('GET /'), head('GET /faq'), head('GET /chatpic.sxcu'), upload].map((text) => ({
      bytes: Buffer.from(text, 'latin1'),
      judge: (said: string) => (/evil\.example|203\.0\.113\.9/.test(said) ? 'an answer repeats a lie' : null),
    }));
  });
}

function posts(paths: readonly string[], body: string): Shot[] {
  return paths.map((path) => plain(request(`POST ${path}`, ['Content-Type: application/x-www-form-urlencoded'], body)));
}

export const SHAPES: readonly Attack[] = [
  firing('header bombs', 40, () => HEADER_BOMBS.map(plain)),
  firing('multipart bombs', 20, () => MULTIPART_BOMBS.map(plain)),
  firing('malformed multipart', 40, () => malformed().map(plain)),
  firing('request smuggling', 40, smuggling),
  firing('range bombs', 20, ranges),
  firing('path tricks', 40, () => PATHS.map((path) => plain(request(`GET ${path}`)))),
  firing('Host and forwarded lies', 20, lies),
  firing('flood of reports', 40, ({ shares }) => posts([`/report/${shares.large}`], 'reason=other&details=words')),
  firing('flood of wrong passphrases', 40, ({ shares }) =>
    posts([`/view/${shares.locked}`, `/file/${shares.locked}`], 'passphrase=wrong'),
  ),
  firing('flood of deletion tokens', 40, () =>
    Array.from({ length: 50 }, (_, i) => plain(request(`DELETE /delete/${String(i).padStart(24, '0')}`))),
  ),
  firing('flood of uploads', 40, () => [plain(form(FILE + 'words '.repeat(30_000) + END))]),
];
