/** Where the operator's socket is. */
import { lstat, mkdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Configuration } from '../config/configuration.js';

/**
 * A path; null = none. Unless it is set: in a folder of this user's in the system's place for temporary files, named by
 * the data folder, whose own files never change in number.
 */
export async function controlSocketOf({ control, dataDir }: Configuration): Promise<string | null> {
  if (control !== undefined) return control;
  const uid = process.getuid?.() ?? 0;
  const folder = path.join(tmpdir(), `chatpic-${uid}`);
  const data = await stat(dataDir).catch(() => null);
  if (data === null) return null;
  await mkdir(folder, { mode: 0o700 }).catch(() => undefined);
  const there = await lstat(folder).catch(() => null);
  // Somebody else's folder, or one that others may write to, is no place for it.
  const ours = there !== null && there.isDirectory() && there.uid === uid && (there.mode & 0o077) === 0;
  return ours ? path.join(folder, `${data.dev}-${data.ino}.sock`) : null;
}
