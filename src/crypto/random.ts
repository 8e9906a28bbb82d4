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
  const usable = 256 - (256 % alphabet.length);
  let name = '';
  while (name.length < length) {
    if (drawn === pool.length) {
      fillRandom(pool);
      drawn = 0;
    }
    const byte = pool[drawn] ?? 0;
    pool[drawn++] = 0;
    if (byte < usable) name += alphabet.charAt(byte % alphabet.length);
  }
  return name;
}

export const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
export const LOWER_ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyz';

/**
 * `length` characters drawn uniformly from `alphabet` (2 to 256 of one byte each). Bytes that would favour the first
 * characters are thrown away and drawn again.
 */
export function randomToken(length: number, alphabet: string): string {
  const usable = 256 - (256 % alphabet.length);
  const drawn = secretBytes(2 * length);
  let token = '';
  while (token.length < length) {
    fillRandom(drawn);
    for (const byte of drawn) {
      if (byte < usable && token.length < length) token += alphabet.charAt(byte % alphabet.length);
    }
  }
  drawn.fill(0);
  return token;
}
