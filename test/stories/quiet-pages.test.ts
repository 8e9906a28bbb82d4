/** Every page that a real appliance answers with, in the states that people get it into: it asks for nothing, it keeps nothing. */
import test from 'tap';
import { parse, type Element } from '../web/pages/markup.js';
import { formOf, picture, startAppliance, upload, type Appliance } from './appliance.js';

const HTML = { Accept: 'text/html' };
const FORM = { ...HTML, 'Content-Type': 'application/x-www-form-urlencoded' };
/** Where a page of this site may send its reader's browser for a picture or a video. */
const OWN = /^(data:image\/(png|jpeg|webp);base64,|\/open\/[0-9A-Za-z_-]+\/\d)/;

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly html: string;
}

async function ask(url: string, options: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { headers: HTML, redirect: 'manual', ...options });
  return { status: response.status, headers: response.headers, html: await response.text() };
}

const post = (url: string, fields: Record<string, string> = {}): Promise<Answer> =>
  ask(url, { method: 'POST', headers: FORM, body: new URLSearchParams(fields).toString() });
const send = (base: string, bytes: Uint8Array | null, fields: Record<string, string> = {}): Promise<Answer> =>
  ask(`${base}/`, { method: 'POST', body: formOf(bytes, { fields }) });

/** What is wrong with an answer that ought to be a quiet page. */
function faultsOf({ headers, html }: Answer): string[] {
  const faults: string[] = [];
  if (headers.has('set-cookie')) faults.push('a cookie');
  if (headers.has('location') && !html.includes('<html')) faults.push('a redirect');
  if (!/^text\/html; charset=utf-8$/.test(headers.get('content-type') ?? '')) faults.push('no page');
  const policy = headers.get('content-security-policy') ?? '';
  if (!policy.startsWith("default-src 'none'; ") || /unsafe|script-src|font-src|https?:/.test(policy))
    faults.push(policy);
  return [...faults, ...parse(html).flatMap(faultsIn)];
}

function faultsIn({ name, attributes, text }: Element): string[] {
  const faults: string[] = [];
  if (/^(script|svg|math|iframe|object|embed|base|noscript|canvas|audio|applet)$/.test(name)) faults.push(`<${name}>`);
  if (attributes.has('http-equiv')) faults.push('http-equiv');
  for (const [attribute, value] of attributes) {
    if (/^(on|style$|srcdoc|srcset|ping$|background$)/.test(attribute)) faults.push(`${name} ${attribute}`);
    if (/^(src|poster)$/.test(attribute) && !OWN.test(value)) faults.push(`${attribute}=${value.slice(0, 60)}`);
    if (/^(href|action)$/.test(attribute) && /^(\/\/|javascript:|vbscript:)/i.test(value))
      faults.push(value.slice(0, 60));
  }
  if (name === 'link' && attributes.get('href') !== 'data:,') faults.push('a style sheet or icon from elsewhere');
  if (name === 'style' && /@import|@font-face|url\((?!\/progress\/[0-9A-Za-z]+\.gif(?:\?lang=[a-z]{2})?\))/.test(text))
    faults.push('a sheet that asks');
  return faults;
}

