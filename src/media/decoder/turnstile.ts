/** Lets a few in at a time, keeps a few waiting in order, and turns the rest away. */
import { Refusal } from '../../base/errors.js';

export class Turnstile {
  readonly #places: number;
  readonly #queue: number;
  #inside = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(places: number, queue: number) {
    this.#places = places;
    this.#queue = queue;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Runs `use` when there is a place, and frees the place when it has settled. A `Refusal` 'busy' when the queue is full,
   * 'cut-off' when `signal` ends the wait.
   */
  async through<T>(use: () => Promise<T>, signal: AbortSignal | null): Promise<T> {
    await this.#enter(signal);
    try {
      return await use();
    } finally {
      const next = this.#waiting.shift();
      // The place goes from hand to hand, so that nobody slips in between.
      if (next === undefined) this.#inside--;
      else next();
    }
  }

  async #enter(signal: AbortSignal | null): Promise<void> {
    if (this.#inside < this.#places) {
      this.#inside++;
      return;
    }
    if (this.#waiting.length >= this.#queue)
      throw new Refusal('busy', 'too many pictures wait to be read', { bound: 'decoders' });
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        signal?.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(enter), 1);
        reject(new Refusal('cut-off', 'the sender left while the picture waited'));
      };
      this.#waiting.push(enter);
      signal?.addEventListener('abort', leave, { once: true });
    });
  }
}
