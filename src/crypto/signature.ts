/** Ed25519 (RFC 8032) over whole messages, with keys as their raw 32 bytes. */
import { sign, verify } from 'node:crypto';
import { RAW_KEY_LENGTH, rawKeys } from './raw-keys.js';

export const SIGNING_KEY_LENGTH = RAW_KEY_LENGTH;
export const SIGNATURE_LENGTH = 64;

const { importPrivate, importPublic, publicBytes } = rawKeys('Ed25519');

/** The public key of a private key (the 32-byte seed). */
export function verifyingKeyOf(privateKey: Uint8Array): Buffer {
  return publicBytes(importPrivate(privateKey));
}

/** Signs `message`. The private key is only read; a copy lives in OpenSSL until the collector frees it. */
export function signMessage(privateKey: Uint8Array, message: Uint8Array): Buffer {
  return sign(null, message, importPrivate(privateKey));
}

/** Whether `signature` is of `message` by the holder of the key. False for anything malformed. */
export function isSignedBy(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== SIGNING_KEY_LENGTH || signature.length !== SIGNATURE_LENGTH) return false;
  return verify(null, message, importPublic(publicKey), signature);
}
