/** What connections that break the rules get, and what they leave behind in the output: a bare answer or none, and nothing. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { startProcess } from '../recovery/process.js';
import { startAppliance, upload } from '../stories/appliance.js';

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Sends `text`, waits for an answer or a while, and ends the connection as `end` says. */
async function converse(base: string, text: string, end: 'close' | 'reset'): Promise<string> {
  const { hostname, port } = new URL(base);
  const socket = net.connect(Number(port), hostname);
  await once(socket, 'connect');
  let answer = '';
  socket.setEncoding('latin1').on('data', (piece: string) => void (answer += piece));
  socket.on('error', () => undefined);
  socket.write(text, 'latin1');
  for (let i = 0; i < 15 && answer === '' && !socket.closed; i++) await pause(10);
  if (end === 'reset') socket.resetAndDestroy();
  else socket.destroy();
  return answer;
}

test.test('nothing is printed that depends on a request, and no answer has a clock in it', async (t) => {
  const appliance = await startAppliance({ settings: { CHATPIC_OPEN_WORD: 'on' } });
  t.teardown(() => appliance.stop());
  const { base, said } = appliance;
  const open = await upload(base, Buffer.alloc(600_000, 'words '), { name: 'a.txt' });
  const burn = await upload(base, null, { fields: { note: 'words', expiry: 'burn' } });
  const form = 'application/x-www-form-urlencoded';
  const multipart = 'multipart/form-data; boundary=b';
  const cutPost = (target: string, type: string, body: string): string =>
    `POST ${target} HTTP/1.1\r\nHost: x\r\nContent-Type: ${type}\r\nContent-Length: 5000\r\n\r\n${body}`;
  const part = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\nwords';
  const get = (target: string, more = ''): string => `GET ${target} HTTP/1.1\r\nHost: x\r\n${more}\r\n`;
  const forms = ['/', '/contact', '/takedown', '/delete', `/delete/${open.deleteToken}`, '/open/x/destroy'];
  const links = ['view', 'file', 'report'].flatMap((room) => [`/${room}/${open.token}`, `/${room}/${burn.token}`]);
  const requests = [
    ...[...forms, ...links].flatMap((target) => [cutPost(target, form, 'a=b'), cutPost(target, multipart, part)]),
    'PUT /a.txt HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\nwords',
    'PUT /a.txt HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n--b\r\n',
    get(`/file/${open.token}`),
    get(`/progress/${'a'.repeat(22)}.gif`),
    'GET / HTTP/1.1\r\n\r\n',
    'POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b',
    'GET / HTTP/1.0\r\n\r\n',
    get('http://[::nonsense/'),
    get('http://elsewhere.example/'),
    get('//'),
    get('/%zz'),
    get('/view/%E0%A4%A'),
    get('*'),
    get('/?lang[]=x&lang=__proto__'),
    get('/', 'Connection: Upgrade\r\nUpgrade: h2c\r\n'),
    get('/', 'Host: y\r\n'),
    get('/', `X: ${'y'.repeat(20_000)}\r\n`),
    get('/', 'Expect: nonsense\r\n'),
    'OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n',
    'CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n',
    'TRACE / HTTP/1.1\r\nHost: x\r\n\r\n',
    '\x16\x03\x01\x02\x00\x01',
    'GET / HTTP/9.9\r\n\r\n',
    '\r\n\r\n\0',
  ];
  let answered = 0;
  for (const request of requests) {
    const name = request.slice(0, 60);
    await converse(base, request, 'reset');
    const answer = await converse(base, request, 'close');
    await pause(20);
    t.strictSame(said.splice(0), [], `nothing is said of: ${name}`);
    if (answer === '') continue;
    answered++;
    const head = answer.split('\r\n\r\n')[0] ?? '';
    t.notMatch(head, /\r\n(date|server|last-modified|x-powered-by|set-cookie):/i, name);
    t.match(head, /\r\ncontent-security-policy: default-src 'none'/i, name);
    t.match(head, /\r\ncache-control: no-store/i, name);
    t.notMatch(head, /^HTTP\/1\.1 5/, name);
  }
  t.ok(answered > 15, `${answered} were answered`);
  t.equal((await fetch(burn.fileUrl, { method: 'POST' })).status, 200, 'nobody opened it');
});

test.test('a bug that nothing caught ends the process and says where it is, but nothing of what it met', async (t) => {
  const dir = await mkdtemp(path.join(tmpdir(), 'chatpic-last-'));
  t.teardown(() => rm(dir, { recursive: true, force: true }));
  const bugs = {
    thrown: "new URL('http://[::a-visitors-word/')",
    rejected:
      "Promise.reject(Object.assign(new Error('a-visitors-word\\n    at a-visitors-word'), { word: 'a-visitors-word' }))",
    bare: "Promise.reject('a-visitors-word')",
  };
  for (const [name, bug] of Object.entries(bugs)) {
    const planted = `process.on('SIGHUP', () => { ${bug} })`;
    const settings = { CHATPIC_DATA_DIR: path.join(dir, name), CHATPIC_LISTEN: '127.0.0.1:0', CHATPIC_STORE_MB: '16' };
    const life = startProcess(settings, ['--import', `data:text/javascript,${encodeURIComponent(planted)}`]);
    await life.ready;
    const ended = once(life.child, 'close');
    life.child.kill('SIGHUP');
    await ended;
    t.equal(life.child.exitCode, 1, name);
    t.match(life.output(), /chatpic: something broke that is our fault/, name);
    // The planted code's own address is a data: URL that holds the word; places in files stay.
    const said = life.output().replaceAll(encodeURIComponent(planted), '');
    t.notMatch(said, /visitors/, name);
  }
});
