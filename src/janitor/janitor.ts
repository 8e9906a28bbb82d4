/** What happens by itself: expiries due, grants that are over, sealing rounds. Once a second, never twice at a time. */
import schedule, { type Job } from 'node-schedule';
import type { Ledger } from '../ledger/ledger.js';
import type { Grants } from '../retrieval/grants.js';
import type { Rounds } from '../shred/rounds.js';
import type { Activity, Idle } from './activity.js';

export interface JanitorParts {
  readonly ledger: Ledger;
  readonly grants: Grants;
  readonly rounds: Rounds;
  /** Whatever else forgets by time. */
  readonly sweep: () => void;
  /** A round that failed has poisoned the store: whoever owns the process ends it. */
  readonly onRoundFailed: () => void;
  readonly activity: Activity;
  /** Called twice each time that everything under way has ended: gives memory back. */
  readonly collect: (idle: Idle) => void;
}

export interface Janitor {
  /** Stops the clockwork and waits for a round that is under way. */
  stop(): Promise<void>;
}

/** Starts the clockwork. One job for everything: a job a share would be a thousand timers, and one that breaks at 24 days. */
export function startJanitor(parts: JanitorParts): Janitor {
  let round: Promise<void> = Promise.resolve();
  const job: Job = schedule.scheduleJob('* * * * * *', () => {
    parts.ledger.sweepExpired();
    parts.grants.sweep();
    parts.sweep();
    round = parts.rounds.tick().catch(parts.onRoundFailed);
    const idle = parts.activity.takeIdle();
    if (idle !== null) parts.collect(idle);
  });
  return {
    async stop() {
      job.cancel();
      await round;
    },
  };
}
