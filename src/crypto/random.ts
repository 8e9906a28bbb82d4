/** Randomness from the operating system. */
import { randomFillSync, randomInt } from 'node:crypto';
import { secretBytes } from '../base/bytes.js';

/** `length` random bytes in memory that can be wiped. The caller owns them. */
export function randomSecret(length: number): Buffer {
  return fillRandom(secretBytes(length));
}

/** Fills `buffer` with random bytes and hands it back. */
export function fillRandom(buffer: Buffer): Buffer {
  randomFillSync(buffer);
  return buffer;
}

/** A uniform integer from 0 to `bound` - 1; `bound` is at most 2^48 - 1. */
export function randomBelow(bound: number): number {
  return randomInt(bound);
}

/** What names are drawn from, some dozens at a time. */
const pool = secretBytes(1024);
let drawn = pool.length;

/**
 * `length` characters drawn uniformly from `alphabet` (2 to 256 of one byte each): a name that nobody guesses, made at a
 * fraction of the cost of a token. Not for what opens anything: it is drawn from a pool that is kept in memory for a while.
 */
export function randomName(length: number, alphabet: string): string {
  return draw(length, alphabet, () => {
    if (drawn === pool.length) {
      fillRandom(pool);
      drawn = 0;
    }
    const byte = pool[drawn] ?? 0;
    pool[drawn++] = 0;
    return byte;
  });
}

export const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
export const LOWER_ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyz';

/** `length` characters drawn uniformly from `alphabet` (2 to 256 of one byte each), from memory that is wiped. */
export function randomToken(length: number, alphabet: string): string {
  const bytes = secretBytes(2 * length);
  let at = bytes.length;
  const token = draw(length, alphabet, () => {
    if (at === bytes.length) {
      fillRandom(bytes);
      at = 0;
    }
    return bytes[at++] ?? 0;
  });
  bytes.fill(0);
  return token;
}

/** Bytes that would favour the first characters are thrown away and drawn again. */
function draw(length: number, alphabet: string, next: () => number): string {
  const usable = 256 - (256 % alphabet.length);
  let text = '';
  while (text.length < length) {
    const byte = next();
    if (byte < usable) text += alphabet.charAt(byte % alphabet.length);
  }
  return text;
}
