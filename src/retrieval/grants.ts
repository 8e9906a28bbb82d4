/**
 * Grants: random paths in memory under which opened content is served to the one who opened it, with ranges and retries
 * after a broken circuit.
 *
 * A grant that was claimed (burn, views, passphrase) ends two minutes after its last use, and at the latest ten minutes and
 * its size at 64 KiB/s after it was made. One of an open link lives for its page: pictures, a video that starts later.
 * Every grant ends at once when its share is deleted, taken down or expired; a view that used the share up ends none.
 */
import { KiB, MINUTE, SECOND } from '../base/units.js';
import { ALPHANUMERIC, randomToken } from '../crypto/random.js';
import type { Brand } from '../base/brand.js';
import type { Share, ShareId } from '../ledger/ledger.js';
import type { Content } from './content.js';

/** 22 characters of 62: 130 bits. */
export type GrantId = Brand<string, 'GrantId'>;

const GRANT_LENGTH = 22;
const CLAIMED_IDLE = 2 * MINUTE;
const OPEN_IDLE = 10 * MINUTE;
const LEAST_LIFE = 10 * MINUTE;
const SLOWEST = (64 * KiB) / SECOND;
/** Grants of open links are dropped beyond this, oldest first: their page can be loaded again. */
const MOST_OPEN = 4096;

export interface Grant {
  readonly id: GrantId;
  /** The share as it was when it was opened; it may be gone since. */
  readonly share: Share;
  readonly content: Content;
  /** Made by an opening that used up a view or took a passphrase. */
  readonly claimed: boolean;
}

interface Entry extends Grant {
  readonly end: number;
  lastUse: number;
  users: number;
}

export class Grants {
  readonly #entries = new Map<GrantId, Entry>();
  readonly #monotonic: () => number;
  #open = 0;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Makes a grant over `content`, which it takes over, of `size` bytes in all. */
  issue(share: Share, content: Content, size: number, claimed: boolean): Grant {
    const now = this.#monotonic();
    const id = randomToken(GRANT_LENGTH, ALPHANUMERIC) as GrantId;
    const end = now + LEAST_LIFE + (claimed ? size / SLOWEST : OPEN_IDLE + size / SLOWEST);
    this.#entries.set(id, { id, share, content, claimed, end, lastUse: now, users: 0 });
    if (!claimed && ++this.#open > MOST_OPEN) this.#dropOldestOpen();
    return { id, share, content, claimed };
  }

  /** The grant of that name, used now; null = none. The caller says `done` when its answer has ended. */
  use(id: string): { readonly grant: Grant; readonly done: () => void } | null {
    this.sweep();
    const entry = this.#entries.get(id as GrantId);
    if (entry === undefined) return null;
    entry.users++;
    entry.lastUse = this.#monotonic();
    let under = true;
    const done = (): void => {
      if (!under) return;
      under = false;
      entry.users--;
      entry.lastUse = this.#monotonic();
    };
    return { grant: entry, done };
  }

  /** Ends one grant: its recipient is done with it. */
  end(id: GrantId): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    if (!entry.claimed) this.#open--;
    entry.content.close();
  }

  /** Ends every grant of a share. */
  endShare(share: ShareId): void {
    for (const entry of this.#entries.values()) if (entry.share.id === share) this.end(entry.id);
  }

  /** Ends what is over. Called each second, and before a grant is used. */
  sweep(): void {
    const now = this.#monotonic();
    for (const entry of this.#entries.values()) {
      const idle = entry.users === 0 && now - entry.lastUse > (entry.claimed ? CLAIMED_IDLE : OPEN_IDLE);
      if (idle || now > entry.end) this.end(entry.id);
    }
  }

  endAll(): void {
    for (const id of this.#entries.keys()) this.end(id);
  }

  get size(): number {
    return this.#entries.size;
  }

  #dropOldestOpen(): void {
    for (const entry of this.#entries.values()) {
      if (!entry.claimed && entry.users === 0) {
        this.end(entry.id);
        return;
      }
    }
  }
}
