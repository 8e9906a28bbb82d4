/**
 * One process per data folder. Two kinds of lock, both of which the kernel drops when the process ends, however it ends,
 * and neither of which makes a file:
 *
 * - a Unix socket in the abstract namespace, named by the folder's device and inode: holds between processes that share
 *   a network namespace, and needs nothing;
 * - flock(2) on the folder itself, where the `flock` program is installed: holds between containers and services with a
 *   network namespace of their own. A lock belongs to the open file, not to the process that asked for it, so a child
 *   that inherits our descriptor takes it and leaves it with us.
 */
import { spawn } from 'node:child_process';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { StoreFault } from '../base/errors.js';
import { calling } from './disk.js';

export interface FolderLock {
  /** A second call does nothing. */
  release(): Promise<void>;
}

const FLOCK_CONFLICT = 75;

/** Takes the lock or throws a fault. The folder must be there. */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const { dev, ino } = await calling('data folder', 'stat', () => stat(folder));
  const server = await listen(`\0chatpic-store-${dev}-${ino}`);
  let handle: FileHandle | null = null;
  try {
    handle = await calling('data folder', 'open', () => open(folder, 'r'));
    if ((await flock(handle.fd)) === 'taken') throw inUse();
  } catch (error) {
    await handle?.close();
    server?.close();
    throw error;
  }
  const held = handle;
  let released = false;
  return {
    async release() {
      if (released) return;
      released = true;
      server?.close();
      await held.close();
    },
  };
}

/** Null where the system has no abstract sockets: flock is all there is then. */
async function listen(name: string): Promise<Server | null> {
  const server = createServer((socket) => socket.destroy());
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') reject(inUse());
      else resolve(null);
    });
    server.listen(name, () => {
      server.unref();
      resolve(server);
    });
  });
}

async function flock(fd: number): Promise<'held' | 'taken' | 'unknown'> {
  return new Promise((resolve) => {
    const args = ['--nonblock', '--conflict-exit-code', String(FLOCK_CONFLICT), '3'];
    const child = spawn('flock', args, {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      env: { PATH: process.env['PATH'] },
    });
    child.once('error', () => resolve('unknown'));
    child.once('exit', (code) => resolve(code === 0 ? 'held' : code === FLOCK_CONFLICT ? 'taken' : 'unknown'));
  });
}

function inUse(): StoreFault {
  return new StoreFault(
    'data folder',
    'another process has this data folder open',
    'stop the service that runs on it, or choose another CHATPIC_DATA_DIR',
  );
}
