/**
 * HPKE, single shot: seals a few bytes to a public key so that only the holder of the private key opens them.
 *
 * Construction: RFC 9180, base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, first message only (sequence
 * number 0), unchanged. Layout: `encapsulated key (32) ‖ ciphertext ‖ tag (16)`.
 *
 * What holds, and why: each seal makes a key pair of its own and wipes it, so no (key, nonce) is ever used twice and the
 * sealer itself can't open what it sealed. `info` and `aad` are bound in and not stored: they must be given again, to
 * the byte, when opening.
 * What does not hold: who sealed is not proved (base mode). A private key that leaks opens everything that was ever
 * sealed to it. Node copies private keys into key objects of OpenSSL, which are freed, not wiped, by the collector.
 * Knows nothing of: staff, shares, what is sealed.
 */
import { createHmac, diffieHellman, type KeyObject } from 'node:crypto';
import { secretBytes, secretCopy, wipe } from '../base/bytes.js';
import { invariant } from '../base/errors.js';
import { open, sealInto, TAG_LENGTH } from './aead.js';
import { fillRandom, randomSecret } from './random.js';
import { RAW_KEY_LENGTH, rawKeys } from './raw-keys.js';

/** Bytes of an X25519 key, private or public, and of the encapsulated key. */
export const HPKE_KEY_LENGTH = RAW_KEY_LENGTH;
const OVERHEAD = HPKE_KEY_LENGTH + TAG_LENGTH;

/** RFC 9180, section 7.1: the KEM's id; section 5.1: the suite of KEM, KDF and AEAD. */
const KEM_SUITE = Buffer.from('4b454d0020', 'hex'); // "KEM" ‖ 0x0020
const HPKE_SUITE = Buffer.from('48504b45002000010002', 'hex'); // "HPKE" ‖ 0x0020 ‖ 0x0001 ‖ 0x0002
const VERSION = Buffer.from('HPKE-v1', 'latin1');
const MODE_BASE = Buffer.of(0);
const EMPTY = Buffer.alloc(0);

const { importPrivate, importPublic, publicBytes } = rawKeys('X25519');

export interface HpkeKeyPair {
  readonly publicKey: Buffer;
  /** The caller owns and wipes it. */
  readonly privateKey: Buffer;
}

export function generateHpkeKeyPair(): HpkeKeyPair {
  const privateKey = randomSecret(HPKE_KEY_LENGTH);
  return { privateKey, publicKey: hpkePublicKeyOf(privateKey) };
}

export function hpkePublicKeyOf(privateKey: Uint8Array): Buffer {
  return publicBytes(importPrivate(privateKey));
}

/** The exact length of what `hpkeSeal` returns for `plaintext` bytes. */
export function hpkeSealedLength(plaintext: number): number {
  return plaintext + OVERHEAD;
}

/**
 * Seals `plaintext` to `recipient`. Reads its arguments during the call only; the caller keeps and wipes the plaintext.
 * Throws if `recipient` is not a usable X25519 public key: that is checked where staff keys come in, not per message.
 *
 *     const sealed = hpkeSeal(staffPublicKey, LABEL, fileId, shareKey);
 */
export function hpkeSeal(recipient: Uint8Array, info: Uint8Array, aad: Uint8Array, plaintext: Uint8Array): Buffer {
  const ephemeral = secretBytes(HPKE_KEY_LENGTH);
  try {
    fillRandom(ephemeral);
    return hpkeSealFixed(ephemeral, recipient, info, aad, plaintext);
  } finally {
    wipe(ephemeral);
  }
}

/** `hpkeSeal` with a given ephemeral key. For the published test vectors only: a key used twice breaks the seal. */
export function hpkeSealFixed(
  ephemeral: Uint8Array,
  recipient: Uint8Array,
  info: Uint8Array,
  aad: Uint8Array,
  plaintext: Uint8Array,
): Buffer {
  const privateKey = importPrivate(ephemeral);
  const enc = publicBytes(privateKey);
  const shared = sharedSecret(privateKey, recipient, enc, recipient);
  const { key, nonce } = keySchedule(shared, info);
  try {
    const sealed = secretBytes(hpkeSealedLength(plaintext.length));
    enc.copy(sealed);
    sealInto(sealed, HPKE_KEY_LENGTH, key, nonce, plaintext, aad);
    return sealed;
  } finally {
    wipe(shared, key, nonce);
  }
}

/**
 * Opens what `hpkeSeal` made. `null` when it was sealed to another key, with another `info` or `aad`, was changed or is
 * too short: all of these look the same. The caller owns and wipes the result.
 */
export function hpkeOpen(privateKey: Uint8Array, info: Uint8Array, aad: Uint8Array, sealed: Uint8Array): Buffer | null {
  if (sealed.length < OVERHEAD) return null;
  const enc = sealed.subarray(0, HPKE_KEY_LENGTH);
  const own = importPrivate(privateKey);
  let shared: Buffer;
  try {
    shared = sharedSecret(own, enc, enc, publicBytes(own));
  } catch {
    return null; // RFC 9180, section 7.1.4: a point of small order, made to force an all-zero secret
  }
  const { key, nonce } = keySchedule(shared, info);
  try {
    return open(key, nonce, sealed.subarray(HPKE_KEY_LENGTH), aad);
  } finally {
    wipe(shared, key, nonce);
  }
}

/** RFC 9180, section 4.1: ExtractAndExpand over the Diffie-Hellman value. OpenSSL refuses an all-zero result. */
function sharedSecret(own: KeyObject, peer: Uint8Array, enc: Uint8Array, recipient: Uint8Array): Buffer {
  const dh = diffieHellman({ privateKey: own, publicKey: importPublic(peer) });
  const prk = labeledExtract(KEM_SUITE, EMPTY, 'eae_prk', dh);
  try {
    return labeledExpand(KEM_SUITE, prk, 'shared_secret', [enc, recipient], 32);
  } finally {
    wipe(dh, prk);
  }
}

/** RFC 9180, section 5.1: KeySchedule in base mode (no PSK). */
function keySchedule(shared: Buffer, info: Uint8Array): { key: Buffer; nonce: Buffer } {
  const pskIdHash = labeledExtract(HPKE_SUITE, EMPTY, 'psk_id_hash', EMPTY);
  const infoHash = labeledExtract(HPKE_SUITE, EMPTY, 'info_hash', info);
  const context = [MODE_BASE, pskIdHash, infoHash];
  const secret = labeledExtract(HPKE_SUITE, shared, 'secret', EMPTY);
  try {
    return {
      key: labeledExpand(HPKE_SUITE, secret, 'key', context, 32),
      nonce: labeledExpand(HPKE_SUITE, secret, 'base_nonce', context, 12),
    };
  } finally {
    wipe(secret);
  }
}

function labeledExtract(suite: Buffer, salt: Uint8Array, label: string, ikm: Uint8Array): Buffer {
  return createHmac('sha256', salt).update(VERSION).update(suite).update(label, 'latin1').update(ikm).digest();
}

/** HKDF-Expand where one block of SHA-256 is enough, as it is for every length of this suite. */
function labeledExpand(suite: Buffer, prk: Buffer, label: string, info: readonly Uint8Array[], length: number): Buffer {
  invariant(length <= 32, 'HPKE expands at most one block');
  const hmac = createHmac('sha256', prk).update(Buffer.of(0, length)).update(VERSION).update(suite);
  hmac.update(label, 'latin1');
  for (const part of info) hmac.update(part);
  const block = hmac.update(Buffer.of(1)).digest();
  if (length === block.length) return block;
  const cut = secretCopy(block.subarray(0, length));
  wipe(block);
  return cut;
}
