/**
 * Addresses of onion services, version 3 (Tor's rend-spec-v3, section 6).
 *
 *   address = base32(public key(32) ‖ checksum(2) ‖ version(1)) ‖ ".onion"
 *
 * A parsed address has the right length, version and checksum, so a mistyped one is found before anything is built on
 * it. It is not checked that the key is a point of the curve's prime-order group: tor does that when it connects.
 */
import type { Brand } from '../base/brand.js';
import { invariant } from '../base/errors.js';
import { ONION_CHECKSUM_BYTES, ONION_KEY_BYTES, onionChecksum } from '../crypto/onion-keys.js';
import { decodeBase32, encodeBase32 } from './base32.js';

/** 56 characters and `.onion`, lower case. */
export type OnionAddress = Brand<string, 'OnionAddress'>;

const VERSION = 3;
const SUFFIX = '.onion';
const DECODED_BYTES = ONION_KEY_BYTES + ONION_CHECKSUM_BYTES + 1;

export function onionAddressOf(publicKey: Uint8Array): OnionAddress {
  invariant(publicKey.length === ONION_KEY_BYTES, 'an onion key has 32 bytes');
  const name = Buffer.concat([publicKey, onionChecksum(publicKey, VERSION), Buffer.of(VERSION)]);
  return (encodeBase32(name) + SUFFIX) as OnionAddress;
}

/** The address in `text`, in either case and without a scheme, port or path; `null` for anything else. */
export function parseOnionAddress(text: string): OnionAddress | null {
  const address = text.toLowerCase();
  if (!address.endsWith(SUFFIX)) return null;
  const name = decodeBase32(address.slice(0, -SUFFIX.length));
  if (name?.length !== DECODED_BYTES) return null;
  const expected = onionAddressOf(name.subarray(0, ONION_KEY_BYTES));
  return expected === address ? expected : null;
}

/** The name without `.onion`: what tor calls a service on its control port. */
export function serviceIdOf(address: OnionAddress): string {
  return address.slice(0, -SUFFIX.length);
}
