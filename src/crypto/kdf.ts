/** Key derivation: HKDF (RFC 5869) for what is random already, scrypt (RFC 7914) for what a person typed. */
import { hkdfSync, scrypt as scryptCallback } from 'node:crypto';
import { secretBytes } from '../base/bytes.js';
import { hmacSha512 } from './hash.js';

/** HKDF-SHA-256 over `ikm`. The result is `length` bytes that the caller owns and wipes; `ikm` is only read. */
export function hkdf(ikm: Uint8Array, salt: Uint8Array, info: string, length = 32): Buffer {
  return Buffer.from(hkdfSync('sha256', ikm, salt, info, length));
}

const SHA512_LENGTH = 64;

/** HKDF-Expand with SHA-512 alone, for a `key` that is uniformly random. The caller owns and wipes the result. */
export function hkdfExpandSha512(key: Uint8Array, info: Uint8Array, length: number): Buffer {
  const out = secretBytes(length);
  const counter = Buffer.alloc(1);
  let block: Buffer = Buffer.alloc(0);
  for (let at = 0, i = 1; at < length; at += SHA512_LENGTH, i++) {
    counter[0] = i;
    const next = hmacSha512(key, block, info, counter);
    block.fill(0);
    block = next;
    block.copy(out, at);
  }
  block.fill(0);
  return out;
}

/** scrypt's cost: memory is 128 · N · r bytes a run. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** For a share's passphrase: 64 MiB a run. */
export const SHARE_COST: ScryptCost = { N: 2 ** 16, r: 8, p: 1 };
/** For the operator's root passphrase, once a start: 128 MiB. */
export const ROOT_COST: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };

/** Runs at once: more would let visitors who type passphrases take the machine's memory. */
const SCRYPT_AT_ONCE = 2;
/** Runs that may wait; beyond it `scryptBusy` is true and callers turn people away. */
const SCRYPT_WAITING = 32;
let running = 0;
const waiting: (() => void)[] = [];

/** Whether another run would wait too long. Callers answer "busy" instead of queueing. */
export function scryptBusy(): boolean {
  return waiting.length >= SCRYPT_WAITING;
}

/**
 * scrypt of `secret` under `salt`. At most two run at once in this process, the others wait their turn.
 * The result is the caller's to wipe; `secret` is only read, and must stay unchanged until the promise settles.
 */
export async function scrypt(secret: Uint8Array, salt: Uint8Array, cost: ScryptCost, length = 32): Promise<Buffer> {
  if (running >= SCRYPT_AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
  else running++;
  try {
    const maxmem = 256 * cost.N * cost.r;
    return await new Promise<Buffer>((resolve, reject) => {
      scryptCallback(secret, salt, length, { ...cost, maxmem }, (error, key) => {
        if (error) reject(error);
        else resolve(key);
      });
    });
  } finally {
    const next = waiting.shift();
    if (next === undefined) running--;
    else next();
  }
}
