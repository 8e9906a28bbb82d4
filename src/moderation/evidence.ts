/**
 * The content of a flagged share, for the staff: ciphertext and the key that is sealed to them. It outlives the share, and
 * ends with the case or after its 72 hours, whoever is still reading.
 *
 * What holds: nothing here opens anything; S and the link play no part in it.
 */
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { plaintextThatFits, sealedLength } from '../crypto/stream.js';
import type { Arena, Hold } from '../store/arena.js';
import { heldSource } from '../store/held-source.js';

export interface HeldEvidence {
  /** The share's key, sealed to the staff under its file ID (`openShareKey`). */
  readonly sealedKey: Buffer;
  /** The share's sealed stream (docs/format/share.md), at any range. Rejects with `Refusal` 'gone' once it has ended. */
  readonly content: ByteSource;
  /** Lets go of the units. A second call does nothing. */
  close(): void;
}

/** Takes the hold over. `lives` is asked before each piece is read. */
export function heldEvidence(arena: Arena, hold: Hold, sealedKey: Buffer, lives: () => boolean): HeldEvidence {
  const room = hold.units.length * arena.unitBytes;
  const held = heldSource(arena, hold, sealedLength(plaintextThatFits(room)));
  let open = true;
  return {
    sealedKey,
    content: {
      size: held.size,
      async read(offset, length) {
        if (!open || !lives()) throw new Refusal('gone', 'the evidence is held no longer');
        return held.read(offset, length);
      },
    },
    close() {
      open = false;
      hold.release();
    },
  };
}
