/**
 * A visitor who does everything that can be done with a share, over connections that stay open as a browser's do, and who
 * remembers every word: what must not be found afterwards.
 */
import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import type { Duplex } from 'node:stream';
import { formOf, parseShared, picture } from '../stories/appliance.js';
import { words, type Needle } from './needles.js';

export interface Way {
  /** Node's options for a request to it. */
  readonly options: http.RequestOptions;
  readonly tls: boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

export interface Kept {
  readonly token: string;
  readonly deletion: string;
  readonly passphrase: string | null;
}

/** Plain HTTP to a port. */
export function overTcp(base: string): Way {
  const { hostname, port } = new URL(base);
  return { options: { host: hostname, port, agent: new http.Agent({ keepAlive: true, maxSockets: 3 }) }, tls: false };
}

export function overTls(port: number): Way {
  const agent = new https.Agent({ keepAlive: true, maxSockets: 3, rejectUnauthorized: false });
  return { options: { host: '127.0.0.1', port, agent }, tls: true };
}

/** As tor comes: over a socket, with its line first. */
export function overTorsSocket(path: string): Way {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 3 });
  (agent as unknown as { createConnection: () => Duplex }).createConnection = () => {
    const socket = net.connect(path);
    socket.write('PROXY TCP6 fc00:dead:beef:4dad::0:d7 ::1 215 80\r\n');
    return socket;
  };
  return { options: { agent }, tls: false };
}

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const PAGE = { Accept: 'text/html' };

export class Visitor {
  /** Every word, token and piece of a picture that was said. */
  readonly needles: Needle[] = [];
  readonly #way: Way;

  constructor(way: Way) {
    this.#way = way;
  }

  request(
    method: string,
    path: string,
    body: Buffer | string = '',
    headers: http.OutgoingHttpHeaders = {},
  ): Promise<Answer> {
    const { options, tls } = this.#way;
    return new Promise((resolve, reject) => {
      const length = { 'Content-Length': Buffer.byteLength(body) };
      const request = (tls ? https : http).request({ ...options, method, path, headers: { ...headers, ...length } });
      request.once('error', reject);
      request.once('response', (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(pieces) }));
      });
      request.end(body);
    });
  }

  /** Shares a note, or a picture where there is one, and remembers what was said. */
  async share(bytes: Buffer | null, fields: Record<string, string>, page = false): Promise<Kept> {
    const tag = randomBytes(6).toString('hex');
    const said: Record<string, string> = { caption: `caption-${tag}-words`, ...fields };
    if (bytes === null) said['note'] = `note-${tag}-words `.repeat(Number(fields['repeat'] ?? 30));
    if (fields['passphrase'] !== undefined) said['passphrase'] = `passphrase-${tag}-words`;
    delete said['repeat'];
    const form = new Response(formOf(bytes, { name: `name-${tag}-words.jpg`, fields: said }));
    const type = form.headers.get('content-type') ?? '';
    const headers = { 'Content-Type': type, 'User-Agent': `agent-${tag}-words`, ...(page ? PAGE : {}) };
    const answer = await this.request('POST', '/', Buffer.from(await form.arrayBuffer()), headers);
    const text = answer.body.toString('utf8');
    if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${text}`);
    const kept = { ...tokensOf(text, page), passphrase: said['passphrase'] ?? null };
    this.#remember(tag, bytes, kept);
    return kept;
  }

  async burn({ token }: Kept): Promise<void> {
    await this.request('GET', `/view/${token}`, '', PAGE);
    await this.request('POST', `/file/${token}`);
  }

  async look({ token }: Kept): Promise<void> {
    await this.request('GET', `/view/${token}`, '', PAGE);
    await this.request('GET', `/file/${token}`);
    await this.request('GET', `/file/${token}`, '', { Range: 'bytes=100-300' });
  }

  async openLocked({ token, passphrase }: Kept): Promise<void> {
    await this.request('POST', `/view/${token}`, 'passphrase=not-it', { ...FORM, ...PAGE });
    await this.request('POST', `/view/${token}`, `passphrase=${passphrase ?? ''}`, { ...FORM, ...PAGE });
  }

  async remove({ deletion }: Kept, page = false): Promise<void> {
    if (!page) await this.request('DELETE', `/delete/${deletion}`);
    await this.request('GET', `/delete/${deletion}`, '', PAGE);
    if (page) await this.request('POST', `/delete/${deletion}`, 'action=delete', { ...FORM, ...PAGE });
  }

  /** All that can be done with notes, short and long. */
  async notes(number: number): Promise<void> {
    const page = number % 2 === 1;
    await this.burn(await this.share(null, { expiry: 'burn' }, page));
    for (const repeat of ['30', '4000']) {
      const note = await this.share(null, { repeat }, page);
      await this.look(note);
      await this.remove(note, page);
    }
  }

  /** With pictures; `number` makes them its own. */
  async everything(number: number): Promise<void> {
    await this.notes(number);
    const page = number % 2 === 1;
    const seen = await this.share(await picture(number + 1), {}, page);
    await this.look(seen);
    await this.remove(seen, !page);
  }

  /** Lets go of the connections that were kept. */
  leave(): void {
    (this.#way.options.agent as http.Agent).destroy();
  }

  #remember(tag: string, bytes: Buffer | null, { token, deletion, passphrase }: Kept): void {
    this.needles.push(words('T', token), words('D', deletion), words('caption', `caption-${tag}-words`));
    this.needles.push(words('user agent', `agent-${tag}-words`));
    if (passphrase !== null) this.needles.push(words('passphrase', passphrase));
    if (bytes === null) {
      this.needles.push(words('note', `note-${tag}-words`));
      return;
    }
    this.needles.push(words('name', `name-${tag}-words`));
    for (let at = 700; at + 24 < bytes.length; at += Math.ceil(bytes.length / 6)) {
      this.needles.push({ name: 'picture', bytes: bytes.subarray(at, at + 24) });
    }
  }
}

function tokensOf(text: string, page: boolean): { readonly token: string; readonly deletion: string } {
  if (!page) {
    const { token, deleteToken } = parseShared(text);
    return { token, deletion: deleteToken };
  }
  const [, token = ''] = /\/view\/([0-9A-Za-z]{16})/.exec(text) ?? [];
  const [, deletion = ''] = /\b([0-9A-Za-z]{24})\b/.exec(text) ?? [];
  return { token, deletion };
}
