/** `chatpic doctor`: looks at the machine and says what would break a promise, and what to do. */
import type { Command } from 'commander';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { allFindings, type Finding } from './checks.js';
import { EXIT, explain, print } from './terminal.js';

export function doctorVerb(program: Command): void {
  program
    .command('doctor')
    .description('look at this machine: what would break a promise, and what to do about it')
    .option('--json', 'print the findings as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await doctor(options.json ?? false).catch(explain);
    });
}

const SIGN = { good: 'ok  ', warn: 'warn', refuse: 'BAD ' } as const;

async function doctor(json: boolean): Promise<number> {
  const findings = await allFindings(configure(readEnvironment(process.env)));
  if (json) print(JSON.stringify({ findings }, null, 2));
  else for (const finding of findings) print(lineOf(finding));
  return findings.some(({ state }) => state === 'refuse') ? EXIT.refused : EXIT.done;
}

function lineOf({ name, state, says, todo }: Finding): string {
  const line = `${SIGN[state]}  ${name.padEnd(16)} ${says}`;
  return todo === '' ? line : `${line}\n      ${''.padEnd(16)} \u2192 ${todo}`;
}
