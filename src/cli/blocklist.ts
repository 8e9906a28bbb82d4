/** `chatpic blocklist`: what is refused at upload, as hash-sharing programmes hand it out. Works while the service stands still. */
import { createReadStream } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { LIST_ACTIONS, LIST_REASONS, type ListAction, type ListReason } from '../moderation/block-list-format.js';
import { ListParser } from '../moderation/list-parse.js';
import { withModeration } from './with-moderation.js';
import { EXIT, explain, print } from './terminal.js';

interface ImportOptions {
  readonly name: string;
  readonly reason: ListReason;
  readonly action: ListAction;
  readonly untyped: 'pdq' | 'sha256';
  readonly json?: boolean;
}

export function blocklistVerb(program: Command): void {
  const verb = program.command('blocklist').description('hashes of content that is refused, or put before the staff');
  verb
    .command('import')
    .description('add a list from a text or CSV file: PDQ, MD5, SHA-1 and SHA-256 in hexadecimal')
    .argument('<file>')
    .requiredOption('--name <name>', 'what the list is called')
    .option('--reason <reason>', LIST_REASONS.join(', '), oneOf(LIST_REASONS), 'other')
    .option('--action <action>', LIST_ACTIONS.join(', '), oneOf(LIST_ACTIONS), 'refuse')
    .option(
      '--untyped <kind>',
      'what 64 digits are where the file does not say: pdq or sha256',
      oneOf(['pdq', 'sha256']),
      'pdq',
    )
    .option('--json', 'print what was taken as JSON')
    .action(async (file: string, options: ImportOptions) => {
      process.exitCode = await take(file, options).catch(explain);
    });
  verb
    .command('list')
    .description('the lists and how much they hold')
    .option('--json', 'print them as JSON')
    .action(async (options: { readonly json?: boolean }) => {
      process.exitCode = await list(options.json ?? false).catch(explain);
    });
  verb
    .command('remove')
    .description('take a list away')
    .argument('<number>', 'as `blocklist list` shows it', (text) => Number(text))
    .action(async (id: number) => {
      process.exitCode = await remove(id).catch(explain);
    });
}

function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const found = words.find((word) => word === text);
    if (found === undefined) throw new InvalidArgumentError(words.join(' or '));
    return found;
  };
}

async function take(file: string, { name, reason, action, untyped, json = false }: ImportOptions): Promise<number> {
  const parser = new ListParser({ untyped });
  for await (const piece of createReadStream(file) as AsyncIterable<Buffer>) parser.push(piece);
  const parsed = parser.end();
  return withModeration(async ({ lists }) => {
    const { id, counts } = await lists.add({ name, reason, action }, parsed);
    if (json) print(JSON.stringify({ id, ...parsed.summary }));
    else
      print(
        `List ${id}: ${Object.entries(counts)
          .map(([kind, count]) => `${count} ${kind}`)
          .join(', ')}.`,
      );
    return EXIT.done;
  });
}

function list(json: boolean): Promise<number> {
  return withModeration(({ lists }) => {
    const states = lists.states();
    if (json) print(JSON.stringify({ lists: states }));
    else
      for (const { id, name, reason, action, counts } of states)
        print(`${id}  ${name}  ${reason}, ${action}  ${JSON.stringify(counts)}`);
    return Promise.resolve(EXIT.done);
  });
}

function remove(id: number): Promise<number> {
  return withModeration(async ({ lists }) => {
    const removed = await lists.remove(id);
    print(removed ? `List ${id} is gone.` : `There is no list ${id}.`);
    return removed ? EXIT.done : EXIT.refused;
  });
}
