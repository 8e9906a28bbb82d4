/**
 * X25519 and Ed25519 keys as their raw 32 bytes, in and out of Node's key objects.
 *
 * Source: RFC 8410. What stands before the 32 raw bytes in a DER private and public key differs in one byte between the two.
 * Node copies a private key into a key object of OpenSSL, which is freed, not wiped, by the collector.
 */
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { secretBytes, wipe } from '../base/bytes.js';
import { invariant } from '../base/errors.js';

export const RAW_KEY_LENGTH = 32;

/** The last byte of the curve's object identifier. */
const CURVES = { X25519: '6e', Ed25519: '70' } as const;

export interface RawKeys {
  /** `raw` is only read. */
  readonly importPrivate: (raw: Uint8Array) => KeyObject;
  readonly importPublic: (raw: Uint8Array) => KeyObject;
  readonly publicBytes: (privateKey: KeyObject) => Buffer;
}

export function rawKeys(curve: keyof typeof CURVES): RawKeys {
  const privateHead = Buffer.from(`302e020100300506032b65${CURVES[curve]}04220420`, 'hex');
  const publicHead = Buffer.from(`302a300506032b65${CURVES[curve]}032100`, 'hex');
  return {
    importPrivate(raw) {
      invariant(raw.length === RAW_KEY_LENGTH, `a private key of ${curve} has 32 bytes`);
      const der = secretBytes(privateHead.length + RAW_KEY_LENGTH);
      der.set(privateHead);
      der.set(raw, privateHead.length);
      try {
        return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
      } finally {
        wipe(der);
      }
    },
    importPublic(raw) {
      invariant(raw.length === RAW_KEY_LENGTH, `a public key of ${curve} has 32 bytes`);
      return createPublicKey({ key: Buffer.concat([publicHead, raw]), format: 'der', type: 'spki' });
    },
    publicBytes(privateKey) {
      const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
      return Buffer.from(der.subarray(publicHead.length));
    },
  };
}
