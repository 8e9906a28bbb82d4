/** Ed25519 (RFC 8032) over whole messages, with keys as their raw 32 bytes. */
import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { secretBytes, wipe } from '../base/bytes.js';
import { invariant } from '../base/errors.js';

export const SIGNING_KEY_LENGTH = 32;
export const SIGNATURE_LENGTH = 64;

/** RFC 8410: what stands before the 32 raw bytes in a DER private and public key. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** The public key of a private key (the 32-byte seed). */
export function verifyingKeyOf(privateKey: Uint8Array): Buffer {
  const der = createPublicKey(importPrivate(privateKey)).export({ type: 'spki', format: 'der' });
  return Buffer.from(der.subarray(SPKI_PREFIX.length));
}

/** Signs `message`. The private key is only read; a copy lives in OpenSSL until the collector frees it. */
export function signMessage(privateKey: Uint8Array, message: Uint8Array): Buffer {
  return sign(null, message, importPrivate(privateKey));
}

/** Whether `signature` is of `message` by the holder of the key. False for anything malformed. */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== SIGNING_KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  const key = createPublicKey({ key: Buffer.concat([SPKI_PREFIX, publicKey]), format: 'der', type: 'spki' });
  return verify(null, message, key, signature);
}

function importPrivate(raw: Uint8Array): KeyObject {
  invariant(raw.length === SIGNING_KEY_LENGTH, 'an Ed25519 private key has 32 bytes');
  const der = secretBytes(PKCS8_PREFIX.length + SIGNING_KEY_LENGTH);
  der.set(PKCS8_PREFIX);
  der.set(raw, PKCS8_PREFIX.length);
  try {
    return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  } finally {
    wipe(der);
  }
}
