/** One life of a tor process. */
import { spawn, type ChildProcess } from 'node:child_process';
import { SECOND } from '../base/units.js';

const STOP_WAIT = 5 * SECOND;
/** Enough for the sentence in which tor says what is wrong with its configuration. */
const LAST_WORDS = 2048;

export class TorChild {
  /** The exit code when it has ended; `null` if a signal ended it or it could not be run. */
  readonly ended: Promise<number | null>;
  readonly #process: ChildProcess;
  #words = '';
  #running = true;

  constructor(file: string, configuration: string) {
    const args = ['--defaults-torrc', '/dev/null', '-f', configuration];
    this.#process = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], env: {} });
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#words = (this.#words + text).slice(-LAST_WORDS);
    });
    this.ended = new Promise((resolve) => {
      const end = (code: number | null): void => {
        this.#running = false;
        resolve(code);
      };
      this.#process.once('close', end).once('error', () => end(null));
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** The warnings and errors that tor said last, without times; empty if it said none. */
  get lastWords(): string {
    const complaints = this.#words.split('\n').flatMap((line) => /\[(?:warn|err)\] (.*)$/.exec(line)?.[1] ?? []);
    return complaints.slice(-3).join(' ');
  }

  /** Asks it to end, insists after five seconds, and waits until it is gone. */
  async stop(): Promise<void> {
    if (!this.#running) return;
    this.#process.kill('SIGTERM');
    const insist = setTimeout(() => this.#process.kill('SIGKILL'), STOP_WAIT);
    await this.ended;
    clearTimeout(insist);
  }
}
