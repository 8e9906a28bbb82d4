/**
 * Whether anything in a process's memory opens a share for one who has its link: each window of 32 bytes is tried as S and
 * as K. What opens is told by the commitment at the head of the sealed content (docs/format/sealed-stream.md).
 *
 * Tried are windows that can be random bytes: of 32 random bytes fewer than 24 differ once in ten million times. Memory
 * that can be wiped begins at multiples of 16; CHATPIC_MEMORY_WINDOWS=all tries windows at every address, which takes minutes.
 */
import { hkdf } from '../../src/crypto/kdf.js';
import { LABEL } from '../../src/crypto/labels.js';
import { streamKeys } from './key-forms.js';
import type { Region } from './memory.js';

const WINDOW = 32;
const LEAST_DIFFERENT = 24;
const STRIDE = process.env['CHATPIC_MEMORY_WINDOWS'] === 'all' ? 1 : 16;
/** Of the commitment, what the first block of key material has. */
const COMPARED = 20;

export interface Slid {
  readonly tried: number;
  /** Where, and as what. */
  readonly found: readonly string[];
}

/** `memory` is what a process had while it stood still. `token` opens a share without a passphrase whose sealed content begins with `header`. */
export function opensIn(memory: readonly Region[], token: string, header: Buffer): Slid {
  const link = Buffer.from(token, 'latin1');
  const commitment = header.subarray(24, 24 + COMPARED);
  const found: string[] = [];
  let tried = 0;
  const opens = (key: Uint8Array): boolean => streamKeys(key, header).subarray(44).equals(commitment);
  for (const { start, bytes } of memory) {
    forEachRandomLooking(bytes, (at) => {
      tried++;
      const window = bytes.subarray(at, at + WINDOW);
      if (opens(hkdf(link, window, LABEL.share))) found.push(`S at ${(start + at).toString(16)}`);
      if (opens(window)) found.push(`K at ${(start + at).toString(16)}`);
    });
  }
  return { tried, found };
}

/** Calls back for each place from which 32 bytes have many different values: a count that slides with the window. */
function forEachRandomLooking(bytes: Buffer, callback: (at: number) => void): void {
  const counts = new Uint8Array(256);
  let different = 0;
  for (let end = 0; end < bytes.length; end++) {
    const entering = bytes[end] ?? 0;
    if ((counts[entering] = (counts[entering] ?? 0) + 1) === 1) different++;
    const start = end - WINDOW + 1;
    if (start < 0) continue;
    if (different >= LEAST_DIFFERENT && start % STRIDE === 0) callback(start);
    const leaving = bytes[start] ?? 0;
    if ((counts[leaving] = (counts[leaving] ?? 0) - 1) === 0) different--;
  }
}
