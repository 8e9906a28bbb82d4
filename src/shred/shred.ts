/**
 * Gone: the one way in which an act ends a share (DESIGN, "The three ways").
 *
 * tombstone durable → S wiped in memory → units free → at the next sealing round nothing on the disk brings it back.
 * Expiry ends shares without an act, in the ledger's sweep; a burn ends one in the claim of its last view.
 */
import type { Ledger, LedgerChange, RemovalCause, Share } from '../ledger/ledger.js';

/**
 * Resolves when the tombstone is durable: from then on neither a crash nor a restart brings the share back. `also` is
 * committed with it. False = it was gone already.
 */
export function shred(
  ledger: Ledger,
  share: Share,
  cause: RemovalCause,
  also: readonly LedgerChange[] = [],
): Promise<boolean> {
  return ledger.remove(share, cause, also);
}
