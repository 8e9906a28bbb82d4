/** `chatpic grow MEGABYTES`: makes the store larger, while nothing runs on it. */
import { InvalidArgumentError, type Command } from 'commander';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { growStore } from '../ledger/grow-store.js';
import { EXIT, explain, print } from './terminal.js';

export function growVerb(program: Command): void {
  program
    .command('grow')
    .description('make the store larger, while nothing runs on it')
    .argument('<megabytes>', 'its new size', (text) => {
      if (!/^\d{2,8}$/.test(text)) throw new InvalidArgumentError('a whole number of megabytes');
      return Number(text);
    })
    .option('--json', 'print the new size as JSON')
    .action(async (megabytes: number, options: { readonly json?: boolean }) => {
      process.exitCode = await grow(megabytes, options.json ?? false).catch(explain);
    });
}

async function grow(storeMegabytes: number, json: boolean): Promise<number> {
  await growStore({ ...configure(readEnvironment(process.env)), storeMegabytes });
  if (json) print(JSON.stringify({ storeMegabytes }));
  else print(`The store has ${storeMegabytes} MB now. Set CHATPIC_STORE_MB=${storeMegabytes} before the next start.`);
  return EXIT.done;
}
