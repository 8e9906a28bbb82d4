/** How pages and pieces are sealed. Handed in so that a test can count every (key, nonce) that ever seals. */
import { open, seal } from '../crypto/aead.js';

export interface Sealer {
  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Buffer;
  /** Null = not authentic. The plaintext is the caller's to wipe. */
  open(key: Uint8Array, nonce: Uint8Array, sealed: Uint8Array): Buffer | null;
}

export const aesGcm: Sealer = { seal, open };
