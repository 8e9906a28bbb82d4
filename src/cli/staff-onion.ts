/**
 * The staff's onion service beside the senders': it leads to a socket of the desk, and only people who were given a key can
 * even find it. Without any key there is none: tor would open it to everybody.
 */
import { listClients } from '../tor/client-auth.js';
import { openServiceFolder } from '../tor/service-folder.js';
import type { GuardableService } from '../tor/tor-process.js';
import type { TorFolder } from '../tor/tor-folder.js';
import { STAFF_SERVICE } from '../tor/torrc.js';

export interface StaffOnion {
  /** `http://….onion` of the desk. */
  readonly origin: string;
  readonly service: GuardableService;
}

/** Null = nobody was given a key (`chatpic onion client add`). */
export async function staffOnion({ staff, deskSocket }: TorFolder): Promise<StaffOnion | null> {
  const { valid, invalid } = await listClients(staff);
  if (valid.length + invalid.length === 0) return null;
  // With a file that is no key tor refuses to start it (`assertGuarded`), and says which.
  const address = await openServiceFolder(staff);
  const service = { ...STAFF_SERVICE, folder: staff, socket: deskSocket, circuitIds: false, guarded: true };
  return { origin: `http://${address}`, service };
}
