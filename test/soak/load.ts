/** What visitors do all day, in the mixture of a busy hour: every kind of share, made, looked at, opened, and ended. */
import { randomInt } from 'node:crypto';
import { parseShared, picture, type Shared } from '../stories/appliance.js';

export interface Deed {
  readonly name: string;
  readonly milliseconds: number;
  readonly failure: string | null;
}

interface Stock {
  readonly photos: readonly Buffer[];
  readonly text: Buffer;
}

export async function makeStock(): Promise<Stock> {
  const photos = await Promise.all([1, 2, 3, 4].map((seed) => picture(seed, 400 * seed, 300 * seed)));
  return { photos, text: Buffer.alloc(3_000_000, 'words ') };
}

/** One visitor: does one thing after the other until `stopped`, with a pause in between. */
export async function visit(
  base: string,
  stock: Stock,
  tell: (deed: Deed) => void,
  stopped: () => boolean,
): Promise<void> {
  while (!stopped()) {
    const [name, deed] = DEEDS[randomInt(DEEDS.length)] ?? ['page', lookAround];
    const begun = performance.now();
    const failure = await deed(base, stock).then(
      () => null,
      (error: unknown) => `${name}: ${error instanceof Error ? error.message : 'failed'}`,
    );
    tell({ name, milliseconds: performance.now() - begun, failure });
    await new Promise((resolve) => setTimeout(resolve, 100 + randomInt(200)));
  }
}

type Do = (base: string, stock: Stock) => Promise<void>;

const DEEDS: readonly (readonly [string, Do])[] = [
  ['photo', sharePhoto],
  ['photo', sharePhoto],
  ['note', shareNote],
  ['album', shareAlbum],
  ['burn', burn],
  ['passphrase', withPassphrase],
  ['file', shareFile],
  ['page', lookAround],
  ['left', leaveInTheMiddle],
];

/** Lives a minute or two: shares made here expire all the time. Less than one is refused, and a busy machine sends late. */
function soon(): string {
  return String(Date.now() + 90_000 + randomInt(60_000));
}

async function send(base: string, fields: Record<string, string>, files: readonly Buffer[] = []): Promise<Shared> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  for (const file of files) form.append('file', new Blob([Uint8Array.from(file)]), 'file');
  const answer = await fetch(`${base}/`, { method: 'POST', body: form });
  const text = await answer.text();
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}`);
  return parseShared(text);
}

async function expect(status: number, url: string, init: RequestInit = {}): Promise<void> {
  const answer = await fetch(url, init);
  await answer.arrayBuffer();
  if (answer.status !== status) throw new Error(`expected ${status}, got ${answer.status}`);
}

const HTML = { headers: { Accept: 'text/html' } };

function photoOf({ photos }: Stock): Buffer {
  return photos[randomInt(photos.length)] ?? Buffer.alloc(0);
}

async function sharePhoto(base: string, stock: Stock): Promise<void> {
  const { url, fileUrl } = await send(base, { expires: soon() }, [photoOf(stock)]);
  await expect(200, url, HTML);
  await expect(206, fileUrl, { headers: { Range: 'bytes=100-' } });
}

async function shareNote(base: string): Promise<void> {
  const { url, deleteUrl } = await send(base, { note: 'words '.repeat(100), expires: soon() });
  await expect(200, url, HTML);
  await expect(200, deleteUrl, { method: 'DELETE' });
  await expect(404, url, HTML);
}

async function shareAlbum(base: string, stock: Stock): Promise<void> {
  const { url, fileUrl } = await send(base, { expires: soon(), caption: 'album' }, stock.photos);
  await expect(200, url, HTML);
  await expect(200, `${fileUrl}?download`);
}

async function burn(base: string, stock: Stock): Promise<void> {
  const { url, fileUrl } = await send(base, { expiry: 'burn' }, [photoOf(stock)]);
  await expect(200, url, { method: 'POST', ...HTML });
  await expect(404, fileUrl, { method: 'POST' });
}

async function withPassphrase(base: string): Promise<void> {
  const { fileUrl } = await send(base, { note: 'words', passphrase: 'right', expires: soon() });
  await expect(403, fileUrl, { method: 'POST', body: new URLSearchParams({ passphrase: 'wrong' }) });
  await expect(200, fileUrl, { method: 'POST', body: new URLSearchParams({ passphrase: 'right' }) });
}

async function shareFile(base: string, stock: Stock): Promise<void> {
  const { fileUrl } = await send(base, { expires: soon() }, [stock.text]);
  await expect(200, fileUrl);
}

async function lookAround(base: string): Promise<void> {
  for (const path of ['/', '/faq', '/view/0000000000000000', '/delete']) {
    await expect(path.startsWith('/view') ? 404 : 200, `${base}${path}`, HTML);
  }
}

/** An upload that breaks off: nothing of it may stay, an hour of them least of all. */
async function leaveInTheMiddle(base: string, stock: Stock): Promise<void> {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(stock.text.subarray(0, 300_000));
    },
  });
  const signal = AbortSignal.timeout(150);
  await fetch(`${base}/a.txt`, { method: 'PUT', body, signal, duplex: 'half' }).catch(() => undefined);
}
