/** The child in which a model runs, seen from outside: frames down, one answer each, killed when it takes too long. */
import type { ChildProcess } from 'node:child_process';
import type { Command } from '../../media/decoder/confine.js';
import { spawnWithPipes } from '../../media/decoder/guarded.js';
import { KIND, parseFrames, type Frame } from './wire.js';

/** Why there is no answer. Fixed words for `doctor` and the desk, which have a sentence for each. */
export type ClassifierFault =
  /** The model's file can't be read. */
  | 'model-unreadable'
  /** The card beside it is missing, no JSON, or has a wrong field. */
  | 'card-unreadable'
  /** The engine does not take the model, or its outputs are not what the card says. */
  | 'model-refused'
  /** The child could not be started, or has no engine. */
  | 'engine-missing'
  | 'crashed'
  | 'timed-out';

export class Fault extends Error {
  readonly fault: ClassifierFault;

  constructor(fault: ClassifierFault) {
    super(fault);
    this.name = 'Fault';
    this.fault = fault;
  }
}

/** Builds walls around a command; `see` lists what it must be able to read. */
export type Confine = (command: Command, see: readonly string[]) => Command;

export class ModelProcess {
  readonly #process: ChildProcess;
  readonly #frames: AsyncGenerator<Frame, void, undefined>;
  /** Resolves when the process has ended. */
  readonly gone: Promise<void>;
  #alive = true;
  #late = false;

  constructor(command: Command) {
    // What an engine has to say about a stranger's picture is not ours to keep: its error stream goes nowhere.
    this.#process = spawnWithPipes(command, 1);
    this.gone = new Promise((resolve) => {
      const ended = (): void => {
        this.#alive = false;
        resolve();
      };
      this.#process.once('error', ended).once('close', ended);
    });
    // Writing to one that ends is no news: `gone` tells.
    this.#process.stdin?.on('error', () => undefined);
    const output = this.#process.stdout as AsyncIterable<Buffer> | null;
    this.#frames = parseFrames(output ?? silence());
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Waits until the child has its engine. */
  async hello(timeout: number): Promise<void> {
    const frame = await this.#answer(timeout, 'engine-missing');
    if (frame.kind !== KIND.hello) throw new Fault('engine-missing');
  }

  /** Sends a frame and waits for its answer. */
  async ask(frame: Buffer, timeout: number): Promise<Frame> {
    this.#process.stdin?.write(frame);
    return this.#answer(timeout, 'crashed');
  }

  kill(): void {
    if (this.#alive) this.#process.kill('SIGKILL');
    this.#alive = false;
  }

  async #answer(timeout: number, ended: ClassifierFault): Promise<Frame> {
    const timer = setTimeout(() => {
      this.#late = true;
      this.kill();
    }, timeout);
    try {
      const next = await this.#frames.next().catch(() => ({ done: true }) as const);
      if (next.done === true) throw new Fault(this.#late ? 'timed-out' : ended);
      return next.value;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function* silence(): AsyncGenerator<Buffer> {
  // A child that could not be started says nothing.
}
