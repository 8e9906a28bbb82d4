/**
 * What is sealed to the staff: keys of flagged shares, and what people typed into the forms. HPKE to the staff's public
 * key (docs/format/moderation.md, section 2): the senders' process can seal and never open.
 *
 * What holds: a sealed key opens for one share only, a sealed text in one place only: the file ID or reference is bound
 * in. Texts are padded, so that their lengths tell little.
 */
import { hpkeOpen, hpkeSeal } from '../crypto/hpke.js';
import { Reader, Writer } from '../base/cursor.js';
import { secretBytes, wipe } from '../base/bytes.js';

const INFO = {
  key: Buffer.from('chatpic evidence key v1'),
  text: Buffer.from('chatpic staff text v1'),
  preserved: Buffer.from('chatpic legal hold key v1'),
} as const;
/** Whose key it is, and so what it is for. */
export type SealPurpose = 'key' | 'preserved';

/** Texts are padded to a multiple of this. */
const PAD = 512;
const LENGTH_BYTES = 2;

/** Seals the 32-byte key of a share. The key is only read. */
export function sealShareKey(publicKey: Uint8Array, purpose: SealPurpose, fileId: string, key: Uint8Array): Buffer {
  return hpkeSeal(publicKey, INFO[purpose], Buffer.from(fileId), key);
}

/** The caller owns and wipes the key. `null` = not sealed to this key for this share and purpose. */
export function openShareKey(
  privateKey: Uint8Array,
  purpose: SealPurpose,
  fileId: string,
  sealed: Uint8Array,
): Buffer | null {
  return hpkeOpen(privateKey, INFO[purpose], Buffer.from(fileId), sealed);
}

/** Seals a text under the name of the record it belongs to. */
export function sealText(publicKey: Uint8Array, record: string, text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  const padded = secretBytes(Math.ceil((LENGTH_BYTES + bytes.length) / PAD) * PAD);
  new Writer(padded).u16(bytes.length).bytes(bytes);
  try {
    return hpkeSeal(publicKey, INFO.text, Buffer.from(record), padded);
  } finally {
    wipe(bytes, padded);
  }
}

/** `null` = not sealed to this key under this name. */
export function openText(privateKey: Uint8Array, record: string, sealed: Uint8Array): string | null {
  const padded = hpkeOpen(privateKey, INFO.text, Buffer.from(record), sealed);
  if (padded === null) return null;
  const reader = new Reader(padded);
  const text = reader.bytes(reader.u16()).toString('utf8');
  wipe(padded);
  return text;
}
