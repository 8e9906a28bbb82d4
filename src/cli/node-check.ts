/** What `doctor` says of Node: its version and switches, who can change it, and who may look into what it runs. */
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Finding } from './checks.js';

/** Of a file or a folder: user ID of the owner, and mode bits. */
export interface Rights {
  readonly uid: number;
  readonly mode: number;
}

export function nodeVersion(): Finding {
  const name = 'node';
  const major = Number(process.versions.node.split('.')[0]);
  if (major === 22) return { name, state: 'good', says: process.version, todo: '' };
  if (major < 20) return { name, state: 'refuse', says: process.version, todo: 'install Node 22' };
  const says = `${process.version} leaves more of finished requests in memory than 22 does`;
  return { name, state: 'warn', says, todo: 'run the service with Node 22' };
}

export function switches(): Finding {
  const name = 'memory switches';
  const wanted = ['--expose-gc', '--clear-free-memory'];
  const missing = wanted.filter((flag) => !process.execArgv.includes(flag));
  if (missing.length === 0) return { name, state: 'good', says: wanted.join(' '), todo: '' };
  const says = `not given to this process: ${missing.join(' ')}`;
  return { name, state: 'warn', says, todo: 'start with npm start, or as the service' };
}

export async function nodeOwner(): Promise<Finding> {
  const file = process.execPath;
  const [program, folder] = await Promise.all([stat(file), stat(path.dirname(file))]);
  return ownerFinding(file, program, folder, process.getuid?.() ?? 0);
}

/**
 * Who can change Node runs what they like as everybody who runs it, root included. An archive unpacked by root keeps the
 * user IDs of those who made it, and one of them may be a person here. `self` is the user who asks.
 */
export function ownerFinding(file: string, program: Rights, folder: Rights, self: number): Finding {
  const name = 'node\u2019s owner';
  const todo = `chown -R root:root ${path.dirname(path.dirname(file))}, and chmod go-w what others may write`;
  const foreign = [program.uid, folder.uid].find((uid) => uid !== 0 && uid !== self);
  if (foreign !== undefined) return { name, state: 'refuse', says: `user ${foreign} can change ${file}`, todo };
  if ((program.mode & 0o022) !== 0) return { name, state: 'refuse', says: `others can change ${file}`, todo };
  return { name, state: 'good', says: program.uid === 0 ? 'root' : 'the user who runs it', todo: '' };
}

export async function ptrace(): Promise<Finding> {
  const scope = await readFile('/proc/sys/kernel/yama/ptrace_scope', 'utf8').catch(() => '');
  return ptraceFinding(scope.trim(), await stat(process.execPath));
}

/** Of a program that its user may not read, the kernel lets nobody of that user see the memory: `would_dump` in fs/exec.c. */
export function ptraceFinding(scope: string, program: Rights): Finding {
  const unreadable = program.uid === 0 && (program.mode & 0o044) === 0;
  const name = 'ptrace';
  if (unreadable || (scope !== '' && scope !== '0')) {
    return { name, state: 'good', says: 'other programs of this user can not read its memory', todo: '' };
  }
  const todo = 'give it a user of its own and a node of mode 0711, or set kernel.yama.ptrace_scope=1';
  return { name, state: 'warn', says: 'other programs of the same user can read its memory', todo };
}