/** All of them with the status that each must have: it proves that the state was reached. */
async function everyPage({ base }: Appliance, full: Appliance): Promise<[string, number, Answer][]> {
  const photo = await picture(1);
  const share = (fields: Record<string, string>) => upload(base, photo, { fields });
  const open = await share({ caption: '<i>' });
  const burn = await share({ expiry: 'burn' });
  const twice = await share({ views: '2' });
  const locked = await share({ passphrase: 'a word' });
  const album = new FormData();
  album.append('file', new Blob([Buffer.from(photo)]), 'a.jpg');
  album.append('file', new Blob(['words']), 'b.txt');
  const word = (html: string): string => /<label for="word">[^<]*: (\w+)</.exec(html)?.[1] ?? '';
  const burned = async (url: string): Promise<Answer> => post(url, { word: word((await ask(url)).html) });
  const pages: [string, number, Answer][] = [];
  const add = async (name: string, status: number, answer: Promise<Answer>): Promise<Answer> => {
    pages.push([name, status, await answer]);
    return answer;
  };
  for (const path of [
    '/',
    '/?lang=fa',
    '/faq',
    '/terms',
    '/privacy?lang=de',
    '/transparency',
    '/takedown',
    '/contact',
    '/delete',
  ])
    await add(path, 200, ask(base + path));
  await add('receipt', 201, send(base, photo));
  await add('receipt of a burning note', 201, send(base, null, { note: 'x', expiry: 'burn', passphrase: 'y' }));
  await add('receipt of an album', 201, ask(`${base}/`, { method: 'POST', body: album }));
  await add('share', 200, ask(open.url));
  await add('question', 200, ask(burn.url));
  await add('a wrong word', 403, post(burn.url, { word: 'no' }));
  const page = await add('burned', 200, burned(burn.url));
  await add('destroyed', 200, post(base + (/action="([^"]+destroy)"/.exec(page.html)?.[1] ?? '')));
  await add('burned, again', 404, post(burn.url));
  await add('one of two views', 200, burned(twice.url));
  await add('the last view', 200, burned(twice.url));
  await add(
    'a wrong passphrase',
    403,
    post(locked.url, { passphrase: 'no', word: word((await ask(locked.url)).html) }),
  );
  await add('report', 200, ask(`${base}/report/${open.token}`));
  await add('report, too long', 400, post(`${base}/report/${open.token}`, { details: 'x'.repeat(5000) }));
  await add('reported', 200, post(`${base}/report/${open.token}`));
  await add('takedown, empty', 400, post(`${base}/takedown`));
  await add('contact, empty', 400, post(`${base}/contact`));
  const unread = await add('contact, before there is a staff', 503, post(`${base}/contact`, { message: 'kept <b>' }));
  if (!unread.html.includes('kept &lt;b&gt;')) throw new Error('what was written is lost');
  await add('an unknown token', 404, post(`${base}/delete`, { token: '<b>' }));
  await add('manage', 200, ask(open.deleteUrl));
  await add('shortened', 200, post(open.deleteUrl, { action: 'shorten', expiry: '1h' }));
  await add('deleted', 200, post(open.deleteUrl, { action: 'delete' }));
  await add('gone', 404, ask(open.url));
  await add('no such page', 404, ask(`${base}/nowhere/at/all`));
  await add('wrong method', 405, ask(`${base}/faq`, { method: 'POST', headers: FORM }));
  await add(
    'from another site',
    403,
    ask(`${base}/contact`, { method: 'POST', headers: { ...FORM, Origin: 'https://evil.example' } }),
  );
  await add('nothing chosen', 400, send(base, null, { caption: '"><b>' }));
  await add('views not a number', 400, send(base, photo, { views: '<b>' }));
  await add('a code unknown', 400, send(base, photo, { code: '<b>' }));
  await add('too large', 413, send(base, Buffer.alloc(1_200_000)));
  await add('not supported', 415, send(base, Buffer.from('%PDF-1.7\n\0')));
  await add('unreadable', 422, send(base, photo.subarray(0, photo.length >> 2)));
  const big = Buffer.alloc(3_000_000, 'words ');
  for (let tries = 0; tries < 10; tries++) {
    const answer = await send(full.base, big);
    if (answer.status === 201) continue;
    pages.push(['the store is full', 507, answer]);
    break;
  }
  for (let tries = 0; tries < 40; tries++) {
    const answer = await post(locked.url, { passphrase: 'no', word: word((await ask(locked.url)).html) });
    if (answer.status !== 403) {
      pages.push(['too many tries', 429, answer]);
      break;
    }
  }
  return pages;
}

test.test(
  'no page of a running appliance has a script, a cookie, a font or an SVG, or asks anybody for anything',
  async (t) => {
    const settings = { CHATPIC_FREE_MB: '1', CHATPIC_OPEN_WORD: 'on' };
    const appliance = await startAppliance({ settings });
    t.teardown(() => appliance.stop());
    const full = await startAppliance({ settings: { ...settings, CHATPIC_STORE_MB: '16', CHATPIC_FREE_MB: '5' } });
    t.teardown(() => full.stop());
    const pages = await everyPage(appliance, full);
    for (const [name, status, answer] of pages) {
      t.equal(answer.status, status, name);
      t.strictSame(faultsOf(answer), [], name);
    }
    for (const wanted of [400, 403, 404, 413, 415, 422, 429, 503, 507])
      t.ok(
        pages.some(([, status]) => status === wanted),
        `${wanted} among them`,
      );
    t.comment(`figure: ${pages.length} pages of a running appliance walked`);
  },
);
