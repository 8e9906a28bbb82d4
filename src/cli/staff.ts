/**
 * `chatpic staff`: accounts of those who may see what was flagged. Passphrases are typed, one a line. The first account
 * makes the key to which evidence is sealed; every further one is given that key by somebody who has it.
 */
import type { Command } from 'commander';
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import type { Accounts } from '../moderation/accounts.js';
import { askPassphrase } from './ask.js';
import { legalHoldVerbs } from './legal-hold.js';
import { EXIT, print, refusedOr } from './terminal.js';
import { withModeration } from './with-moderation.js';

interface ByOption {
  readonly by?: string;
}

export function staffVerb(program: Command): void {
  const verb = program.command('staff').description('the moderators: their accounts, and what is kept by law');
  const by = 'who vouches: an account whose passphrase is typed first';
  verb
    .command('add')
    .description('make an account; the first one makes the key of the staff')
    .argument('<name>')
    .option('--by <name>', by)
    .action(async (name: string, options: ByOption) => {
      process.exitCode = await add(name, options).catch(refusedOr);
    });
  verb
    .command('reset')
    .description('give an account a new passphrase')
    .argument('<name>')
    .requiredOption('--by <name>', by)
    .action(async (name: string, options: ByOption) => {
      process.exitCode = await add(name, options).catch(refusedOr);
    });
  verb
    .command('remove')
    .description('take an account away')
    .argument('<name>')
    .action(async (name: string) => {
      process.exitCode = await remove(name).catch(refusedOr);
    });
  verb
    .command('list')
    .description('the accounts')
    .option('--json', 'print them as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await list(options.json ?? false).catch(refusedOr);
    });
  legalHoldVerbs(verb);
}

function add(name: string, { by }: ByOption): Promise<number> {
  return withModeration(async ({ accounts }, now) => {
    if (accounts.publicKey() === null) {
      await accounts.createFirst(name, await typed(`Passphrase for ${name}`), now);
    } else {
      const privateKey = await signedIn(accounts, by, now);
      try {
        await accounts.set(name, await typed(`New passphrase for ${name}`), privateKey, now);
      } finally {
        wipe(privateKey);
      }
    }
    print(`${name} can sign in.`);
    return EXIT.done;
  });
}

async function signedIn(accounts: Accounts, by: string | undefined, now: number): Promise<Buffer> {
  if (by === undefined) throw new Refusal('forbidden', 'somebody who has the key must vouch: --by NAME');
  const answer = await accounts.signIn(by, await typed(`Passphrase of ${by}`), now);
  if (answer.kind !== 'in') throw new Refusal('wrong-passphrase', 'the name or the passphrase is wrong');
  return answer.privateKey;
}

/** The account's code takes strings; the string is dropped at once. */
async function typed(what: string): Promise<string> {
  const bytes = await askPassphrase(null, what);
  const text = bytes.toString('utf8');
  wipe(bytes);
  return text;
}

function remove(name: string): Promise<number> {
  return withModeration(async ({ accounts }) => {
    const removed = await accounts.remove(name);
    print(removed ? `${name} is gone.` : `There is no ${name}.`);
    return removed ? EXIT.done : EXIT.refused;
  });
}

function list(json: boolean): Promise<number> {
  return withModeration(({ accounts }) => {
    const names = accounts.list().map(({ name }) => name);
    print(json ? JSON.stringify({ accounts: names }) : names.join('\n'));
    return Promise.resolve(EXIT.done);
  });
}
