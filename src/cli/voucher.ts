/**
 * `chatpic voucher`: Pro codes. Asks the appliance where one runs on the data folder, and opens the store itself otherwise.
 */
import { InvalidArgumentError, type Command } from 'commander';
import { systemClock } from '../base/clock.js';
import { Refusal } from '../base/errors.js';
import { configure, type Configuration } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { MOST_CODES, MOST_DAYS, Vouchers, type Batch, type Minted } from '../intake/vouchers.js';
import { openStore } from '../ledger/open-store.js';
import { rootKeyOf } from './root-key.js';
import { controlSocketOf } from './control-socket.js';
import { askRunning } from './running.js';
import { EXIT, explain, print, say } from './terminal.js';
import { voucherSheet } from './voucher-sheet.js';

interface MintOptions {
  readonly count: number;
  readonly days: number;
  readonly sheet?: boolean;
  readonly json?: boolean;
}

export function voucherVerb(program: Command): void {
  const verb = program.command('voucher').description('Pro codes');
  verb
    .command('mint')
    .description('make codes and print them: they are shown once and kept nowhere')
    .option('--count <number>', 'how many', whole(MOST_CODES), 1)
    .option('--days <number>', 'how long they are good, from now', whole(MOST_DAYS), 31)
    .option('--sheet', 'print a page of HTML to be printed and cut, instead of lines')
    .option('--json', 'print them as JSON')
    .action(async (options: MintOptions) => {
      process.exitCode = await mint(options).catch(refused);
    });
  verb
    .command('list')
    .description('the batches that have codes which are good')
    .option('--json', 'print them as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await list(options.json ?? false).catch(refused);
    });
  verb
    .command('revoke')
    .description('end codes before their time')
    .argument('[code]', 'one code')
    .option('--batch <number>', 'all of a batch, as `voucher list` shows it', whole(Number.MAX_SAFE_INTEGER))
    .option('--json', 'print how many ended as JSON')
    .action(async (code: string | undefined, options: { readonly batch?: number; readonly json?: boolean }) => {
      process.exitCode = await revoke(code, options).catch(refused);
    });
}

function whole(most: number): (text: string) => number {
  return (text) => {
    if (!/^[1-9]\d{0,14}$/.test(text) || Number(text) > most)
      throw new InvalidArgumentError(`a whole number from 1 to ${most}`);
    return Number(text);
  };
}

function refused(error: unknown): number {
  if (!(error instanceof Refusal)) return explain(error);
  say(`${error.message}.`);
  return EXIT.refused;
}

async function mint({ count, days, sheet = false, json = false }: MintOptions): Promise<number> {
  const configuration = configure(readEnvironment(process.env));
  const minted =
    (await askRunning<Minted>(await controlSocketOf(configuration), 'POST /vouchers', { count, days })) ??
    (await withVouchers(configuration, (vouchers) => vouchers.mint(count, days)));
  if (json) print(JSON.stringify({ ...minted, until: dateOf(minted.until) }));
  else if (sheet) print(voucherSheet(configuration, minted.codes, dateOf(minted.until)));
  else for (const code of minted.codes) print(code);
  say(`Batch ${minted.batch}: ${count} good until ${dateOf(minted.until)}. They are shown now and never again.`);
  return EXIT.done;
}

async function list(json: boolean): Promise<number> {
  const configuration = configure(readEnvironment(process.env));
  const running = await askRunning<{ batches: Batch[] }>(await controlSocketOf(configuration), 'GET /vouchers');
  const batches = running?.batches ?? (await withVouchers(configuration, (vouchers) => vouchers.list()));
  const told = batches.map(({ batch, codes, until }) => ({ batch, codes, until: dateOf(until) }));
  if (json) print(JSON.stringify({ batches: told }));
  else for (const { batch, codes, until } of told) print(`${batch}  ${codes} codes  until ${until}`);
  return EXIT.done;
}

async function revoke(
  code: string | undefined,
  { batch, json = false }: { readonly batch?: number; readonly json?: boolean },
): Promise<number> {
  if ((code === undefined) === (batch === undefined)) {
    say('Name one code, or --batch NUMBER.');
    return EXIT.usage;
  }
  const configuration = configure(readEnvironment(process.env));
  const what = batch === undefined ? (code ?? '') : { batch };
  const running = await askRunning<{ ended: number }>(await controlSocketOf(configuration), 'POST /vouchers/revoke', {
    what,
  });
  const ended = running?.ended ?? (await withVouchers(configuration, (vouchers) => vouchers.revoke(what)));
  if (json) print(JSON.stringify({ ended }));
  else print(ended === 0 ? 'There is no such code.' : `Ended: ${ended}.`);
  return ended === 0 ? EXIT.refused : EXIT.done;
}

async function withVouchers<T>(configuration: Configuration, work: (vouchers: Vouchers) => T | Promise<T>): Promise<T> {
  const store = await openStore({ ...configuration, rootKey: rootKeyOf(configuration), clock: systemClock });
  try {
    return await work(new Vouchers(store.ledger, () => systemClock.monotonic()));
  } finally {
    await store.close();
  }
}

/** The last day on which it is good, in UTC. */
function dateOf(until: number): string {
  return new Date(until - 1).toISOString().slice(0, 10);
}
