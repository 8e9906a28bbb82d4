/**
 * Where the root key comes from. The store asks once, at its opening, and wipes what it got when it closes.
 *
 * None of the sources keeps anything by which a key could be told to be right: the store opens under it, or doesn't.
 */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { secretBytes, wipe } from '../base/bytes.js';
import { invariant, StoreFault } from '../base/errors.js';
import { ROOT_COST, scrypt, type ScryptCost } from '../crypto/kdf.js';
import { randomSecret } from '../crypto/random.js';
import { makeFolder } from './disk.js';

export const ROOT_KEY_LENGTH = 32;
const SALT_LENGTH = 32;

export interface RootKey {
  /**
   * The 32 bytes, in memory that the caller wipes. Throws `StoreFault` with the remedy where there is none. `firstStart`
   * allows a source to make what it keeps (a key file, a salt); otherwise what is missing is a fault.
   */
  load(firstStart: boolean): Promise<Buffer>;
}

/** A file of 32 random bytes, 0600 in a 0700 folder, made at the first start. */
export function keyFile(file: string): RootKey {
  return { load: (firstStart) => loadOrMake('root key', file, ROOT_KEY_LENGTH, firstStart) };
}

/** A file of exactly 32 bytes that systemd (or another supervisor) hands over; never made here. */
export function credential(file: string): RootKey {
  return { load: () => readSecret('root key', file, ROOT_KEY_LENGTH, false) };
}

/**
 * scrypt of a passphrase under a salt that stands in a file, made at the first start. `ask` hands over the passphrase
 * in UTF-8 (NFKC), which is wiped here.
 */
export function passphrase(ask: () => Promise<Buffer>, saltFile: string, cost: ScryptCost = ROOT_COST): RootKey {
  return {
    async load(firstStart) {
      const salt = await loadOrMake('root salt', saltFile, SALT_LENGTH, firstStart);
      const typed = await ask();
      try {
        if (typed.length === 0) throw fault('root key', 'the passphrase is empty', 'give the root passphrase');
        return await scrypt(typed, salt, cost, ROOT_KEY_LENGTH);
      } finally {
        wipe(typed);
      }
    },
  };
}

async function loadOrMake(part: string, file: string, length: number, firstStart: boolean): Promise<Buffer> {
  if (!firstStart) return readSecret(part, file, length, true);
  const folder = path.dirname(file);
  await makeFolder(folder);
  const bytes = randomSecret(length);
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.write(bytes, 0, length, 0);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await syncFolder(folder);
    return bytes;
  } catch (error) {
    wipe(bytes);
    // It is there already: from a first start that was cut short, or put there by the operator.
    if (codeOf(error) === 'EEXIST') return readSecret(part, file, length, true);
    throw fault(part, `the ${part} file could not be made (${codeOf(error)})`, 'check the folder and its owner');
  }
}

async function readSecret(part: string, file: string, length: number, strictMode: boolean): Promise<Buffer> {
  const bytes = secretBytes(length);
  try {
    const handle = await open(file, constants.O_RDONLY);
    try {
      const { size, mode } = await handle.stat();
      if (size !== length) throw fault(part, `the ${part} file has ${size} bytes, expected ${length}`, PUT_BACK);
      if (strictMode && (mode & 0o077) !== 0) {
        throw fault(part, `the ${part} file can be read by others`, 'set its mode to 0600');
      }
      const { bytesRead } = await handle.read(bytes, 0, length, 0);
      invariant(bytesRead === length, 'a small file is read at once');
      return bytes;
    } finally {
      await handle.close();
    }
  } catch (error) {
    wipe(bytes);
    if (error instanceof StoreFault) throw error;
    throw fault(part, `the ${part} file could not be read (${codeOf(error)})`, PUT_BACK);
  }
}

const PUT_BACK = 'put back the file that this store was made with; without it the store cannot be opened by anyone';

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

function fault(part: string, message: string, remedy: string): StoreFault {
  return new StoreFault(part, message, remedy);
}
