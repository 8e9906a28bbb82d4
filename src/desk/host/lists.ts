/** Block lists and bans, from the senders' side. */
import { Refusal } from '../../base/errors.js';
import { MiB } from '../../base/units.js';
import {
  LIST_ACTIONS,
  LIST_REASONS,
  MAX_NAME_BYTES,
  parseHashes,
  type Hashes,
} from '../../moderation/block-list-format.js';
import { HASH_KINDS, HASH_LENGTH, sortHashes, type HashKind } from '../../moderation/list-parse.js';
import { MOST_PIECE, type Door } from '../door.js';
import type { Within } from './host.js';

type Calls = Pick<Door, 'lists' | 'listPiece' | 'addList' | 'removeList' | 'liftBan'>;

/** Of one list that is being brought in: two million PDQ hashes. */
const MOST_BYTES = 64 * MiB;

export function listCalls({ moderation: { lists }, register }: Within): Calls {
  const coming = new Coming();
  return {
    lists: () => {
      const { pdq, sha256 } = lists.bans();
      return Promise.resolve({ lists: lists.states(), bannedLooks: pdq, bannedFiles: sha256 });
    },
    listPiece: (offset, bytes) => {
      coming.add(offset, bytes);
      return Promise.resolve();
    },
    async addList(actor, name, reason, action) {
      const known = LIST_REASONS.includes(reason) && LIST_ACTIONS.includes(action);
      const named = name !== '' && Buffer.byteLength(name) <= MAX_NAME_BYTES;
      if (!known || !named) throw new Refusal('malformed', 'a list that is none');
      const state = await lists.add({ name, reason, action }, { hashes: coming.end() });
      await register.note(actor, 'list-added', name);
      return state;
    },
    async removeList(actor, id) {
      const name = lists.states().find((list) => list.id === id)?.name;
      const removed = await lists.remove(id);
      if (removed) await register.note(actor, 'list-removed', name ?? '');
      return removed;
    },
    async liftBan(actor, kind, hash) {
      if ((kind as string) !== 'pdq' && (kind as string) !== 'sha256')
        throw new Refusal('malformed', 'a kind that is none');
      const lifted = await lists.lift(kind, hash);
      if (lifted) await register.note(actor, 'ban-lifted', hash.subarray(0, HASH_LENGTH[kind]).toString('hex'));
      return lifted;
    },
  };
}

/** The hashes of one list as they come in. */
class Coming {
  #pieces: Buffer[] = [];
  #size = 0;

  add(offset: number, bytes: Buffer): void {
    if (offset === 0) this.#clear();
    if (offset !== this.#size || bytes.length > MOST_PIECE) throw new Refusal('malformed', 'a piece that is none');
    if (this.#size + bytes.length > MOST_BYTES) throw new Refusal('too-large', 'a list has at most 64 MiB of hashes');
    this.#pieces.push(Buffer.from(bytes));
    this.#size += bytes.length;
  }

  /** Sorted here too: look-ups rely on it, and the desk is not believed in that. */
  end(): Hashes {
    const hashes = parseHashes(Buffer.concat(this.#pieces));
    this.#clear();
    if (HASH_KINDS.some((kind) => hashes[kind].length % HASH_LENGTH[kind] !== 0))
      throw new Refusal('malformed', 'hashes that are none');
    const sorted = (kind: HashKind): Buffer => sortHashes(hashes[kind], HASH_LENGTH[kind]);
    return { pdq: sorted('pdq'), md5: sorted('md5'), sha1: sorted('sha1'), sha256: sorted('sha256') };
  }

  #clear(): void {
    this.#pieces = [];
    this.#size = 0;
  }
}
