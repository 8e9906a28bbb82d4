/** A ledger with a hundred thousand live shares: its memory, its start, and what waits while a round is made. */
import { once } from 'node:events';
import path from 'node:path';
import type { Bench, Benchmark } from './benchmark.js';
import { rowOf, type Result } from './row.js';
import type { LedgerFigures } from './servers/ledger.js';
import { finish, startNode } from './servers/server.js';

const SHARES = 100_000;
const ROUNDS = 2;

export async function fillLedger(folder: string, count: number): Promise<void> {
  await finish(startNode('ledger.js', [folder, String(count), 'fill']));
}

/** `verb` 'expire' lets all of them expire at the end. */
export async function measureLedger(
  folder: string,
  count: number,
  verb: 'measure' | 'expire' = 'measure',
): Promise<LedgerFigures> {
  const child = startNode('ledger.js', [folder, String(count), verb]);
  const ended = finish(child);
  const [figures] = (await Promise.race([once(child, 'message'), ended])) as [LedgerFigures];
  await ended;
  return figures;
}

export const links: Benchmark = {
  name: 'links',
  async run({ folder }: Bench): Promise<readonly Result[]> {
    const ledger = path.join(folder, 'ledger');
    await fillLedger(ledger, SHARES);
    const figures: LedgerFigures[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      const verb = round === ROUNDS - 1 ? 'expire' : 'measure';
      figures.push(await measureLedger(ledger, SHARES + round, verb));
    }
    const row = (what: string, unit: string, most: number | null, of: (one: LedgerFigures) => number | null): Result =>
      rowOf(
        {
          name: `100,000 links: ${what}`,
          unit,
          against: '',
          goal: most === null ? null : { of: 'ours', at: 'most', value: most },
        },
        figures.flatMap((one) => of(one) ?? []),
      );
    return [
      row('memory', 'MB', 300, ({ peak }) => peak),
      row('longest read in a round', 'ms', 50, ({ longestRead }) => longestRead),
      row('longest write in a round', 'ms', 500, ({ longestWrite }) => longestWrite),
      row('a round', 'ms', null, ({ round }) => round),
      row('start', 's', 2, ({ start }) => start),
      row('longest read while all expire at once', 'ms', 50, ({ longestInExpiry }) => longestInExpiry),
    ];
  },
};
