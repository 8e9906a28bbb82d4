/**
 * Preloaded into every server that is measured: answers over the channel to the parent with the processor time that the
 * process has used, all threads of it and no children, and with what its event loop has been late since the last answer. The
 * channel does not keep the process alive.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Usage {
  readonly cpuSeconds: number;
  /** Milliseconds that a turn of the event loop took, since the last report: 99 of 100 took less, and the longest. */
  readonly turn99: number;
  readonly turnMost: number;
  /** `process.memoryUsage()`, in bytes. */
  readonly memory: NodeJS.MemoryUsage;
}

/** Milliseconds between two looks. */
const RESOLUTION = 5;
const delay = monitorEventLoopDelay({ resolution: RESOLUTION });
delay.enable();

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  const late = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - RESOLUTION);
  const usage: Usage = {
    cpuSeconds: (user + system) / 1e6,
    turn99: late(delay.percentile(99)),
    turnMost: late(delay.max),
    memory: process.memoryUsage(),
  };
  delay.reset();
  process.send?.(usage);
});
process.channel?.unref();
