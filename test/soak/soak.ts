/** Mixed load for a long time: samples of memory, handles, processor time and latency, and what they come to. */
import { readdirSync } from 'node:fs';
import { startAppliance, type MeasuredServer } from '../../bench/servers/server.js';
import { makeStock, visit, type Deed } from './load.js';

export interface Sample {
  /** Seconds since the beginning, at the end of the stretch that was sampled. */
  readonly at: number;
  /** Resident, 10^6 bytes. */
  readonly memory: number;
  /** Open file descriptors. */
  readonly handles: number;
  readonly deeds: number;
  /** Milliseconds: the middle deed and the slowest twentieth. */
  readonly middle: number;
  readonly slow: number;
  /** Milliseconds of processor time of the server for a deed. */
  readonly cost: number;
}

export interface SoakOptions {
  readonly folder: string;
  readonly seconds: number;
  /** Seconds between two samples. */
  readonly every: number;
  readonly visitors: number;
  readonly onSample?: (sample: Sample) => void;
}

export interface SoakResult {
  readonly samples: readonly Sample[];
  readonly failures: readonly string[];
  readonly drift: Drift;
}

/** The second quarter of the time against the last: 1 = the same. The first quarter warms up. */
export interface Drift {
  readonly memory: number;
  readonly handles: number;
  readonly latency: number;
  readonly cost: number;
}

const STORE = { storeMegabytes: 1024, settings: { CHATPIC_ROLL_SECONDS: '10' } };

export async function soak({ folder, seconds, every, visitors, onSample }: SoakOptions): Promise<SoakResult> {
  const server = await startAppliance(folder, STORE);
  const samples: Sample[] = [];
  const failures = new Set<string>();
  const state = { stopped: false };
  let deeds: Deed[] = [];
  try {
    const stock = await makeStock();
    const tell = (deed: Deed): void => {
      deeds.push(deed);
      if (deed.failure !== null) failures.add(deed.failure);
    };
    const all = Array.from({ length: visitors }, () => visit(server.base, stock, tell, () => state.stopped));
    const begun = performance.now();
    let cpu = await server.cpuSeconds();
    while ((performance.now() - begun) / 1000 < seconds) {
      await new Promise((resolve) => setTimeout(resolve, every * 1000));
      const now = await server.cpuSeconds();
      const sample = sampleOf(server, (performance.now() - begun) / 1000, deeds, now - cpu);
      [cpu, deeds] = [now, []];
      samples.push(sample);
      onSample?.(sample);
    }
    state.stopped = true;
    await Promise.all(all);
  } finally {
    state.stopped = true;
    await server.stop();
  }
  return { samples, failures: [...failures], drift: driftOf(samples) };
}

function sampleOf(server: MeasuredServer, at: number, deeds: readonly Deed[], cpu: number): Sample {
  const times = deeds.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  return {
    at: Math.round(at),
    memory: server.resident(),
    handles: readdirSync(`/proc/${server.pid}/fd`).length,
    deeds: deeds.length,
    middle: times[Math.floor(times.length / 2)] ?? 0,
    slow: times[Math.floor(times.length * 0.95)] ?? 0,
    cost: (1000 * cpu) / Math.max(1, deeds.length),
  };
}

function driftOf(samples: readonly Sample[]): Drift {
  const quarter = Math.floor(samples.length / 4);
  const [early, late] = [samples.slice(quarter, 2 * quarter), samples.slice(-quarter)];
  const ratio = (of: (sample: Sample) => number): number => middleOf(late.map(of)) / middleOf(early.map(of));
  return {
    memory: ratio(({ memory }) => memory),
    handles: ratio(({ handles }) => handles),
    latency: ratio(({ middle }) => middle),
    cost: ratio(({ cost }) => cost),
  };
}

function middleOf(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}
