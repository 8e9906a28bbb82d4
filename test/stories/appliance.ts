/** A real appliance in this process, on a folder and a port of its own, with a clock that a test can move. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { startApp, type App } from '../../src/app.js';
import type { LoadReport } from '../../src/web/load-report.js';
import { openControl } from '../../src/web/control.js';
import type { Clock } from '../../src/base/clock.js';
import { lineLogger } from '../../src/base/log.js';
import { configure } from '../../src/config/configuration.js';
import { readEnvironment } from '../../src/config/environment.js';
import { keyFile } from '../../src/store/root-key.js';

export interface TestClock extends Clock {
  /** Moves wall and monotonic time forward. */
  forward(milliseconds: number): void;
}

export function testClock(): TestClock {
  let offset = 0;
  return {
    wall: () => Date.now() + offset,
    monotonic: () => performance.now() + offset,
    forward: (milliseconds) => void (offset += milliseconds),
  };
}

export interface Appliance {
  readonly app: App;
  readonly base: string;
  readonly dir: string;
  readonly clock: TestClock;
  /** Everything that the logger said. */
  readonly said: string[];
  /** Closes the app and opens it again on the same folder. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface ApplianceOptions {
  /** Whether the staff's desk runs too, as a process. */
  readonly desk?: boolean;
  readonly settings?: Readonly<Record<string, string>>;
  readonly dir?: string;
}

export async function startAppliance({
  settings = {},
  dir: given,
  desk = false,
}: ApplianceOptions = {}): Promise<Appliance> {
  const dir = given ?? (await mkdtemp(path.join(tmpdir(), 'chatpic-story-')));
  const clock = testClock();
  const said: string[] = [];
  const configuration = configure(
    readEnvironment({
      CHATPIC_DATA_DIR: path.join(dir, 'var'),
      CHATPIC_LISTEN: '127.0.0.1:0',
      CHATPIC_DESK_LISTEN: '127.0.0.1:0',
      CHATPIC_STORE_MB: '64',
      CHATPIC_ROLL_SECONDS: '1',
      ...settings,
    }),
  );
  const open = async (): Promise<App> => {
    const app = await startApp({
      configuration,
      rootKey: keyFile(path.join(configuration.dataDir, 'key', 'root.key')),
      log: lineLogger((line) => void said.push(line)),
      clock,
      ...(desk ? { desk: { onionSocket: null } } : {}),
    });
    await app.store.filling;
    // The operator's socket, as `serve` opens it.
    const control = await openControl(path.join(dir, 'control.sock'), app.calls);
    const close = (grace?: number): Promise<void> => control.close().then(() => app.close(grace));
    return { ...app, close };
  };
  const appliance = {
    app: await open(),
    get base(): string {
      return this.app.address;
    },
    dir,
    clock,
    said,
    async restart() {
      await this.app.close(0);
      this.app = await open();
    },
    async stop() {
      await this.app.close(0);
      if (given === undefined) await rm(dir, { recursive: true, force: true });
    },
  };
  return appliance;
}

/** What the operator's socket tells of the limits. */
export function loadOf({ dir }: Appliance): Promise<LoadReport> {
  return new Promise((resolve, reject) => {
    http
      .get({ socketPath: path.join(dir, 'control.sock'), path: '/load' }, (response) => {
        let text = '';
        response.on('data', (piece: Buffer) => void (text += piece.toString()));
        response.on('end', () => resolve(JSON.parse(text) as LoadReport));
      })
      .on('error', reject);
  });
}

/** What a script gets for an upload, from the plain-text answer. */
export interface Shared {
  readonly url: string;
  readonly token: string;
  readonly fileUrl: string;
  readonly deleteUrl: string;
  readonly deleteToken: string;
  readonly text: string;
}

export interface UploadOptions {
  readonly fields?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export function formOf(bytes: Uint8Array | null, { fields = {}, name = 'photo.jpg' }: UploadOptions = {}): FormData {
  const form = new FormData();
  for (const [field, value] of Object.entries(fields)) form.set(field, value);
  if (bytes !== null) form.append('file', new Blob([Buffer.from(bytes)]), name);
  return form;
}

export function postForm(
  base: string,
  form: FormData,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(`${base}/`, { method: 'POST', body: form, headers });
}

/** Uploads with a form as curl would, and demands that it works. */
export async function upload(base: string, bytes: Uint8Array | null, options: UploadOptions = {}): Promise<Shared> {
  const response = await postForm(base, formOf(bytes, options), options.headers);
  const text = await response.text();
  if (response.status !== 201) throw new Error(`expected 201, got ${response.status}: ${text}`);
  return parseShared(text);
}

export function parseShared(text: string): Shared {
  const url = text.split('\n')[0] ?? '';
  const line = (name: string): string => new RegExp(`^${name}: (.*)$`, 'm').exec(text)?.[1] ?? '';
  return {
    url,
    token: url.split('/').pop() ?? '',
    fileUrl: url.replace('/view/', '/file/'),
    deleteUrl: line('delete'),
    deleteToken: line('token'),
    text,
  };
}

/** Status, headers that a server chose, and body: all that tells one answer from another. */
export async function answerOf(response: Response): Promise<string> {
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).sort();
  return [response.status, ...headers, await response.text()].join('\n');
}

/** A picture that no other test has. */
export function picture(seed: number, width = 320, height = 240): Promise<Buffer> {
  const pixels = Buffer.alloc(width * height * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * (seed + 7) + (i >> 7) * 13 * seed) & 255;
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 90 })
    .toBuffer();
}

/** A photograph-like picture: gradients and shapes, so that its appearance has something to be known by. */
export function scene(seed: number): Promise<Buffer> {
  const shapes = Array.from({ length: 12 }, (_, i) => {
    const at = (n: number): number => (seed * 7919 + i * 104_729 + n * 1299) % 600;
    return `<circle cx="${at(1)}" cy="${at(2) % 450}" r="${20 + (at(3) % 90)}" fill="hsl(${at(4) % 360},60%,${20 + (at(5) % 60)}%)"/>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="600" height="450"><defs><linearGradient id="g"><stop offset="0" stop-color="#123"/><stop offset="1" stop-color="#fc8"/></linearGradient></defs><rect width="600" height="450" fill="url(#g)"/>${shapes.join('')}</svg>`;
  return sharp(Buffer.from(svg)).jpeg({ quality: 92 }).toBuffer();
}

/** Every byte of every file below a folder, by path. */
export async function filesBelow(dir: string): Promise<Map<string, Buffer>> {
  const { readdir } = await import('node:fs/promises');
  const files = new Map<string, Buffer>();
  for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.relative(dir, file), await readFile(file));
  }
  return files;
}
