/**
 * The keys of onion services: identity keys, client authorisation keys, and the checksum inside an address.
 *
 *   identity    = Ed25519; tor keeps the expanded secret SHA-512(seed), clamped (RFC 8032, section 5.1.5)
 *   client auth = X25519 (RFC 7748)
 *   checksum    = SHA3-256(".onion checksum" ‖ public key ‖ version)[0..2)      (rend-spec-v3, section 6)
 *
 * Secrets come out as bytes in memory that can be wiped, never as strings; the caller owns and wipes them.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { secretBytes, wipe } from '../base/bytes.js';

export const ONION_KEY_BYTES = 32;
export const EXPANDED_SECRET_BYTES = 64;
export const ONION_CHECKSUM_BYTES = 2;
const CHECKSUM_LABEL = '.onion checksum';

/** An onion service's identity, in the two forms that tor keeps in its files. */
export interface OnionKeys {
  readonly publicKey: Buffer;
  /** Clamped scalar (32) ‖ prefix (32). */
  readonly expandedSecret: Buffer;
}

/** One person's key for a service with client authorisation. */
export interface ClientKeys {
  readonly publicKey: Buffer;
  readonly privateKey: Buffer;
}

export function onionChecksum(publicKey: Uint8Array, version: number): Buffer {
  const digest = createHash('sha3-256').update(CHECKSUM_LABEL).update(publicKey).update(Buffer.of(version)).digest();
  return digest.subarray(0, ONION_CHECKSUM_BYTES);
}

/** The form in which tor stores an Ed25519 secret. The seed is only read. */
export function expandSeed(seed: Uint8Array): Buffer {
  const expanded = secretBytes(EXPANDED_SECRET_BYTES);
  const digest = createHash('sha512').update(seed).digest();
  digest.copy(expanded);
  wipe(digest);
  expanded.writeUInt8(expanded.readUInt8(0) & 0b1111_1000, 0);
  expanded.writeUInt8((expanded.readUInt8(31) & 0b0111_1111) | 0b0100_0000, 31);
  return expanded;
}

/** A new identity. Its address is known before tor has ever run. */
export function makeOnionKeys(): OnionKeys {
  const { publicKey, privateKey } = makePair('ed25519');
  const expandedSecret = expandSeed(privateKey);
  wipe(privateKey);
  return { publicKey, expandedSecret };
}

export function makeClientKeys(): ClientKeys {
  return makePair('x25519');
}

/** Both halves raw. In the DER of RFC 8410 the 32 key bytes stand last, in SPKI and in PKCS#8 alike. */
function makePair(curve: 'ed25519' | 'x25519'): ClientKeys {
  const format = { spki: { type: 'spki', format: 'der' }, pkcs8: { type: 'pkcs8', format: 'der' } } as const;
  const pair =
    curve === 'ed25519'
      ? generateKeyPairSync('ed25519', { publicKeyEncoding: format.spki, privateKeyEncoding: format.pkcs8 })
      : generateKeyPairSync('x25519', { publicKeyEncoding: format.spki, privateKeyEncoding: format.pkcs8 });
  const privateKey = secretBytes(ONION_KEY_BYTES);
  pair.privateKey.copy(privateKey, 0, pair.privateKey.length - ONION_KEY_BYTES);
  wipe(pair.privateKey);
  return { publicKey: Buffer.from(pair.publicKey.subarray(-ONION_KEY_BYTES)), privateKey };
}
