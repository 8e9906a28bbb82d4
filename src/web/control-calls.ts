/** What the operator's socket answers. One line a call; what each does is the business of the room that it names. */
import { Refusal } from '../base/errors.js';
import type { Vouchers } from '../intake/vouchers.js';
import type { ControlCalls } from './control.js';
import { loadReport, type LoadParts } from './load-report.js';

export interface ControlParts extends LoadParts {
  readonly vouchers: Vouchers;
}

export function controlCalls({ vouchers, ...load }: ControlParts): ControlCalls {
  return {
    'GET /load': () => loadReport(load),
    'GET /vouchers': () => ({ batches: vouchers.list() }),
    'POST /vouchers': ({ count, days }) => vouchers.mint(Number(count ?? 1), Number(days)),
    'POST /vouchers/revoke': async ({ what }) => ({ ended: await vouchers.revoke(codeOrBatch(what)) }),
  };
}

function codeOrBatch(what: unknown): string | { readonly batch: number } {
  if (typeof what === 'string') return what;
  const batch = typeof what === 'object' && what !== null && 'batch' in what ? what.batch : null;
  if (typeof batch !== 'number') throw new Refusal('malformed', 'expected a code, or a batch');
  return { batch };
}
