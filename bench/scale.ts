/** The second table: what things cost as work grows. No goals: it shows where a cost stops growing evenly. */
import path from 'node:path';
import { seconds, type Bench, type Benchmark } from './benchmark.js';
import { download, formBody, send, sharedOf, upload, type FormBody } from './client.js';
import { fillLedger, measureLedger } from './links.js';
import { rowOf, type Result } from './row.js';
import { video } from './samples.js';
import { startAppliance, type MeasuredServer } from './servers/server.js';

const MB = 1e6;
const SIZES = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8];
const AT_ONCE = [1, 2, 4, 8, 16, 32, 64];
const AT_ONCE_BYTES = 8 * MB;
const LINKS = [100, 1000, 10_000, 100_000, 1_000_000];
/** Small things are repeated until so many bytes or so many uploads have gone through. */
const MOST_REPEATS = 50;

function plain(name: string, unit: string, ours: readonly number[]): Result {
  return rowOf({ name, unit, against: '', goal: null }, ours);
}

/** A note of `bytes` while notes may be that long, a film beyond. */
async function bodyOf(cache: string, bytes: number): Promise<FormBody> {
  if (bytes > MB) return formBody(await video(cache, bytes), 'film.mp4');
  return formBody(Buffer.alloc(bytes, 'All that is told here is gone soon.\n'), 'note.txt');
}

async function sizes(server: MeasuredServer, cache: string): Promise<Result[]> {
  const results: Result[] = [];
  for (const bytes of SIZES) {
    const body = await bodyOf(cache, bytes);
    const repeats = Math.max(3, Math.min(MOST_REPEATS, Math.round((20 * MB) / bytes)));
    const up: number[] = [];
    const down: number[] = [];
    const before = await server.cpuSeconds();
    for (let repeat = 0; repeat < repeats; repeat++) {
      let text = '';
      up.push(1000 * (await seconds(async () => (text = await upload(server.base, body)))));
      down.push(1000 * (await seconds(() => download(sharedOf(text).fileUrl))));
      await send('DELETE', sharedOf(text).deleteUrl);
    }
    const cpu = (1000 * ((await server.cpuSeconds()) - before)) / repeats;
    const name = bytes < MB ? `${bytes / 1000} KB` : `${bytes / MB} MB`;
    results.push(plain(`${name}: upload`, 'ms', up), plain(`${name}: download`, 'ms', down));
    results.push(plain(`${name}: CPU for both and the deletion`, 'ms', [cpu]));
  }
  return results;
}

async function atOnce(server: MeasuredServer, cache: string): Promise<Result[]> {
  const results: Result[] = [];
  const body = formBody(await video(cache, AT_ONCE_BYTES), 'film.mp4');
  for (const count of AT_ONCE) {
    server.forgetPeak();
    let answers: (string | null)[] = [];
    const time = await seconds(async () => {
      answers = await Promise.all(Array.from({ length: count }, () => uploadOrNull(server, body)));
    });
    const taken = answers.filter((text) => text !== null);
    const name = `${count} uploads of 8 MB at once`;
    results.push(
      plain(`${name}: rate of all`, 'MB/s', [(taken.length * AT_ONCE_BYTES) / MB / time]),
      plain(`${name}: peak memory`, 'MB', [server.peak()]),
    );
    if (taken.length < count) results.push(plain(`${name}: turned away`, '', [count - taken.length]));
    for (const text of taken) await send('DELETE', sharedOf(text).deleteUrl);
  }
  return results;
}

/** Null = turned away: over its bounds the appliance says so, and goes on with the others. */
async function uploadOrNull(server: MeasuredServer, body: FormBody): Promise<string | null> {
  try {
    return await upload(server.base, body);
  } catch {
    return null;
  }
}

async function manyLinks(folder: string): Promise<Result[]> {
  const results: Result[] = [];
  for (const count of LINKS) {
    const ledger = path.join(folder, `ledger-${count}`);
    await fillLedger(ledger, count);
    const figures = await measureLedger(ledger, count, 'expire');
    const { peak, longestRead, longestWrite, round, start, lookUp, written, longestInExpiry, expiry } = figures;
    const name = `${count.toLocaleString('en')} links`;
    results.push(
      plain(`${name}: memory`, 'MB', [peak]),
      plain(`${name}: longest read in a round`, 'ms', [longestRead]),
      plain(`${name}: longest write in a round`, 'ms', [longestWrite]),
      plain(`${name}: a round`, 'ms', [round]),
      plain(`${name}: a round writes`, 'MB', [written]),
      plain(`${name}: start`, 's', [start]),
      plain(`${name}: a look-up`, 'µs', [lookUp]),
      plain(`${name}: longest read while all expire at once`, 'ms', [longestInExpiry ?? 0]),
      plain(`${name}: until all are gone`, 's', [expiry ?? 0]),
    );
  }
  return results;
}

export const scale: Benchmark = {
  name: 'scale',
  async run({ folder, cache }: Bench): Promise<readonly Result[]> {
    const server = await startAppliance(folder);
    try {
      return [...(await sizes(server, cache)), ...(await atOnce(server, cache))];
    } finally {
      await server.stop();
    }
  },
};

export const scaleOfLinks: Benchmark = {
  name: 'scale-links',
  run: ({ folder }) => manyLinks(folder),
};
