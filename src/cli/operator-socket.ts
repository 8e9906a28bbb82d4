/**
 * The operator's socket: whether the appliance is well, what it counts, and what can be done while it runs. For the user it
 * runs as and for root alone, on a Unix socket and nowhere else. What it answers beside these two: `web/control-calls.ts`.
 *
 *   GET /health   200 {"well":true}, or 503
 *   GET /stats    the numbers of `Stats`
 *   GET /own      what `doctor` finds of this process, `OwnFindings`
 *
 * What holds: every number is of the appliance or of a quarter of a year, none of one share, visitor or moment. Shares are
 * told in tens, the room that they take in tenths, and fewer than ten of anything not at all.
 */
import type { App } from '../app.js';
import { Refusal } from '../base/errors.js';
import type { Configuration } from '../config/configuration.js';
import { SPACE } from '../moderation/book.js';
import { Counters, type QuarterCounts } from '../moderation/counters.js';
import { openControl, type Control } from '../web/control.js';
import { ownFindings } from './checks.js';
import { controlSocketOf } from './control-socket.js';
import { say } from './terminal.js';

const FEW = 10;
const TENTHS = 10;

export interface Stats {
  /** A commit went through, and sealing rounds come when they are due. */
  readonly well: boolean;
  /** A desk is at work: moderators can come. */
  readonly desk: boolean;
  /** Live shares, rounded down to tens; `null` = fewer than ten. */
  readonly shares: number | null;
  /** Tenths of the store that shares take, rounded down. */
  readonly usedTenths: number;
  /** Percent of the store that is made and filled with noise; 100 from the first hours on. */
  readonly madePercent: number;
  /** Resident memory of the process, in units of 1,000,000 bytes. */
  readonly memoryMegabytes: number;
  /** What the transparency page tells. */
  readonly quarters: readonly QuarterCounts[];
}

/** Opens the socket; null where the setting says no, or where there is no place for it that is this user's alone. */
export async function openOperatorSocket(
  configuration: Configuration,
  app: App,
  well: () => Promise<boolean>,
): Promise<Control | null> {
  const socket = await controlSocketOf(configuration);
  if (socket === null) return null;
  try {
    return await openControl(socket, {
      ...app.calls,
      'GET /health': async () => {
        if (!(await well())) throw new Refusal('busy', 'it can not commit');
        return { well: true };
      },
      'GET /stats': async () => statsOf(app, await well()),
      'GET /own': async () => ownFindings(await app.confinement()),
    });
  } catch {
    say(`No operator's socket at ${socket}: set CHATPIC_CONTROL to another place, or to off.`);
    return null;
  }
}

export function statsOf({ store, desk }: App, well: boolean): Stats {
  const { live } = store.stats();
  const { total, filled, free } = store.arena.capacity();
  return {
    well,
    desk: desk?.present ?? false,
    shares: live < FEW ? null : live - (live % FEW),
    usedTenths: Math.floor((TENTHS * (filled - free)) / total),
    madePercent: Math.floor((100 * filled) / total),
    memoryMegabytes: Math.round(process.memoryUsage.rss() / 1e6),
    quarters: new Counters(store.ledger.book(SPACE.counters)).report(store.ledger.now()),
  };
}
