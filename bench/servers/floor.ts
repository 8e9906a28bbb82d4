/**
 * The limit of uploads, downloads and pages: what node:http, busboy and AES-256-GCM cost when nothing else is done. A file
 * is sealed in records as they come from the parser, into one file, and opened again from it; nothing is scrubbed,
 * synced, checked or wiped. A page is bytes that are in memory.
 *
 * Run by itself: `node floor.js FOLDER`; prints its address.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { open, type FileHandle } from 'node:fs/promises';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { Readable } from 'node:stream';
import busboy from 'busboy';

const ALGORITHM = 'aes-256-gcm';
const TAG = 16;
const folder = process.argv[2] ?? '.';

interface Stored {
  readonly file: FileHandle;
  readonly key: Buffer;
  /** Sealed bytes of each record. */
  readonly records: number[];
  size: number;
}

const stored = new Map<string, Stored>();
let page: Buffer = Buffer.from('a page\n');

function nonceOf(record: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(record, 8);
  return nonce;
}

async function store(stream: Readable): Promise<string> {
  const name = String(stored.size);
  const entry: Stored = {
    file: await open(path.join(folder, `floor-${name}`), 'w+'),
    key: randomBytes(32),
    records: [],
    size: 0,
  };
  for await (const piece of stream as AsyncIterable<Buffer>) {
    const cipher = createCipheriv(ALGORITHM, entry.key, nonceOf(entry.records.length), { authTagLength: TAG });
    const text = cipher.update(piece);
    cipher.final();
    await entry.file.writev([text, cipher.getAuthTag()]);
    entry.records.push(text.length + TAG);
    entry.size += text.length;
  }
  stored.set(name, entry);
  return name;
}

async function upload(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const form = busboy({ headers: request.headers });
  const names: Promise<string>[] = [];
  form.on('file', (_field, stream) => names.push(store(stream)));
  request.pipe(form);
  await once(form, 'finish');
  response.writeHead(201).end((await Promise.all(names)).join('\n'));
}

async function download(name: string, response: ServerResponse): Promise<void> {
  const entry = stored.get(name);
  if (entry === undefined) return void response.writeHead(404).end();
  response.writeHead(200, { 'Content-Length': entry.size });
  let position = 0;
  for (const [index, length] of entry.records.entries()) {
    const { buffer } = await entry.file.read(Buffer.allocUnsafeSlow(length), 0, length, position);
    position += length;
    const decipher = createDecipheriv(ALGORITHM, entry.key, nonceOf(index), { authTagLength: TAG });
    decipher.setAuthTag(buffer.subarray(length - TAG));
    const text = decipher.update(buffer.subarray(0, length - TAG));
    decipher.final();
    if (!response.write(text)) await once(response, 'drain');
  }
  response.end();
}

async function remove(name: string, response: ServerResponse): Promise<void> {
  const entry = stored.get(name);
  stored.delete(name);
  await entry?.file.truncate(0);
  await entry?.file.close();
  response.writeHead(200).end();
}

async function keepPage(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  page = Buffer.concat(pieces);
  response.writeHead(200).end();
}

function route(request: IncomingMessage, response: ServerResponse): void | Promise<void> {
  const { method = '', url = '' } = request;
  if (method === 'POST') return upload(request, response);
  if (method === 'PUT') return keepPage(request, response);
  if (method === 'DELETE') return remove(url.slice(1), response);
  if (url !== '/') return download(url.slice(1), response);
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Length': page.length }).end(page);
}

const server = http.createServer({ requestTimeout: 0, keepAliveTimeout: 75_000 }, (request, response) => {
  void Promise.resolve(route(request, response)).catch(() => response.destroy());
});
server.listen(0, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.on('SIGTERM', () => process.exit(0));
