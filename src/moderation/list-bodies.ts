/**
 * Where large block lists lie: sealed in units of the arena, owned by a share that nobody has the link of, so that they
 * are kept, moved by no round, and shredded like everything else. docs/format/moderation.md, section 1.
 *
 * Construction: one stream (`crypto/stream.ts`) under a key derived from the share's secret S. The link token is drawn
 * here and known to the list's entry in the book alone; the deletion token is thrown away.
 */
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { bufferSource, readAll } from '../base/source.js';
import { KiB } from '../base/units.js';
import { hkdf } from '../crypto/kdf.js';
import { CONTEXT, LABEL } from '../crypto/labels.js';
import { randomSecret } from '../crypto/random.js';
import { openStream, sealedLength, StreamSealer } from '../crypto/stream.js';
import type { Ledger } from '../ledger/ledger.js';
import { mintDeletionToken, mintLinkToken, parseLinkToken, type LinkToken } from '../ledger/tokens.js';
import type { Arena, Hold } from '../store/arena.js';

/** Sixteen characters by which a body is found again. Drawn before the body is written, so that a crash leaves no orphan. */
export type BodyName = LinkToken;

export interface ListBodies {
  newName(): BodyName;
  /** Seals and keeps bytes. Resolves when durable. Refuses 'store-full'. */
  save(name: BodyName, bytes: Uint8Array): Promise<void>;
  /** Null where there is none of this name. */
  load(name: BodyName, length: number): Promise<Buffer | null>;
  /** Shreds a body; one that is not there is no error. */
  drop(name: BodyName): Promise<void>;
}

const PIECE = 256 * KiB;
const NO_SALT = Buffer.alloc(0);

export const parseBodyName = parseLinkToken;

export function arenaBodies(ledger: Ledger, arena: Arena): ListBodies {
  return {
    newName: mintLinkToken,
    async save(name, bytes) {
      const hold = arena.reserve(Math.ceil(sealedLength(bytes.length) / arena.unitBytes));
      if (hold === null) throw new Refusal('store-full', 'no room in the arena for a block list');
      const secret = randomSecret(32);
      try {
        await writeSealed(arena, hold, secret, bytes);
        await arena.sync();
        const never = { expiresAt: null, mode: 'never', views: null, hasPassphrase: false, held: false } as const;
        await ledger.put({ link: name, deletion: mintDeletionToken(), secret, hold, ...never });
      } catch (error) {
        hold.release();
        throw error;
      } finally {
        wipe(secret);
      }
    },
    async load(name, length) {
      const share = ledger.find(name);
      const secret = share && ledger.secretOf(share);
      if (share === null || secret === null) return null;
      const key = keyOf(secret);
      try {
        const sealed = bufferSource(await arena.read(share.units, 0, sealedLength(length)));
        const stream = await openStream(key, CONTEXT.blockList, sealed);
        if (stream === null) return null;
        const bytes = await readAll(stream);
        stream.close();
        return bytes;
      } finally {
        wipe(secret, key);
      }
    },
    async drop(name) {
      const share = ledger.find(name);
      if (share !== null) await ledger.remove(share, 'moderated');
    },
  };
}

function keyOf(secret: Uint8Array): Buffer {
  return hkdf(secret, NO_SALT, LABEL.blockList);
}

async function writeSealed(arena: Arena, hold: Hold, secret: Uint8Array, bytes: Uint8Array): Promise<void> {
  const key = keyOf(secret);
  const sealer = new StreamSealer(key, CONTEXT.blockList);
  wipe(key);
  let offset = 0;
  const write = async (sealed: Buffer): Promise<void> => {
    await arena.write(hold.units, offset, sealed);
    offset += sealed.length;
  };
  try {
    await write(sealer.header);
    for (let at = 0; at < bytes.length; at += PIECE) await write(sealer.update(bytes.subarray(at, at + PIECE)));
    await write(sealer.final());
  } finally {
    sealer.destroy();
  }
}
