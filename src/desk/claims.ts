/**
 * Who is on what: a case or a letter that one moderator has taken is not offered to the others, so that nobody looks at the
 * same thing twice. In memory: it is a courtesy. What is decided is decided once, and the senders' process sees to that.
 */
import { MINUTE } from '../base/units.js';

/** So long without a sign of the one who took it, anybody may. */
export const CLAIM_TIME = 10 * MINUTE;

interface Claim {
  readonly name: string;
  readonly until: number;
}

export class Claims {
  readonly #claims = new Map<string, Claim>();
  readonly #monotonic: () => number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Who has it now. `subject` is a file ID or a reference. */
  holder(subject: string): string | null {
    const claim = this.#claims.get(subject);
    if (claim === undefined) return null;
    if (claim.until > this.#monotonic()) return claim.name;
    this.#claims.delete(subject);
    return null;
  }

  /** Takes it, or goes on having it. False, and nothing changed, where somebody else has it. */
  take(subject: string, name: string): boolean {
    const holder = this.holder(subject);
    if (holder !== null && holder !== name) return false;
    this.takeOver(subject, name);
    return true;
  }

  /** Takes it from whoever has it. */
  takeOver(subject: string, name: string): void {
    this.#claims.set(subject, { name, until: this.#monotonic() + CLAIM_TIME });
  }

  /** Lets it go: it is decided. */
  drop(subject: string): void {
    this.#claims.delete(subject);
  }

  /** Lets everything of one person go: they signed out. */
  dropAllOf(name: string): void {
    for (const [subject, claim] of this.#claims) if (claim.name === name) this.#claims.delete(subject);
  }
}
