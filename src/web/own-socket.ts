/** A Unix socket that its own user alone may open: its mode is its guard. */
import { chmod, rm } from 'node:fs/promises';
import type { Server } from 'node:net';

/** Makes it at `path`, in the place of one that an earlier life may have left. Rejects where the system refuses. */
export async function listenAlone(server: Server, path: string): Promise<void> {
  await rm(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(path, resolve);
  });
  await chmod(path, 0o600);
}
