/**
 * Passphrase tries per share: some, ten unless set otherwise, then a pause that doubles with every further one. In memory, per share and for
 * everybody: behind Tor there is nobody to tell apart. A pause does not harm the one who knows the passphrase more than
 * its length; without it a short passphrase would be guessed.
 */
import { HOUR, SECOND } from '../base/units.js';
import type { ShareId } from '../ledger/ledger.js';

const FIRST_PAUSE = 30 * SECOND;
const LONGEST_PAUSE = HOUR;

interface Entry {
  failures: number;
  until: number;
}

export class Tries {
  readonly #entries = new Map<ShareId, Entry>();
  readonly #monotonic: () => number;
  readonly #free: number;

  constructor(monotonic: () => number, free: number) {
    this.#monotonic = monotonic;
    this.#free = free;
  }

  /**
   * Counts a try before it is made, so that many at once are counted too. Returns the milliseconds to wait where it may
   * not be made now, else 0.
   */
  begin(id: ShareId): number {
    const entry = this.#entries.get(id) ?? { failures: 0, until: 0 };
    const wait = entry.until - this.#monotonic();
    if (wait > 0) return wait;
    entry.failures++;
    if (entry.failures >= this.#free) {
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(20, entry.failures - this.#free));
      entry.until = this.#monotonic() + pause;
    }
    this.#entries.set(id, entry);
    return 0;
  }

  /** The passphrase was right, or the share is gone: nothing is held against it. */
  forget(id: ShareId): void {
    this.#entries.delete(id);
  }
}
