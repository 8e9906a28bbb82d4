/** Up and down: a video of 50 MB scrubbed and sealed, then opened and sent, against node:http with busboy and AES-256-GCM. */
import { rounds, seconds, type Bench, type Benchmark } from './benchmark.js';
import { download, formBody, send, sharedOf, upload, type FormBody } from './client.js';
import { rowOf, type Result } from './row.js';
import { photo, video } from './samples.js';
import { startAppliance, startFloor, type MeasuredServer } from './servers/server.js';

const MB = 1e6;
const ROUNDS = 5;
/** Turns that aren't counted: so many uploads go by until all of their code is compiled. */
const WARM = 10;
const VIDEO_BYTES = 50 * MB;
const AGAINST = 'bare node:http + busboy + AES-256-GCM records to a file';

interface Cost {
  readonly rate: number;
  readonly cpu: number;
}

/** What one way of working costs the server: megabytes a second and processor seconds. */
async function costOf(server: MeasuredServer, bytes: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = await server.cpuSeconds();
  const time = await seconds(work);
  // What the server does behind its answer is part of the price.
  await new Promise((resolve) => setTimeout(resolve, 30));
  return { rate: bytes / MB / time, cpu: (await server.cpuSeconds()) - before };
}

async function uploadOnce(server: MeasuredServer, body: FormBody, isFloor: boolean): Promise<Cost> {
  let text = '';
  const cost = await costOf(server, body.file.length, async () => {
    text = await upload(server.base, body);
  });
  await send('DELETE', isFloor ? `${server.base}/${text}` : sharedOf(text).deleteUrl);
  return cost;
}

const rates = (costs: readonly Cost[]): number[] => costs.map(({ rate }) => rate);
const cpus = (costs: readonly Cost[]): number[] => costs.map(({ cpu }) => cpu);

export const uploads: Benchmark = {
  name: 'upload',
  async run({ folder, cache }: Bench): Promise<readonly Result[]> {
    const film = formBody(await video(cache, VIDEO_BYTES), 'film.mp4');
    const picture = formBody(await photo(cache), 'photo.jpg');
    const appliance = await startAppliance(folder);
    const floor = await startFloor(folder);
    try {
      const films = await rounds(
        ROUNDS,
        () => uploadOnce(appliance, film, false),
        () => uploadOnce(floor, film, true),
        WARM,
      );
      const pictures = await rounds(
        ROUNDS,
        () => uploadOnce(appliance, picture, false),
        () => uploadOnce(floor, picture, true),
        WARM,
      );
      return [
        row('upload 50 MB video', 'MB/s', rates(films.ours), rates(films.limit), {
          of: 'ratio',
          at: 'least',
          value: 0.5,
        }),
        row('upload 50 MB video, CPU', 's', cpus(films.ours), cpus(films.limit), { of: 'ratio', at: 'most', value: 2 }),
        row('whole CPU, 50 MB video', 's', cpus(films.ours), [], { of: 'ours', at: 'most', value: 0.25 }),
        row('CPU but the decoder, 5 MB photo', 's', cpus(pictures.ours), cpus(pictures.limit), {
          of: 'ours',
          at: 'most',
          value: 0.06,
        }),
      ];
    } finally {
      await Promise.all([appliance.stop(), floor.stop()]);
    }
  },
};

function row(
  name: string,
  unit: string,
  ours: readonly number[],
  limit: readonly number[],
  goal: Parameters<typeof rowOf>[0]['goal'],
): Result {
  return rowOf({ name, unit, against: limit.length === 0 ? '' : AGAINST, goal }, ours, limit);
}

export const downloads: Benchmark = {
  name: 'download',
  async run({ folder, cache }: Bench): Promise<readonly Result[]> {
    const film = formBody(await video(cache, VIDEO_BYTES), 'film.mp4');
    const appliance = await startAppliance(folder);
    const floor = await startFloor(folder);
    try {
      const shared = sharedOf(await upload(appliance.base, film));
      const stored = `${floor.base}/${await upload(floor.base, film)}`;
      const { ours, limit } = await rounds(
        ROUNDS,
        () => costOf(appliance, VIDEO_BYTES, () => download(shared.fileUrl)),
        () => costOf(floor, VIDEO_BYTES, () => download(stored)),
      );
      await send('DELETE', shared.deleteUrl);
      const against = 'bare node:http opening the same records';
      return [
        rowOf(
          { name: 'download 50 MB', unit: 'MB/s', against, goal: { of: 'ratio', at: 'least', value: 0.7 } },
          rates(ours),
          rates(limit),
        ),
        rowOf({ name: 'download 50 MB, CPU', unit: 's', against, goal: null }, cpus(ours), cpus(limit)),
      ];
    } finally {
      await Promise.all([appliance.stop(), floor.stop()]);
    }
  },
};
