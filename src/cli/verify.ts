/** `chatpic verify`: reads everything that is kept, and changes nothing. */
import type { Command } from 'commander';
import { systemClock } from '../base/clock.js';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { verifyStore } from '../ledger/verify-store.js';
import { TPM_ROUNDS } from '../store/tpm-slots.js';
import { rootKeyOf } from './root-key.js';
import { EXIT, explain, print } from './terminal.js';

export function verifyVerb(program: Command): void {
  program
    .command('verify')
    .description('read everything that is kept and check it; changes nothing')
    .option('--json', 'print what was found as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await verify(options.json ?? false).catch(explain);
    });
}

async function verify(json: boolean): Promise<number> {
  const configuration = configure(readEnvironment(process.env));
  const found = await verifyStore({ ...configuration, rootKey: rootKeyOf(configuration), clock: systemClock });
  if (json) {
    print(JSON.stringify(found));
    return EXIT.done;
  }
  print(`The store is whole: epoch ${found.epoch}, ${found.units.filled} of ${found.units.total} units filled.`);
  if (configuration.tpm !== null) print(`Its TPM is made for about ${TPM_ROUNDS} epochs.`);
  if (found.torn) print('The last page of the log was torn by a crash; it was never acknowledged and is left out.');
  return EXIT.done;
}
