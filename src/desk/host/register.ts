/** Writes what was done into the audit trail, in the same commit as the thing itself. */
import { Refusal } from '../../base/errors.js';
import type { Ledger, LedgerChange } from '../../ledger/ledger.js';
import type { AuditAction, AuditEntry, AuditTrail } from '../../moderation/audit.js';

/** Makes a change together with the entry that tells of it. False = it was not made, and nothing is to be told. */
export type Making = (entry: readonly LedgerChange[]) => Promise<boolean>;

export class Register {
  readonly #ledger: Ledger;
  /** Null = the trail does not hold together: nothing more is done before somebody has looked. */
  readonly #trail: AuditTrail | null;

  constructor(ledger: Ledger, trail: AuditTrail | null) {
    this.#ledger = ledger;
    this.#trail = trail;
  }

  /** The last hash of the trail. */
  get head(): Buffer | null {
    return this.#trail?.head ?? null;
  }

  /** The latest first. */
  entries(): readonly AuditEntry[] {
    return this.#whole().entries();
  }

  /** `subject` is a public file ID, a reference, or the name of a list or an account. Resolves when durable. */
  write(actor: string, action: AuditAction, subject: string, make: Making): Promise<boolean> {
    return this.#whole().add({ at: this.#ledger.now(), actor, action, subject }, make);
  }

  /** The same for what is only to be told. */
  async note(actor: string, action: AuditAction, subject: string): Promise<void> {
    await this.write(actor, action, subject, (entry) => this.make(entry));
  }

  /** Makes changes that nobody else can have made first. */
  async make(changes: readonly LedgerChange[]): Promise<boolean> {
    await this.#ledger.change(changes);
    return true;
  }

  #whole(): AuditTrail {
    if (this.#trail === null)
      throw new Refusal(
        'busy',
        'the audit trail does not hold together: nothing is decided before the operator has looked',
      );
    return this.#trail;
  }
}
