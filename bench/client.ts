/** Clients that cost as little as can be, so that it is the server that is measured. */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { connect } from 'node:net';

/** As long as Tor Browser's, which puts 128 random bits behind it: the longer it is, the quicker it is looked for. */
const BOUNDARY = `----geckoformboundary${'0123456789abcdef'.repeat(2)}`;

/** A file as the one part of a form. Its bytes are not copied. */
export interface FormBody {
  readonly head: Buffer;
  readonly file: Buffer;
  readonly tail: Buffer;
}

export function formBody(file: Buffer, name: string): FormBody {
  const head = [
    `--${BOUNDARY}`,
    `Content-Disposition: form-data; name="file"; filename="${name}"`,
    'Content-Type: application/octet-stream',
    '\r\n',
  ].join('\r\n');
  return { head: Buffer.from(head), file, tail: Buffer.from(`\r\n--${BOUNDARY}--\r\n`) };
}

const HEADERS = { 'Content-Type': `multipart/form-data; boundary=${BOUNDARY}`, Accept: '*/*' };

function begin(base: string, { head, file, tail }: FormBody): http.ClientRequest {
  const length = head.length + file.length + tail.length;
  return http.request(base, { method: 'POST', agent: false, headers: { ...HEADERS, 'Content-Length': length } });
}

/** Uploads as fast as the server takes it; resolves with the text of the answer, which must be a 201. */
export async function upload(base: string, body: FormBody): Promise<string> {
  const request = begin(base, body);
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  request.write(body.head);
  request.write(body.file);
  request.end(body.tail);
  const [response] = await answered;
  return textOf(response);
}

/** Uploads at `rate` bytes a second, in 20 pieces a second, until the body or `stop` ends it. */
export async function trickle(base: string, body: FormBody, rate: number, stop: AbortSignal): Promise<void> {
  const request = begin(base, body);
  request.on('error', () => undefined);
  request.on('response', (response: IncomingMessage) => response.resume());
  request.write(body.head);
  const step = Math.round(rate / 20);
  for (let at = 0; at < body.file.length && !stop.aborted; at += step) {
    request.write(body.file.subarray(at, at + step));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  request.destroy();
}

async function textOf(response: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString();
  if (response.statusCode !== 201 && response.statusCode !== 200) {
    throw new Error(`expected 200 or 201, got ${response.statusCode ?? 0}: ${text.slice(0, 200)}`);
  }
  return text;
}

/** Downloads and throws away; resolves with the number of bytes of the body. */
export async function download(url: string): Promise<number> {
  const request = http.get(url, { agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`expected 200, got ${response.statusCode ?? 0}`);
  let size = 0;
  response.on('data', (piece: Buffer) => (size += piece.length));
  await once(response, 'end');
  return size;
}

export async function send(method: string, url: string, body?: Buffer): Promise<string> {
  const request = http.request(url, { method, agent: false });
  request.end(body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return textOf(response);
}

/** What a share's answer to a script says. */
export function sharedOf(text: string): { fileUrl: string; deleteUrl: string } {
  const link = text.split('\n')[0] ?? '';
  return { fileUrl: link.replace('/view/', '/file/'), deleteUrl: /^delete: (.*)$/m.exec(text)?.[1] ?? '' };
}

/**
 * A connection that is kept and asks for one page after the other. It reads lengths and nothing else: every answer of a
 * page has as many bytes as the first.
 */
export class PageReader {
  readonly #socket;
  readonly #request: Buffer;
  #length = 0;
  #seen = 0;
  #done: () => void = () => undefined;

  constructor(base: string) {
    const { hostname, port } = new URL(base);
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#request = Buffer.from(`GET / HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAccept: text/html\r\n\r\n`);
    this.#socket.on('data', (piece: Buffer) => this.#take(piece));
    this.#socket.on('error', () => undefined);
  }

  /** Asks for the page; resolves when all of it is there. */
  get(): Promise<void> {
    return new Promise((resolve) => {
      this.#done = resolve;
      this.#seen = 0;
      this.#socket.write(this.#request);
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(piece: Buffer): void {
    if (this.#length === 0) this.#length = lengthOf(piece);
    this.#seen += piece.length;
    if (this.#seen >= this.#length) this.#done();
  }
}

function lengthOf(piece: Buffer): number {
  const head = piece.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(piece.toString('latin1', 0, head))?.[1];
  if (head < 0 || length === undefined) throw new Error('an answer without a length');
  return head + 4 + Number(length);
}
