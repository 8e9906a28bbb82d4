/**
 * Client authorisation of an onion service: who may even see that it exists (rend-spec-v3, appendix G).
 *
 *   authorized_clients/NAME.auth = "descriptor:x25519:" ‖ base32(public key(32)), upper case ‖ LF
 *
 * **Tor fails open here**: with no valid file in the folder, as when the only one is mistyped, the service is public.
 * Two rules answer that. A folder is never left without a valid key: the last one can't be removed, a new key is
 * checked before it is written, and written whole or not at all. And `assertGuarded` refuses to start a service whose
 * folder holds no valid key, or any file that tor would pass over.
 *
 * What does not hold: tor reads the folder at its start and on SIGHUP. After a change it must be told, and a person
 * whose key was removed keeps circuits that are open already.
 */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { makeClientKeys, ONION_KEY_BYTES } from '../crypto/onion-keys.js';
import { wipe } from '../base/bytes.js';
import type { Brand } from '../base/brand.js';
import { decodeBase32, encodeBase32 } from './base32.js';
import { systemCode } from './file-errors.js';
import { serviceIdOf, type OnionAddress } from './onion-address.js';
import { giveToOwner } from './owner.js';
import { TorFault } from './tor-fault.js';

const FOLDER = 'authorized_clients';
const EXTENSION = '.auth';
const PREFIX = 'descriptor:x25519:';

/** The public half of a person's key: 52 characters of base32, upper case. */
export type ClientPublicKey = Brand<string, 'ClientPublicKey'>;
/** What a key is filed under: 1 to 32 of `a-z`, `0-9`, `-`. */
export type ClientName = Brand<string, 'ClientName'>;

export interface AuthorizedClient {
  readonly name: ClientName;
  readonly publicKey: ClientPublicKey;
}

export interface AuthorizedClients {
  readonly valid: readonly AuthorizedClient[];
  /** Files that tor would warn of and pass over. */
  readonly invalid: readonly string[];
}

/** What a person types into Tor Browser, and what the server keeps. The private half is shown once and not stored. */
export interface IssuedClientKey {
  readonly publicKey: ClientPublicKey;
  /** 52 characters of base32: Tor Browser's key dialog takes it as it is. */
  readonly privateKey: string;
}

export function parseClientName(text: string): ClientName | null {
  return /^[a-z0-9][a-z0-9-]{0,31}$/.test(text) ? (text as ClientName) : null;
}

/** A key as tor writes it, or `null`. The key of all zeros, which tor refuses, is refused. */
export function parseClientPublicKey(text: string): ClientPublicKey | null {
  const bytes = decodeBase32(text);
  if (bytes?.length !== ONION_KEY_BYTES || bytes.every((byte) => byte === 0)) return null;
  return text.toUpperCase() as ClientPublicKey;
}

export function issueClientKey(): IssuedClientKey {
  const keys = makeClientKeys();
  try {
    const publicKey = encodeBase32(keys.publicKey).toUpperCase() as ClientPublicKey;
    return { publicKey, privateKey: encodeBase32(keys.privateKey).toUpperCase() };
  } finally {
    wipe(keys.privateKey);
  }
}

/** The line of a `.auth_private` file, for people who use tor's `ClientOnionAuthDir` rather than Tor Browser. */
export function clientAuthLine(address: OnionAddress, privateKey: string): string {
  return `${serviceIdOf(address)}:${PREFIX}${privateKey}`;
}

/** Everything in the service's folder of keys, read as tor reads it. A missing folder is an empty one. */
export async function listClients(serviceFolder: string): Promise<AuthorizedClients> {
  const folder = path.join(serviceFolder, FOLDER);
  const valid: AuthorizedClient[] = [];
  const invalid: string[] = [];
  for (const file of await filesOf(folder)) {
    const name = parseClientName(file.slice(0, -EXTENSION.length));
    const text = file.endsWith(EXTENSION) ? await readFile(path.join(folder, file), 'latin1') : '';
    const publicKey = text.startsWith(PREFIX) ? parseClientPublicKey(text.slice(PREFIX.length).trim()) : null;
    if (name === null || publicKey === null) invalid.push(file);
    else valid.push({ name, publicKey });
  }
  return { valid, invalid };
}

/** Lets one more person in. A name that is taken is refused, never replaced. */
export async function addClient(serviceFolder: string, client: AuthorizedClient): Promise<void> {
  const { valid } = await listClients(serviceFolder);
  if (valid.some(({ name }) => name === client.name)) {
    throw new TorFault(`there is a key named ${client.name} already`, 'remove it first, or choose another name');
  }
  const folder = path.join(serviceFolder, FOLDER);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, client.name + EXTENSION);
  await writeWhole(file, `${PREFIX}${client.publicKey}\n`);
  await giveToOwner(serviceFolder, folder, file);
}

/** Locks a person out. The last valid key stays: without one the service would be open to everybody. */
export async function removeClient(serviceFolder: string, name: ClientName): Promise<void> {
  const { valid } = await listClients(serviceFolder);
  if (!valid.some((client) => client.name === name))
    throw new TorFault(`there is no key named ${name}`, 'list the keys');
  if (valid.length === 1) {
    throw new TorFault(`${name} is the last key`, 'add another first: without any, tor opens the service to everybody');
  }
  await rm(path.join(serviceFolder, FOLDER, name + EXTENSION));
}

/** Refuses a service that tor would open to everybody, or whose folder doesn't mean what it seems to. */
export async function assertGuarded(serviceFolder: string): Promise<void> {
  const { valid, invalid } = await listClients(serviceFolder);
  if (invalid.length > 0) {
    throw new TorFault(`not a client key: ${invalid.join(', ')}`, `correct or delete it in ${serviceFolder}/${FOLDER}`);
  }
  if (valid.length === 0) {
    throw new TorFault(
      `${serviceFolder} has no client key`,
      'add one: without any, tor opens the service to everybody',
    );
  }
}

async function filesOf(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return [];
    throw new TorFault(`${folder} can't be read`, 'let it belong to the user that runs tor', { cause: error });
  }
}

/** Under another name first: tor may read the folder at any moment, and half a key would be an invalid one. */
async function writeWhole(file: string, text: string): Promise<void> {
  const unfinished = `${file}.new`;
  const handle = await open(unfinished, 'w', 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(unfinished, file);
}
