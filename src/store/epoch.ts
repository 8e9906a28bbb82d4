/**
 * Keys of an epoch, derived from the root key and the whole of the epoch's slot (docs/format/store.md, "Keys of an
 * epoch"). Nothing is wrapped and nothing parsed: without every bit of the slot there is no key.
 */
import { wipe } from '../base/bytes.js';
import { NONCE_LENGTH } from '../crypto/aead.js';
import { sha512 } from '../crypto/hash.js';
import { hkdf } from '../crypto/kdf.js';
import { LABEL } from '../crypto/labels.js';

/** Owned by whoever derived them, wiped with `wipeKeys`. */
export interface EpochKeys {
  readonly snapshot: Buffer;
  readonly log: Buffer;
  readonly blank: Buffer;
}

const NO_SALT = new Uint8Array(0);

/** `root` and `slot` are only read. */
export function epochKeys(root: Uint8Array, slot: Uint8Array): EpochKeys {
  const salt = sha512(slot);
  const epoch = hkdf(root, salt, LABEL.epoch);
  try {
    return {
      snapshot: hkdf(epoch, NO_SALT, LABEL.snapshot),
      log: hkdf(epoch, NO_SALT, LABEL.log),
      blank: hkdf(epoch, NO_SALT, LABEL.blank),
    };
  } finally {
    wipe(salt, epoch);
  }
}

export function wipeKeys(keys: EpochKeys | null | undefined): void {
  wipe(keys?.snapshot, keys?.log, keys?.blank);
}

/** The nonce of piece or page `index`. */
export function nonceOf(index: number): Buffer {
  const nonce = Buffer.alloc(NONCE_LENGTH);
  nonce.writeUInt32BE(index, NONCE_LENGTH - 4);
  return nonce;
}
