/**
 * One-shot AES-256-GCM (NIST SP 800-38D) for pages and records whose nonce the caller counts.
 *
 * Layout: ciphertext (as long as the plaintext) ‖ tag (16 bytes). The nonce is not stored here.
 * What holds: a changed bit anywhere, another key, nonce or additional data is found. What does not: a (key, nonce)
 * that seals twice is broken for good; only the caller can see to that.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { giveBack, secretBytes } from '../base/bytes.js';

export const KEY_LENGTH = 32;
export const NONCE_LENGTH = 12;
export const TAG_LENGTH = 16;

const ALGORITHM = 'aes-256-gcm';
const NO_DATA = new Uint8Array(0);

/** Seals `plaintext` under `key` (32 B) and `nonce` (12 B, never used before with this key). The key is only read. */
export function seal(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  additional: Uint8Array = NO_DATA,
): Buffer {
  const sealed = Buffer.from(new ArrayBuffer(plaintext.length + TAG_LENGTH));
  sealInto(sealed, 0, key, nonce, plaintext, additional);
  return sealed;
}

/** Like `seal`, into `out` at `at`; writes plaintext.length + 16 bytes. */
export function sealInto(
  out: Buffer,
  at: number,
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  additional: Uint8Array = NO_DATA,
): void {
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_LENGTH });
  if (additional.length > 0) cipher.setAAD(additional);
  const piece = cipher.update(plaintext);
  out.set(piece, at);
  giveBack(piece);
  cipher.final();
  out.set(cipher.getAuthTag(), at + plaintext.length);
}

/**
 * Opens what `seal` made; `null` when it is not authentic. The plaintext is the caller's to wipe. Nothing of an
 * unauthentic plaintext is handed out.
 */
export function open(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additional: Uint8Array = NO_DATA,
): Buffer | null {
  if (sealed.length < TAG_LENGTH) return null;
  const piece = openPiece(key, nonce, sealed, additional);
  if (piece === null) return null;
  const plaintext = secretBytes(piece.length);
  plaintext.set(piece);
  piece.fill(0);
  giveBack(piece);
  return plaintext;
}

/** Like `open`, without a copy: the plaintext in whatever memory the cipher gave. The caller wipes it. */
export function openPiece(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additional: Uint8Array = NO_DATA,
): Buffer | null {
  const length = sealed.length - TAG_LENGTH;
  // Node would take a tag of four bytes otherwise, which a forger guesses.
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_LENGTH });
  if (additional.length > 0) decipher.setAAD(additional);
  decipher.setAuthTag(sealed.subarray(length));
  const piece = decipher.update(sealed.subarray(0, length));
  try {
    decipher.final();
  } catch {
    piece.fill(0);
    giveBack(piece);
    return null;
  }
  return piece;
}
