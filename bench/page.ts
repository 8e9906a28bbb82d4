/** The front page: requests a second, and how long one takes while 32 uploads trickle in. */
import { rounds, type Bench, type Benchmark } from './benchmark.js';
import { formBody, PageReader, send, trickle } from './client.js';
import { quantile, rowOf, type Result } from './row.js';
import { video } from './samples.js';
import { startAppliance, startFloor, type MeasuredServer } from './servers/server.js';

const ROUNDS = 5;
const CONNECTIONS = 16;
/** Each round begins with what is not counted: after a pause code is compiled anew, and a rush lasts longer than that. */
const ROUND_WARM_MS = 500;
const ROUND_MS = 1500;
const UPLOADS = 32;
const RATE = 250_000;
const WARM_MS = 1000;
const WATCH_MS = 8000;

async function giveSamePage(appliance: MeasuredServer, floor: MeasuredServer): Promise<void> {
  const answer = await fetch(`${appliance.base}/`, { headers: { accept: 'text/html' } });
  await send('PUT', `${floor.base}/`, Buffer.from(await answer.arrayBuffer()));
}

interface Pace {
  /** Requests a second on the wall. */
  readonly rate: number;
  /** Requests a second of the server's processor. */
  readonly cpuRate: number;
}

async function paceOf(server: MeasuredServer): Promise<Pace> {
  const readers = Array.from({ length: CONNECTIONS }, () => new PageReader(server.base));
  const readFor = async (milliseconds: number): Promise<number> => {
    const start = performance.now();
    let count = 0;
    await Promise.all(
      readers.map(async (reader) => {
        for (; performance.now() - start < milliseconds; count++) await reader.get();
      }),
    );
    return count;
  };
  await readFor(ROUND_WARM_MS);
  const before = await server.cpuSeconds();
  const start = performance.now();
  const count = await readFor(ROUND_MS);
  const time = (performance.now() - start) / 1000;
  const cpu = (await server.cpuSeconds()) - before;
  for (const reader of readers) reader.close();
  return { rate: count / time, cpuRate: count / cpu };
}

export const pages: Benchmark = {
  name: 'page',
  async run({ folder }: Bench): Promise<readonly Result[]> {
    const appliance = await startAppliance(folder);
    const floor = await startFloor(folder);
    try {
      await giveSamePage(appliance, floor);
      const { ours, limit } = await rounds(
        ROUNDS,
        () => paceOf(appliance),
        () => paceOf(floor),
      );
      const against = 'bare node:http answering the same bytes';
      return [
        rowOf(
          { name: 'front page', unit: 'req/s', against, goal: { of: 'ratio', at: 'least', value: 0.5 } },
          ours.map(({ rate }) => rate),
          limit.map(({ rate }) => rate),
        ),
        rowOf(
          { name: 'front page, of CPU', unit: 'req/s', against, goal: null },
          ours.map(({ cpuRate }) => cpuRate),
          limit.map(({ cpuRate }) => cpuRate),
        ),
      ];
    } finally {
      await Promise.all([appliance.stop(), floor.stop()]);
    }
  },
};

/** Milliseconds of each page read one after the other, on a connection that is kept, while uploads trickle. */
async function waits(server: MeasuredServer, film: Buffer): Promise<number[]> {
  const stop = new AbortController();
  const body = formBody(film, 'film.mp4');
  const uploads = Array.from({ length: UPLOADS }, () => trickle(server.base, body, RATE, stop.signal));
  await new Promise((resolve) => setTimeout(resolve, WARM_MS));
  const reader = new PageReader(server.base);
  const times: number[] = [];
  for (const start = performance.now(); performance.now() - start < WATCH_MS;) {
    const before = performance.now();
    await reader.get();
    times.push(performance.now() - before);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  reader.close();
  stop.abort();
  await Promise.all(uploads);
  return times;
}

export const trickles: Benchmark = {
  name: 'trickle',
  async run({ folder, cache }: Bench): Promise<readonly Result[]> {
    const film = await video(cache, 50e6);
    const appliance = await startAppliance(folder);
    const floor = await startFloor(folder);
    try {
      await giveSamePage(appliance, floor);
      const ours = await waits(appliance, film);
      const limit = await waits(floor, film);
      return [
        rowOf(
          {
            name: `page, p99, ${UPLOADS} uploads at 250 kB/s`,
            unit: 'ms',
            against: 'bare node:http under the same load',
            goal: { of: 'ours', at: 'most', value: 50 },
          },
          [quantile(ours, 0.99)],
          [quantile(limit, 0.99)],
        ),
      ];
    } finally {
      await Promise.all([appliance.stop(), floor.stop()]);
    }
  },
};
