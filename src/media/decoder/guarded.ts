/**
 * A process under watch: killed when it goes over its memory or its time, or when nobody wants its answer any more.
 *
 * Its error stream goes nowhere: what a decoder has to say about a stranger's file is not ours to keep.
 */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { wipe } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { Refusal } from '../../base/errors.js';
import type { ByteSource } from '../../base/source.js';
import { readInOrder } from '../../base/source.js';
import type { Command } from './confine.js';
import type { DecodeLimits } from './limits.js';
import { Watch } from './watch.js';

/** How often a working process is looked at: a jump in memory is noticed this late, where the kernel sets no limit. */
const WATCH_INTERVAL = 40;
/** Pages come before previews on a busy machine. */
const NICENESS = 5;

export type Overrun = 'memory' | 'time';

export class Guarded {
  readonly #process: ChildProcess;
  readonly #limits: DecodeLimits;
  readonly #clock: Clock;
  /** Settles when the process has ended, however it did. */
  readonly gone: Promise<void>;
  #alive = true;
  #overrun: Overrun | null = null;

  /** Starts `command` with an empty environment and an input and outputs that are pipes: `outputs` of them, 1 to 3. */
  constructor(command: Command, limits: DecodeLimits, clock: Clock, outputs: 1 | 2 | 3 = 1) {
    this.#limits = limits;
    this.#clock = clock;
    this.#process = spawnWithPipes(command, outputs);
    this.gone = new Promise((resolve) => {
      const ended = (): void => {
        this.#alive = false;
        resolve();
      };
      this.#process.once('error', ended);
      this.#process.once('close', ended);
    });
    // A process that ends while it is written to: `gone` tells, there is nothing to add.
    for (const stream of this.#process.stdio) stream?.on('error', () => undefined);
    if (this.pid !== null) lowerPriority(this.pid);
  }

  get pid(): number | null {
    return this.#process.pid ?? null;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Why the watch ended it, if it did. */
  get overrun(): Overrun | null {
    return this.#overrun;
  }

  get input(): Writable {
    const stream = this.#process.stdin;
    if (stream === null) throw new Error('a child without an input');
    return stream;
  }

  /** Its standard output, or the second one. */
  output(stream: 1 | 3 | 4): Readable {
    const found = this.#process.stdio[stream];
    if (found === null || found === undefined || !('read' in found)) throw new Error('a child without an output');
    return found;
  }

  kill(): void {
    if (this.#alive) this.#process.kill('SIGKILL');
  }

  /** Watches memory and time from now on, until the process has gone. */
  watch(): void {
    const { pid } = this;
    if (pid === null) return;
    const began = this.#clock.monotonic();
    const watch = new Watch(pid);
    const before = watch.usage()?.cpuMilliseconds ?? 0;
    const timer = setInterval(() => {
      const usage = watch.usage();
      const cpu = (usage?.cpuMilliseconds ?? before) - before;
      const waited = this.#clock.monotonic() - began;
      if (usage !== null && usage.memoryBytes > this.#limits.memoryBytes) this.#end('memory');
      if (cpu > this.#limits.cpuMilliseconds || waited > this.#limits.wallMilliseconds) this.#end('time');
    }, WATCH_INTERVAL);
    void this.gone.then(() => {
      clearInterval(timer);
      watch.close();
    });
  }

  /** Writes bytes and waits until the pipe has taken them. A process that has gone takes everything. */
  async write(...parts: readonly Buffer[]): Promise<void> {
    for (const part of parts) {
      if (!this.#alive || this.input.destroyed) return;
      const taken = new Promise<void>((resolve) => this.input.write(part, () => resolve()));
      await Promise.race([taken, this.gone]);
    }
  }

  /**
   * Writes all of `source`, each piece behind its `header`, and wipes what was read. Ends early when the process has gone
   * or takes no more. A failure of the source is thrown as it came.
   */
  async writeAll(source: ByteSource, piece: number, header: (length: number) => Buffer = noHeader): Promise<void> {
    for await (const bytes of readInOrder(source, 0, source.size, piece)) {
      await this.write(header(bytes.length), bytes);
      wipe(bytes);
      if (!this.#alive || this.input.destroyed) return;
    }
  }

  /** The refusal for a process that ended by itself or by the watch before it had answered. */
  failure(): Refusal {
    if (this.#overrun === 'memory') {
      return new Refusal('unreadable', 'decoding needs more memory than it may have', { reason: 'memory' });
    }
    if (this.#overrun === 'time') {
      return new Refusal('unreadable', 'decoding takes longer than it may', { reason: 'time' });
    }
    return new Refusal('unreadable', 'decoding ended in the middle', { reason: 'undecodable' });
  }

  #end(overrun: Overrun): void {
    this.#overrun ??= overrun;
    this.kill();
  }
}

function noHeader(): Buffer {
  return Buffer.alloc(0);
}

/** Starts it with pipes, and with /dev/null in place of every descriptor that it would inherit. */
export function spawnWithPipes({ file, args, hide = [] }: Command, outputs: 1 | 2 | 3): ChildProcess {
  const nothing = openSync('/dev/null', 'r');
  try {
    const last = Math.max(2, ...hide);
    const stdio: (number | 'pipe' | 'ignore')[] = ['pipe', 'pipe', 'ignore'];
    for (let fd = 3; fd <= last; fd++) stdio.push(hide.includes(fd) ? nothing : 'ignore');
    for (let fd = 3; fd < 2 + outputs; fd++) stdio[fd] = 'pipe';
    return spawn(file, args, { cwd: '/', env: {}, stdio });
  } finally {
    closeSync(nothing);
  }
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // Gone already, or not allowed: the answer comes all the same.
  }
}
