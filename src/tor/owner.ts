/**
 * Files for the user that tor runs as. Tor refuses a folder or a key that belongs to anybody else, and an operator who
 * works on them is often root.
 */
import { chown, stat } from 'node:fs/promises';
import path from 'node:path';

/** Gives `paths` to whoever owns the folder that `folder` stands in. Does nothing where this process is not root. */
export async function giveToOwner(folder: string, ...paths: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = await stat(path.dirname(folder));
  for (const each of paths) await chown(each, uid, gid);
}
