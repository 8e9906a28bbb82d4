/** The calls of `files.ts` on a real disk. Foreign errors become `FileFault`s here. */
import { constants, type Stats } from 'node:fs';
import { chmod, mkdir, open, readdir, stat, statfs, truncate, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { FileFault, UNFINISHED, type FileName, type OpenFile, type StoreFileName, type StoreFiles } from './files.js';

/** Types of file system that live in RAM, as statfs(2) has them: tmpfs and ramfs. */
const RAM_FILE_SYSTEMS: readonly number[] = [0x01021994, 0x858458f6];

const REMEDIES: Readonly<Record<string, string>> = {
  EACCES: 'give the folder and its files to the user that the service runs as, mode 0700 and 0600',
  EPERM: 'give the folder and its files to the user that the service runs as, mode 0700 and 0600',
  EROFS: 'mount the file system writable, or choose another CHATPIC_DATA_DIR',
  ENOENT: 'check CHATPIC_DATA_DIR and CHATPIC_SLOT_DIR',
  ENOTDIR: 'check CHATPIC_DATA_DIR and CHATPIC_SLOT_DIR: a folder is expected there',
  ENOSPC: 'free some space on the disk that holds CHATPIC_DATA_DIR',
  EDQUOT: 'free some space on the disk that holds CHATPIC_DATA_DIR',
  EIO: 'check the disk, then start again; what was acknowledged is on it as far as it can be read',
};
const STICKY = 0o1000;
const OTHER_REMEDY = 'look up the error, mend it, then start again';

/** Slots in `slotDir`, everything else in `dataDir`. Touches nothing by itself. */
export function diskFiles(dataDir: string, slotDir: string): StoreFiles {
  const folderOf = (name: FileName): string => (name.startsWith('slot.') ? slotDir : dataDir);
  const pathOf = (name: FileName): string => path.join(folderOf(name), name);
  return {
    size: (name) => sizeOf(name, pathOf(name)),
    open: (name) => openInPlace(name, pathOf(name)),
    create: (name, size) => create(name, pathOf(name), size),
    extend: (name, size) => calling(name, 'extend', () => truncate(pathOf(name), size)),
    remove: (name) => calling(name, 'remove', () => unlink(pathOf(name))),
    async syncFolders() {
      for (const folder of new Set([dataDir, slotDir])) await syncFolder(folder);
    },
    async slotsIn() {
      const { type } = await calling('slot folder', 'statfs', () => statfs(slotDir));
      return RAM_FILE_SYSTEMS.includes(type) ? 'ram' : 'disk';
    },
    async freeBytes() {
      const { bavail, bsize } = await calling('data folder', 'statfs', () => statfs(dataDir));
      return bavail * bsize;
    },
  };
}

/**
 * A folder that only its owner may enter. One that is there already is made so if it is ours and empty; otherwise it is
 * left alone, for it may be shared with others on purpose (`/dev/shm`). The files in it are 0600 in any case.
 */
export async function makeFolder(folder: string): Promise<void> {
  const part = 'data folder';
  if ((await calling(part, 'make', () => mkdir(folder, { recursive: true, mode: 0o700 }))) !== undefined) return;
  const { mode, uid } = await calling(part, 'stat', () => stat(folder));
  const ours = uid === process.getuid?.() && (mode & STICKY) === 0;
  if ((mode & 0o077) === 0 || !ours) return;
  const names = await calling(part, 'list', () => readdir(folder));
  if (names.length === 0) await calling(part, 'chmod', () => chmod(folder, 0o700));
}

async function sizeOf(name: FileName, at: string): Promise<number | null> {
  const stats = await calling(name, 'stat', async (): Promise<Stats | null> => {
    try {
      return await stat(at);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return null;
      throw error;
    }
  });
  if (stats !== null && !stats.isFile()) throw new FileFault(name, `${name} is not a file`, 'move it away', 'EISDIR');
  return stats?.size ?? null;
}

async function create(name: FileName, at: string, size: number): Promise<void> {
  await calling(name, 'create', async () => {
    const handle = await open(at, 'wx', 0o600);
    try {
      await handle.truncate(size);
      if (name === UNFINISHED) await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

async function syncFolder(folder: string): Promise<void> {
  await calling('data folder', 'sync', async () => {
    const handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

async function openInPlace(name: StoreFileName, at: string): Promise<OpenFile> {
  const handle = await calling(name, 'open', () => open(at, constants.O_RDWR | constants.O_NOFOLLOW));
  return {
    read: (into, position) => calling(name, 'read', () => readAllOf(handle, into, position)),
    write: (bytes, position) => calling(name, 'write', () => writeAllOf(handle, bytes, position)),
    sync: () => calling(name, 'sync', () => handle.datasync()),
    close: () => calling(name, 'close', () => handle.close()),
  };
}

async function readAllOf(handle: FileHandle, into: Buffer, position: number): Promise<void> {
  for (let done = 0; done < into.length;) {
    const { bytesRead } = await handle.read(into, done, into.length - done, position + done);
    if (bytesRead === 0) throw Object.assign(new Error('the file ended'), { code: 'EIO' });
    done += bytesRead;
  }
}

async function writeAllOf(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

/** Runs a call and names the file, the call and the system's word where it fails. Never a path: it may be private. */
export async function calling<T>(name: string, call: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FileFault) throw error;
    const code = codeOf(error);
    throw new FileFault(name, `${name}: ${call} failed (${code})`, REMEDIES[code] ?? OTHER_REMEDY, code);
  }
}

export function codeOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}
