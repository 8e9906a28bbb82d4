/**
 * The way out: link → resolve → claim → key → content → answer.
 *
 * What holds, and why:
 * - Whatever is not there looks the same: unknown, malformed, expired, burned, deleted and held are all null.
 * - A wrong passphrase and damaged content are found before the view is taken, so neither burns.
 * - The view is taken synchronously and is durable before any content is handed on: of any number of openers one gets the
 *   last view, and a crash in between leaves it gone rather than readable twice.
 */
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { scryptBusy } from '../crypto/kdf.js';
import { deriveShareKey, type ShareKey } from '../crypto/share-key.js';
import type { GoneCause, Ledger, Share, ShareId } from '../ledger/ledger.js';
import { parseLinkToken, type LinkToken } from '../ledger/tokens.js';
import { shred } from '../shred/shred.js';
import type { Arena } from '../store/arena.js';
import { Content } from './content.js';
import { Grants, type Grant } from './grants.js';
import { Tries } from './tries.js';

/** A live link as someone came with it. */
export interface Resolved {
  readonly token: LinkToken;
  readonly share: Share;
}

/** An opening that used up a view or took a passphrase. The one who gets it closes the content or makes it a grant. */
export interface Opening {
  readonly content: Content;
  readonly viewsLeft: number | null;
  readonly last: boolean;
}

export interface RetrievalParts {
  readonly arena: Arena;
  readonly ledger: Ledger;
  readonly monotonic: () => number;
  /** Wrong passphrases of a share before a pause begins. */
  readonly passphraseTries: number;
}

export class Retrieval {
  readonly grants: Grants;
  readonly #arena: Arena;
  readonly #ledger: Ledger;
  readonly #tries: Tries;
  /** Content that is open outside a grant, by share: it must end with the share too. */
  readonly #reading = new Map<ShareId, Set<Content>>();

  constructor({ arena, ledger, monotonic, passphraseTries }: RetrievalParts) {
    this.#arena = arena;
    this.#ledger = ledger;
    this.grants = new Grants(monotonic);
    this.#tries = new Tries(monotonic, passphraseTries);
    ledger.onGone((id, cause) => this.#gone(id, cause));
  }

  /** Finds what a link leads to, by the text in the address. */
  resolve(text: string): Resolved | null {
    const token = parseLinkToken(text);
    const share = token === null ? null : this.#ledger.find(token);
    return token === null || share === null || share.held ? null : { token, share };
  }

  /** Opens a link that anyone may look at. Null = gone in the meantime. */
  async openFree(resolved: Resolved): Promise<Content | null> {
    if (mustOpen(resolved.share)) throw new Refusal('must-open', 'this link must be opened');
    const content = await this.#unseal(resolved, null);
    // It may have died while it was being opened: before that, nobody was listening.
    if (content === null || this.#ledger.find(resolved.token) === null) {
      content?.close();
      return null;
    }
    this.#ledger.markOpened(resolved.share);
    return content;
  }

  /**
   * Opens a link by a deliberate act and uses up one view, where views are counted. Null = gone. Refuses
   * 'wrong-passphrase', 'slow-down' and 'busy' without using anything up.
   */
  async open(resolved: Resolved, passphrase: string | null): Promise<Opening | null> {
    const { share } = resolved;
    const content = await this.#unseal(resolved, share.hasPassphrase ? this.#try(share, passphrase) : null);
    if (content === null) return null;
    const taken = this.#ledger.takeView(share);
    if (taken === null) {
      content.close();
      return null;
    }
    // The key is derived and the units are held already: neither is needed twice.
    wipe(taken.secret);
    taken.hold.release();
    try {
      await taken.durable;
    } catch (error) {
      content.close();
      throw error;
    }
    if (!content.isOpen) return null;
    this.#ledger.markOpened(share);
    return { content, viewsLeft: taken.viewsLeft, last: taken.last };
  }

  /**
   * The key of a share whose link alone opens it, for a report; null for one with a passphrase, or gone. The caller wipes it.
   */
  async keyFor({ share, token }: Resolved): Promise<ShareKey | null> {
    const secret = share.hasPassphrase ? null : this.#ledger.secretOf(share);
    return secret === null ? null : deriveShareKey(token, null, secret).finally(() => wipe(secret));
  }

  /** A reader has what they wanted: ends their grant, and the share, where it still lives. */
  async destroy(grant: Grant): Promise<void> {
    this.grants.end(grant.id);
    await shred(this.#ledger, grant.share, 'deleted');
  }

  /** Ends everything that is open. */
  close(): void {
    this.grants.endAll();
    for (const contents of [...this.#reading.values()]) for (const content of [...contents]) content.close();
  }

  /** The passphrase of a try that may be made now; counts it. */
  #try(share: Share, passphrase: string | null): string {
    if (passphrase === null || passphrase === '') throw new Refusal('wrong-passphrase', 'the passphrase is missing');
    if (scryptBusy()) throw new Refusal('busy', 'too many passphrases at once', { seconds: 5, bound: 'passphrase' });
    const wait = this.#tries.begin(share.id);
    if (wait > 0)
      throw new Refusal('slow-down', 'too many tries', { seconds: Math.ceil(wait / 1000), bound: 'passphrase' });
    return passphrase;
  }

  async #unseal({ share, token }: Resolved, passphrase: string | null): Promise<Content | null> {
    const secret = this.#ledger.secretOf(share);
    if (secret === null) return null;
    const key = await deriveShareKey(token, passphrase, secret).finally(() => wipe(secret));
    const hold = this.#ledger.hold(share);
    try {
      if (hold === null) return null;
      const content = await Content.open(this.#arena, hold, key);
      if (content !== null) {
        if (share.hasPassphrase) this.#tries.forget(share.id);
        return this.#watched(share.id, content);
      }
      if (share.hasPassphrase) throw new Refusal('wrong-passphrase', 'the passphrase is wrong');
      throw new Error('a live share does not open: its content is damaged');
    } catch (error) {
      hold?.release();
      throw error;
    } finally {
      wipe(key);
    }
  }

  #watched(id: ShareId, content: Content): Content {
    const contents = this.#reading.get(id) ?? new Set<Content>();
    this.#reading.set(id, contents.add(content));
    content.onClose(() => {
      contents.delete(content);
      if (contents.size === 0) this.#reading.delete(id);
    });
    return content;
  }

  #gone(id: ShareId, cause: GoneCause): void {
    this.#tries.forget(id);
    // The last view is being served to the one who took it, and earlier viewers had theirs.
    if (cause === 'viewed') return;
    this.grants.endShare(id);
    for (const content of [...(this.#reading.get(id) ?? [])]) content.close();
  }
}

/** Whether a link shows nothing before someone presses the button. */
export function mustOpen(share: Share): boolean {
  return share.mode === 'burn' || share.viewsLeft !== null || share.hasPassphrase;
}
