/** `chatpic init`: makes the store and its key, and fills all of it, before anything is served. */
import type { Command } from 'commander';
import { systemClock } from '../base/clock.js';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { openStore } from '../ledger/open-store.js';
import { rootKeyOf } from './root-key.js';
import { EXIT, explain, print, progressLine, say } from './terminal.js';

export function initVerb(program: Command): void {
  program
    .command('init')
    .description('make the store and its key, and fill all of it with noise')
    .option('--json', 'print what was made as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await init(options.json ?? false).catch(explain);
    });
}

async function init(json: boolean): Promise<number> {
  const configuration = configure(readEnvironment(process.env));
  const store = await openStore({
    ...configuration,
    rootKey: rootKeyOf(configuration),
    clock: systemClock,
    onFilling: (filled, total) => progressLine(`Filling the store: ${Math.floor((100 * filled) / total)} %`),
  });
  try {
    await store.filling;
    progressLine('');
    const { filled, total } = store.arena.capacity();
    if (json) print(JSON.stringify({ made: store.made, units: { filled, total } }));
    else say(store.made ? 'The store is made and filled.' : 'There was a store already; nothing was changed.');
    return EXIT.done;
  } finally {
    await store.close();
  }
}
