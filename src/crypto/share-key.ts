/**
 * The key of a share: K = HKDF-SHA-256(T ‖ P, salt = S, "share").
 *
 * T is the link's token, P is empty or the stretched passphrase, S the secret that is shredded when the share dies.
 * Without T no K, whatever else is known; without S no K, whatever else is known. K exists while a share is sealed, read
 * or reported, and whoever asked for it wipes it.
 */
import type { Brand } from '../base/brand.js';
import { wipe } from '../base/bytes.js';
import { hkdf, scrypt, SHARE_COST } from './kdf.js';
import { LABEL } from './labels.js';

export type ShareKey = Brand<Buffer, 'ShareKey'>;

/** Bytes of S, the share's secret. */
export const SHARE_SECRET_LENGTH = 32;

/**
 * Derives K (32 B, the caller wipes it). `passphrase` is what a person typed, or null for a share without one; it is
 * normalised to NFKC, so that the same words typed on another keyboard open the same share. `secret` is only read and
 * must stay unchanged until the promise settles.
 */
export async function deriveShareKey(token: string, passphrase: string | null, secret: Uint8Array): Promise<ShareKey> {
  const stretched = passphrase === null ? null : await stretch(passphrase, secret);
  const link = Buffer.from(token, 'latin1');
  const input = Buffer.from(new ArrayBuffer(link.length + (stretched?.length ?? 0)));
  link.copy(input);
  stretched?.copy(input, link.length);
  const key = hkdf(input, secret, LABEL.share);
  wipe(link, stretched, input);
  return key as ShareKey;
}

async function stretch(passphrase: string, secret: Uint8Array): Promise<Buffer> {
  const typed = Buffer.from(passphrase.normalize('NFKC'), 'utf8');
  const salt = hkdf(secret, new Uint8Array(0), LABEL.passphraseSalt);
  try {
    return await scrypt(typed, salt, SHARE_COST);
  } finally {
    wipe(typed, salt);
  }
}
