/**
 * An onion service's folder, with the three files that tor keeps in it, made here so that the address is known (and in
 * the links) before tor has run.
 *
 *   hs_ed25519_secret_key = "== ed25519v1-secret: type0 ==" 00 00 00 ‖ expanded secret(64)
 *   hs_ed25519_public_key = "== ed25519v1-public: type0 ==" 00 00 00 ‖ public key(32)
 *   hostname              = address ‖ LF
 *
 * Whoever has the secret file is the address. Tor demands that the folder and the files belong to the user it runs as
 * and that nobody else can open them (0700, 0600); the same modes are set here.
 */
import { chmod, mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { secretBytes, wipe } from '../base/bytes.js';
import { EXPANDED_SECRET_BYTES, makeOnionKeys, ONION_KEY_BYTES } from '../crypto/onion-keys.js';
import { systemCode } from './file-errors.js';
import { onionAddressOf, type OnionAddress } from './onion-address.js';
import { giveToOwner } from './owner.js';
import { TorFault } from './tor-fault.js';

const SECRET_FILE = 'hs_ed25519_secret_key';
const PUBLIC_FILE = 'hs_ed25519_public_key';
const HOSTNAME_FILE = 'hostname';
const SECRET_TAG = Buffer.from('== ed25519v1-secret: type0 ==\0\0\0', 'latin1');
const PUBLIC_TAG = Buffer.from('== ed25519v1-public: type0 ==\0\0\0', 'latin1');

/** The address of the service in `folder`, whose keys are made if there are none. */
export async function openServiceFolder(folder: string): Promise<OnionAddress> {
  const address = await readServiceAddress(folder);
  if (address === null) return makeServiceFolder(folder);
  await chmod(folder, 0o700);
  return address;
}

/** The address of the service in `folder`, or `null` where it has no key yet. Never opens the secret. */
export async function readServiceAddress(folder: string): Promise<OnionAddress | null> {
  const file = path.join(folder, PUBLIC_FILE);
  try {
    const bytes = await readFile(file);
    if (
      bytes.length === PUBLIC_TAG.length + ONION_KEY_BYTES &&
      bytes.subarray(0, PUBLIC_TAG.length).equals(PUBLIC_TAG)
    ) {
      return onionAddressOf(bytes.subarray(PUBLIC_TAG.length));
    }
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw new TorFault(`the onion key ${file} can't be read`, 'let it belong to the user that runs tor', {
      cause: error,
    });
  }
  throw new TorFault(`the onion key ${file} is not one of tor's`, 'restore it from a backup, or move the folder away');
}

/**
 * Moves the service aside and makes a new one in its place. The old address goes on existing in `previous`, to be
 * served with a notice for as long as the operator wishes.
 */
export async function rotateServiceFolder(folder: string, previous: string): Promise<OnionAddress> {
  if ((await readServiceAddress(previous)) !== null) {
    throw new TorFault(`${previous} still holds an older address`, 'move it away or delete it first');
  }
  await rename(folder, previous);
  return openServiceFolder(folder);
}

/** All three files are made beside the folder and appear in it at once: a crash leaves no half of a key pair behind. */
async function makeServiceFolder(folder: string): Promise<OnionAddress> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true, mode: 0o700 });
  const address = await writeServiceKeys(unfinished);
  const files = [SECRET_FILE, PUBLIC_FILE, HOSTNAME_FILE].map((name) => path.join(unfinished, name));
  await giveToOwner(folder, unfinished, ...files);
  try {
    await rename(unfinished, folder);
  } catch (error) {
    throw new TorFault(`${folder} holds files but no onion key`, 'move it away, or put the keys back', {
      cause: error,
    });
  }
  return address;
}

async function writeServiceKeys(folder: string): Promise<OnionAddress> {
  const keys = makeOnionKeys();
  const secret = secretBytes(SECRET_TAG.length + EXPANDED_SECRET_BYTES);
  try {
    SECRET_TAG.copy(secret);
    keys.expandedSecret.copy(secret, SECRET_TAG.length);
    const address = onionAddressOf(keys.publicKey);
    await writeNew(path.join(folder, SECRET_FILE), secret);
    await writeNew(path.join(folder, PUBLIC_FILE), Buffer.concat([PUBLIC_TAG, keys.publicKey]));
    await writeNew(path.join(folder, HOSTNAME_FILE), Buffer.from(`${address}\n`));
    return address;
  } finally {
    wipe(keys.expandedSecret, secret);
  }
}

/** Writes a file that must not exist yet: a key is never overwritten. */
async function writeNew(file: string, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
