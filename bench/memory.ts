/** What is resident: idle, with 8 uploads of 50 MB at once, and with 16 of 48 MB, each in an appliance just started. */
import type { Bench, Benchmark } from './benchmark.js';
import { formBody, send, sharedOf, upload } from './client.js';
import { rowOf, type Result } from './row.js';
import { video } from './samples.js';
import { startAppliance, startFloor, type MeasuredServer } from './servers/server.js';

const MB = 1e6;
/** After some quiet seconds the appliance gives back what it needed for its start. */
const SETTLE_MS = 6000;

interface Memory {
  readonly idle: number;
  readonly peak: number;
}

async function memoryOf(server: MeasuredServer, film: Buffer, count: number): Promise<Memory> {
  const body = formBody(film, 'film.mp4');
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  const idle = server.resident();
  server.forgetPeak();
  const answers = await Promise.all(Array.from({ length: count }, () => upload(server.base, body)));
  const peak = server.peak();
  const links = answers.map((text) => sharedOf(text).deleteUrl).filter((url) => url !== '');
  await Promise.all(links.map((url) => send('DELETE', url)));
  return { idle, peak };
}

async function measured(start: () => Promise<MeasuredServer>, film: Buffer, count: number): Promise<Memory> {
  const server = await start();
  try {
    return await memoryOf(server, film, count);
  } finally {
    await server.stop();
  }
}

export const memory: Benchmark = {
  name: 'memory',
  async run({ folder, cache }: Bench): Promise<readonly Result[]> {
    const ours = (): Promise<MeasuredServer> => startAppliance(folder);
    const floor = (): Promise<MeasuredServer> => startFloor(folder);
    const film48 = await video(cache, 48 * MB);
    const film50 = await video(cache, 50 * MB);
    const sixteen = await measured(ours, film48, 16);
    const sixteenOfFloor = await measured(floor, film48, 16);
    const eight = await measured(ours, film50, 8);
    const eightOfFloor = await measured(floor, film50, 8);
    const unit = 'MB';
    const against = 'bare node:http + busboy + AES-256-GCM records to a file';
    return [
      rowOf(
        { name: 'peak over idle, 16 uploads of 48 MB', unit, against, goal: { of: 'ours', at: 'most', value: 160 } },
        [sixteen.peak - sixteen.idle],
        [sixteenOfFloor.peak - sixteenOfFloor.idle],
      ),
      rowOf(
        { name: 'peak, 8 uploads of 50 MB', unit, against, goal: { of: 'ours', at: 'most', value: 170 } },
        [eight.peak],
        [eightOfFloor.peak],
      ),
      rowOf(
        { name: 'idle', unit, against: 'bare node:http', goal: { of: 'ours', at: 'most', value: 96 } },
        [sixteen.idle, eight.idle],
        [sixteenOfFloor.idle, eightOfFloor.idle],
      ),
    ];
  },
};
