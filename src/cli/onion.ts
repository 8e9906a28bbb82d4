/**
 * `chatpic onion`: the addresses, who may reach the staff's, and a new address for an old one.
 *
 * It works on the folders of the tor that `serve --onion` runs, or with `--system` on those of the system's tor, as
 * torrc.example names them. A person's private key is printed once and kept nowhere.
 */
import path from 'node:path';
import type { Command } from 'commander';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import {
  addClient,
  issueClientKey,
  listClients,
  parseClientName,
  parseClientPublicKey,
  removeClient,
  type ClientName,
  type ClientPublicKey,
} from '../tor/client-auth.js';
import { openServiceFolder, readServiceAddress, rotateServiceFolder } from '../tor/service-folder.js';
import { torFolder } from '../tor/tor-folder.js';
import { reloadTor } from '../tor/tor-process.js';
import { EXIT, explain, print, say } from './terminal.js';

const SYSTEM = '/var/lib/tor';

interface Options {
  readonly system?: boolean;
  readonly json?: boolean;
  readonly publicKey?: string;
  readonly yes?: boolean;
}

interface Folders {
  readonly senders: string;
  readonly staff: string;
  readonly previous: string;
  /** Makes tor read them again, or says how. */
  readonly reload: () => Promise<void>;
}

export function onionVerb(program: Command): void {
  const verb = program.command('onion').description('onion addresses, and the keys of those who may reach the staff');
  const system = "work on the system's tor, not on the one beside `serve --onion`";
  const add = (name: string, description: string): Command =>
    verb.command(name).description(description).option('--system', system);
  add('address', 'the addresses; the ones that are missing are made')
    .option('--json', 'print them as JSON')
    .action(run((options) => address(options)));
  add('rotate', "replace the senders' address; the old one stays beside it")
    .option('--yes', 'really do it')
    .action(run((options) => rotate(options)));
  const client = verb.command('client').description('the keys of those who may reach the staff service');
  const addKey = (name: string, description: string): Command =>
    client.command(name).description(description).option('--system', system);
  addKey('list', 'who has one')
    .option('--json', 'print them as JSON')
    .action(run((options) => listKeys(options)));
  addKey('add', 'make a key for a person, and print its private half, once')
    .argument('<name>')
    .option('--public-key <key>', 'a key that the person made: only its public half is needed')
    .action(runOn((name, options) => addKeyOf(name, options)));
  addKey('remove', "take a person's key away")
    .argument('<name>')
    .action(runOn((name, options) => removeKeyOf(name, options)));
}

type Action = (options: Options) => Promise<number>;
type NamedAction = (name: ClientName, options: Options) => Promise<number>;

function run(action: Action): (options: Options) => Promise<void> {
  return async (options) => {
    process.exitCode = await action(options).catch(explain);
  };
}

function runOn(action: NamedAction): (text: string, options: Options) => Promise<void> {
  return async (text, options) => {
    const name = parseClientName(text);
    if (name === null) say('A name is 1 to 32 of a-z, 0-9 and -, and does not begin with -.');
    process.exitCode = name === null ? EXIT.usage : await action(name, options).catch(explain);
  };
}

function foldersOf({ system = false }: Options): Folders {
  if (system) {
    const at = (name: string): string => path.join(SYSTEM, name);
    return {
      senders: at('chatpic'),
      staff: at('chatpic-desk'),
      previous: at('chatpic-previous'),
      reload: () => {
        say('Now: systemctl restart tor@default');
        return Promise.resolve();
      },
    };
  }
  const folder = torFolder(path.join(configure(readEnvironment(process.env)).dataDir, 'tor'));
  const { senders, staff, previous } = folder;
  return {
    senders,
    staff,
    previous,
    reload: async () => {
      if (await reloadTor(folder)) say('Tor has read its keys again.');
    },
  };
}

async function address(options: Options): Promise<number> {
  const folders = foldersOf(options);
  const senders = await openServiceFolder(folders.senders);
  const staff = await openServiceFolder(folders.staff);
  const previous = await readServiceAddress(folders.previous);
  if (options.json === true) {
    print(JSON.stringify({ senders, staff, previous }));
    return EXIT.done;
  }
  print(`senders   ${senders}`);
  print(`staff     ${staff}`);
  if (previous !== null) print(`previous  ${previous}`);
  return EXIT.done;
}

async function listKeys(options: Options): Promise<number> {
  const { valid, invalid } = await listClients(foldersOf(options).staff);
  if (options.json === true) print(JSON.stringify({ clients: valid, invalid }));
  else for (const { name, publicKey } of valid) print(`${name}  ${publicKey}`);
  for (const file of invalid) say(`${file} is not a client key: tor passes over it. Correct or delete it.`);
  if (valid.length === 0) say('Nobody has a key: tor would open the staff service to everybody.');
  return valid.length === 0 || invalid.length > 0 ? EXIT.refused : EXIT.done;
}

async function addKeyOf(name: ClientName, options: Options): Promise<number> {
  const { staff, reload } = foldersOf(options);
  const given = options.publicKey;
  const publicKey = given === undefined ? null : parseClientPublicKey(given);
  if (given !== undefined && publicKey === null) {
    say('A public key is 52 characters of base32.');
    return EXIT.usage;
  }
  await openServiceFolder(staff);
  if (publicKey === null) await issueTo(name, staff);
  else await addClient(staff, { name, publicKey });
  await reload();
  return EXIT.done;
}

/** The private half goes to standard output alone, so that it can be sent where it belongs. */
async function issueTo(name: ClientName, staff: string): Promise<void> {
  const key: { readonly publicKey: ClientPublicKey; readonly privateKey: string } = issueClientKey();
  await addClient(staff, { name, publicKey: key.publicKey });
  say(`The private key of ${name}, for Tor Browser's question. It is not kept here and not shown again:`);
  print(key.privateKey);
}

async function removeKeyOf(name: ClientName, options: Options): Promise<number> {
  const { staff, reload } = foldersOf(options);
  await removeClient(staff, name);
  await reload();
  say(`The key of ${name} is gone. Circuits that are open already stay until tor is restarted.`);
  return EXIT.done;
}

async function rotate(options: Options): Promise<number> {
  if (options.yes !== true) {
    say('Every link that was given out bears the old address. Run it again with --yes.');
    return EXIT.usage;
  }
  const { senders, previous } = foldersOf(options);
  const fresh = await rotateServiceFolder(senders, previous);
  print(fresh);
  say(`The keys of the old address are in ${previous}: while they are served too, old links go on working.`);
  say('Restart tor and the appliance to serve the new one.');
  return EXIT.done;
}
