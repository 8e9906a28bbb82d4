/** Everything that opens a share, worked out from a copy of the disk, and the forms in which ciphers keep a key. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../src/base/clock.js';
import { hkdfExpandSha512 } from '../../src/crypto/kdf.js';
import { CONTEXT } from '../../src/crypto/labels.js';
import { deriveShareKey } from '../../src/crypto/share-key.js';
import { openStore } from '../../src/ledger/open-store.js';
import { parseLinkToken } from '../../src/ledger/tokens.js';
import { keyFile } from '../../src/store/root-key.js';

export interface Openers {
  /** S and K, 32 bytes each. */
  readonly secret: Buffer;
  readonly key: Buffer;
  /** What AES-256-GCM is keyed with. */
  readonly streamKey: Buffer;
  /** Salt and commitment: the first 56 bytes of the sealed content. */
  readonly header: Buffer;
}

/**
 * What opens the shares of these links, from a copy of `dataDir` that is made by `whileStill` while nobody writes.
 * Passphrases by token.
 */
export async function openersOf(
  dataDir: string,
  storeMegabytes: number,
  links: ReadonlyMap<string, string | null>,
  whileStill: (copy: () => Promise<void>) => Promise<void>,
): Promise<Map<string, Openers>> {
  const copy = await mkdtemp(path.join(tmpdir(), 'chatpic-copy-'));
  try {
    await whileStill(() => cp(dataDir, copy, { recursive: true, filter: (source) => !source.endsWith('.sock') }));
    const rootKey = keyFile(path.join(copy, 'key', 'root.key'));
    const store = await openStore({ dataDir: copy, slotDir: copy, rootKey, storeMegabytes, clock: systemClock });
    const found = new Map<string, Openers>();
    for (const [token, passphrase] of links) {
      const link = parseLinkToken(token);
      const share = link === null ? null : store.ledger.find(link);
      const secret = share === null ? null : store.ledger.secretOf(share);
      if (share === null || secret === null) throw new Error('a share that is not on the copy');
      const key = await deriveShareKey(token, passphrase, secret);
      const header = await store.arena.read(share.units, 0, 56);
      found.set(token, { secret, key, streamKey: streamKeys(key, header).subarray(0, 32), header });
    }
    await store.close();
    return found;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

const INFO = Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0', 'latin1');

/** key(32) ‖ base nonce(12) ‖ the first 20 bytes of the commitment: one block of HKDF-Expand (docs/format/sealed-stream.md). */
export function streamKeys(key: Uint8Array, header: Buffer): Buffer {
  return hkdfExpandSha512(key, Buffer.concat([INFO, header.subarray(0, 24), Buffer.from(CONTEXT.share)]), 64);
}

/** Bytes 32 to 63 of the key schedule of AES-256 (FIPS 197, 5.2): what a cipher keeps beside the key itself. */
export function schedule(key: Buffer): Buffer {
  const words = Array.from({ length: 8 }, (_, word) => key.readUInt32BE(4 * word));
  for (let word = 8; word < 16; word++) {
    let last = words[word - 1] ?? 0;
    if (word === 8) last = substituted(((last << 8) | (last >>> 24)) >>> 0) ^ 0x0100_0000;
    else if (word === 12) last = substituted(last);
    words.push(((words[word - 8] ?? 0) ^ last) >>> 0);
  }
  const bytes = Buffer.alloc(32);
  words.slice(8).forEach((word, index) => bytes.writeUInt32BE(word, 4 * index));
  return bytes;
}

const SUBSTITUTION = substitution();

function substituted(word: number): number {
  return [24, 16, 8, 0].reduce((sum, shift) => (sum | ((SUBSTITUTION[(word >>> shift) & 255] ?? 0) << shift)) >>> 0, 0);
}

/** The S-box: inverses in GF(2^8), found by walking through the powers of 3 and of its inverse at once. */
function substitution(): Uint8Array {
  const box = new Uint8Array(256);
  box[0] = 0x63;
  for (let p = 1, q = 1, first = true; first || p !== 1; first = false) {
    p = (p ^ (p << 1) ^ (p & 0x80 ? 0x1b : 0)) & 255;
    q ^= q << 1;
    q ^= q << 2;
    q = (q ^ (q << 4)) & 255;
    if (q & 0x80) q ^= 0x09;
    const rotated = (by: number): number => ((q << by) | (q >> (8 - by))) & 255;
    box[p] = q ^ rotated(1) ^ rotated(2) ^ rotated(3) ^ rotated(4) ^ 0x63;
  }
  return box;
}
