/** `chatpic limits`: what the running appliance has in use of its limits, and how often each turned somebody away. */
import type { Command } from 'commander';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import type { LoadReport } from '../web/load-report.js';
import { controlSocketOf } from './control-socket.js';
import { askRunning } from './running.js';
import { EXIT, explain, print, say } from './terminal.js';

export function limitsVerb(program: Command): void {
  program
    .command('limits')
    .description('what is in use of the limits, and how often each turned somebody away since the start')
    .option('--json', 'print it as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await limits(options.json ?? false).catch(explain);
    });
}

async function limits(json: boolean): Promise<number> {
  const control = await controlSocketOf(configure(readEnvironment(process.env)));
  const report = await askRunning<LoadReport>(control, 'GET /load');
  if (report === null) {
    say('No appliance runs on this data folder, or its control socket is off.');
    return EXIT.refused;
  }
  if (json) print(JSON.stringify(report));
  else for (const line of linesOf(report)) print(line);
  return EXIT.done;
}

function linesOf({ use, storePercent, challenge, turnedAway }: LoadReport): string[] {
  const inUse = Object.entries(use).map(
    ([name, { now, most }]) => `${name.padEnd(16)} ${now}${most === null ? '' : ` of ${most}`}`,
  );
  const away = Object.entries(turnedAway).map(([name, count]) => `  ${name.padEnd(14)} ${count}`);
  return [
    ...inUse,
    `${'store'.padEnd(16)} ${storePercent} %`,
    `${'challenge'.padEnd(16)} ${challenge ? 'on' : 'off'}`,
    'turned away since the start:',
    ...away,
  ];
}
