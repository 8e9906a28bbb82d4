/**
 * Whether the appliance is well: whether its store can commit, found out by committing.
 *
 * An entry that changes nothing goes the way of every other: through the writer's queue, sealed, written, synced. A disk
 * that does not answer, a writer that hangs and a store that has ended all show in it, and nothing else would show them
 * while no visitor comes. It costs one page of the log, and so a sealing round every few hundred times.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../app.js';
import { SECOND } from '../base/units.js';

/** How long a commit may take on a disk that is busy; a round, which is in its way, included. */
const COMMIT_PATIENCE = 20 * SECOND;
/** How much later than it is due a sealing round may come. */
const ROUND_PATIENCE = 60 * SECOND;

/** Answers whether a commit went through within `patience` milliseconds. Those who ask at the same time share one. */
export function commitProbe(commit: () => Promise<void>, patience = COMMIT_PATIENCE): () => Promise<boolean> {
  let underWay: Promise<boolean> | null = null;
  return async () => {
    underWay ??= commit()
      .then(
        () => true,
        () => false,
      )
      .finally(() => {
        underWay = null;
      });
    const enough = new AbortController();
    const late = sleep(patience, false, { signal: enough.signal }).catch(() => false);
    const done = await Promise.race([underWay, late]);
    enough.abort();
    return done;
  };
}

/** The appliance's own: commits go through, and sealing rounds come when they are due. */
export function wellness({ store }: App, rollSeconds: number): () => Promise<boolean> {
  const committed = commitProbe(() => store.proveCommit());
  return async () => {
    const { dirtySince } = store.stats();
    const overdue = dirtySince !== null && store.ledger.now() - dirtySince > rollSeconds * SECOND + ROUND_PATIENCE;
    return !overdue && (await committed());
  };
}
