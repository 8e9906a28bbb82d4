/**
 * When sealing rounds are due: at the latest so many seconds after the first shred that no round has sealed yet.
 *
 * `tick` is called each second by the janitor; there is no timer here, so nothing keeps a process alive and a test owns
 * the time.
 */
import { SECOND } from '../base/units.js';
import type { OpenedStore } from '../ledger/opened-store.js';

export type RoundMaker = Pick<OpenedStore, 'roll' | 'stats'> & { readonly ledger: { now(): number } };

export class Rounds {
  readonly #store: RoundMaker;
  readonly #interval: number;
  #running: Promise<void> | null = null;

  /** `rollSeconds` as the setting has it. */
  constructor(store: RoundMaker, rollSeconds: number) {
    this.#store = store;
    this.#interval = rollSeconds * SECOND;
  }

  /** Whether a round must begin now. The tick comes each second, so it begins one early rather than one late. */
  get due(): boolean {
    const { dirtySince } = this.#store.stats();
    return dirtySince !== null && this.#store.ledger.now() - dirtySince >= Math.max(0, this.#interval - SECOND);
  }

  /** Makes the round that is due, if one is. Resolves when none is under way. Rejects where the store has ended. */
  tick(): Promise<void> {
    if (this.#running !== null) return this.#running;
    if (!this.due) return Promise.resolve();
    this.#running = this.#store.roll().finally(() => {
      this.#running = null;
    });
    return this.#running;
  }
}
