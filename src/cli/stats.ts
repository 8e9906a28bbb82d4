/** `chatpic stats`: what the running appliance counts, in aggregates only. */
import type { Command } from 'commander';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { controlSocketOf } from './control-socket.js';
import type { Stats } from './operator-socket.js';
import { askRunning } from './running.js';
import { EXIT, explain, print, say } from './terminal.js';

export function statsVerb(program: Command): void {
  program
    .command('stats')
    .description('what the running appliance counts: aggregates only; exit code 1 if it is not well')
    .option('--json', 'print it as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await stats(options.json ?? false).catch(explain);
    });
}

async function stats(json: boolean): Promise<number> {
  const found = await askRunning<Stats>(await controlSocketOf(configure(readEnvironment(process.env))), 'GET /stats');
  if (found === null) {
    say('No appliance answers. Is it running, as this user, with these settings? CHATPIC_CONTROL names its socket.');
    return EXIT.refused;
  }
  if (json) print(JSON.stringify(found));
  else for (const line of linesOf(found)) print(line);
  return found.well ? EXIT.done : EXIT.refused;
}

function linesOf({ well, desk, shares, usedTenths, madePercent, memoryMegabytes, quarters }: Stats): string[] {
  const few = (count: number | null): string => (count === null ? 'fewer than 10' : String(count));
  const rows = quarters.flatMap(({ year, quarter, running, counts }) => [
    `${year} Q${quarter}${running ? ', so far' : ''}`,
    ...Object.entries(counts).map(([what, count]) => `  ${what.padEnd(20)} ${few(count)}`),
  ]);
  return [
    `well      ${well ? 'yes: it can commit' : 'NO: see the journal'}`,
    `desk      ${desk ? 'at work' : 'NOT THERE: no moderator can come'}`,
    `shares    ${shares === null ? 'fewer than 10' : `about ${shares}`}`,
    `store     ${usedTenths} tenths used${madePercent < 100 ? `, ${madePercent} % made so far` : ''}`,
    `memory    ${memoryMegabytes} MB`,
    ...rows,
  ];
}
