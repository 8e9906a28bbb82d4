/** Children started ahead, so that nobody waits for a start. Each is handed out once. */
import { Refusal } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import type { Worker } from './worker.js';

/** Starts in a row that may fail before a picture is turned away. */
const TRIES = 3;

export class WarmChildren {
  readonly #start: () => Worker;
  readonly #count: number;
  readonly #log: Logger;
  readonly #ahead: Worker[] = [];
  #failing = false;
  #closed = false;

  constructor(start: () => Worker, count: number, log: Logger) {
    this.#start = start;
    this.#count = count;
    this.#log = log;
    this.#fill();
  }

  /** False after a start that failed, until one succeeds. */
  get healthy(): boolean {
    return !this.#failing;
  }

  /** A child that is ready; another is started in its place. A `Refusal` 'busy' when none can be started. */
  async next(): Promise<Worker> {
    for (let tries = 0; tries < TRIES && !this.#closed;) {
      const worker = this.#ahead.shift() ?? this.#start();
      this.#fill();
      try {
        await worker.ready;
        this.#failing = false;
      } catch {
        tries++;
        this.#fail();
        continue;
      }
      // One that died while it waited (the system was short of memory) says nothing about the next.
      if (worker.alive) return worker;
    }
    throw new Refusal('busy', 'no picture can be read at the moment');
  }

  async close(): Promise<void> {
    this.#closed = true;
    const ahead = this.#ahead.splice(0);
    for (const worker of ahead) worker.kill();
    await Promise.all(ahead.map(({ gone }) => gone));
  }

  /** After a failure nothing is started ahead: a machine in trouble isn't helped by starts in a loop. */
  #fill(): void {
    while (!this.#closed && !this.#failing && this.#ahead.length < this.#count) this.#ahead.push(this.#start());
  }

  #fail(): void {
    if (!this.#failing) this.#log('decoder-failed');
    this.#failing = true;
  }
}
