/** The system's tor: where it is, and what it was built with. */
import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import path from 'node:path';
import { SECOND } from '../base/units.js';
import { TorFault } from './tor-fault.js';

export interface TorBinary {
  readonly file: string;
  /** As tor says it, such as `0.4.9.11`. */
  readonly version: string;
  readonly proofOfWork: boolean;
}

/** Places that a service's PATH often lacks. */
const MORE_PLACES = ['/usr/sbin', '/usr/local/bin', '/opt/homebrew/bin'];
/** Onion services of version 3 with the bounds that the configuration names. */
const LEAST_VERSION = [0, 4, 8] as const;
const REMEDY = 'install it (Debian: apt install tor) and start again, or start without --onion';

/** Finds tor in `searchPath` (the form of `$PATH`) and asks what it can do. */
export async function findTor(searchPath: string): Promise<TorBinary> {
  const file = await firstExecutable([...searchPath.split(path.delimiter), ...MORE_PLACES]);
  if (file === null) throw new TorFault('tor is not installed', REMEDY);
  const version = /^Tor version (\d+\.\d+\.\d+(?:\.\d+)?)/m.exec(await output(file, ['--version']))?.[1] ?? '';
  if (!isRecent(version)) {
    throw new TorFault(`tor is too old: ${LEAST_VERSION.join('.')} is needed, ${version} is installed`, REMEDY);
  }
  const modules = await output(file, ['--list-modules']);
  return { file, version, proofOfWork: /^pow: yes$/m.test(modules) };
}

async function firstExecutable(folders: readonly string[]): Promise<string | null> {
  for (const folder of folders) {
    if (!path.isAbsolute(folder)) continue;
    const file = path.join(folder, 'tor');
    const found = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return file;
  }
  return null;
}

function isRecent(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [index, least] of LEAST_VERSION.entries()) {
    const part = parts[index] ?? NaN;
    if (part !== least) return part > least;
  }
  return true;
}

function output(file: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'ignore'], env: {}, timeout: 10 * SECOND });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    child.once('error', (cause) => reject(new TorFault('tor can not be run', REMEDY, { cause })));
    child.once('close', () => resolve(text));
  });
}
