/**
 * A word to be typed before a link is opened in a browser: a robot that presses buttons does not know it.
 *
 * Nothing is kept: the word of a link follows from a secret of this process and the hour, and that of the hour before counts
 * too, so that a page which was open for a while still works. It is no challenge for a program written against this site.
 */
import { HOUR } from '../base/units.js';
import { hmacSha256 } from '../crypto/hash.js';
import { randomSecret } from '../crypto/random.js';

/** Short, common, and hard to mistake for one another. */
export const WORDS: readonly string[] = [
  ...['anchor', 'basket', 'candle', 'feather', 'garden', 'hammer', 'island', 'lemon'],
  ...['mirror', 'orange', 'paper', 'river', 'silver', 'tiger', 'violet', 'window'],
];

export class OpenWords {
  readonly #secret = randomSecret(32);
  readonly #now: () => number;

  /** `now` in milliseconds. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** The word of a link, now. */
  wordOf(token: string): string {
    return this.#at(token, this.#hour());
  }

  /** Whether `typed` is it, or was it an hour ago. Case and space around it do not matter. */
  isRight(token: string, typed: string): boolean {
    const word = typed.trim().toLowerCase();
    return word === this.#at(token, this.#hour()) || word === this.#at(token, this.#hour() - 1);
  }

  #hour(): number {
    return Math.floor(this.#now() / HOUR);
  }

  #at(token: string, hour: number): string {
    return WORDS[hmacSha256(this.#secret, token, String(hour)).readUInt8(0) % WORDS.length] ?? '';
  }
}
