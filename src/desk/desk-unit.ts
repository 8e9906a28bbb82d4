/**
 * The desk as a service of its own, with a user of its own, seen from the appliance: whoever is at the door is the desk.
 * The door is a Unix socket that systemd makes and hands over (`chatpic-door.socket`); where nobody did, it is made here,
 * for the appliance's own user alone. The other way, a child: desk-process.ts.
 *
 * What holds:
 * - The kernel lets in whom the socket's owner and mode let in: as shipped the desk's user (0600), in a folder that none
 *   but that user may enter, and root. It keeps the memory of either process from the other, because they are two users.
 * - One at a time. A second one is turned away, not taken in the first one's place: that would sign out moderators who are at
 *   work. No dead desk stands in the door: however a process ends, the kernel ends its connection, and the next one comes in.
 * - Who does not speak the format loses the connection, and nothing else happens.
 * - When the appliance closes or is killed, the connection ends, and with it the desk, its sessions and keys (run-desk.ts).
 *
 * What does not hold: nobody is asked to prove that it is the desk. What runs as the desk's user, or as root, and comes
 * while no desk is there, is taken for it; one that says nothing keeps the desk away. They could take the desk itself over.
 */
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import type { Logger } from '../base/log.js';
import { inheritedSocket } from '../web/inherited-sockets.js';
import { listenAlone } from '../web/own-socket.js';
import type { DeskProcess } from './desk-process.js';
import type { Door } from './door.js';
import { answerThrough } from './pipe.js';

export interface DeskDoorOptions {
  readonly door: Door;
  readonly path: string;
  readonly log: Logger;
}

/** Opens the door; resolves when a desk may come. Rejects with the system's error where the socket can't be had. */
export async function openDeskDoor({ door, path, log }: DeskDoorOptions): Promise<DeskProcess> {
  let there: Socket | null = null;
  const server = createServer((socket) => {
    there = socket;
    answerThrough(socket, door, () => undefined);
    socket.once('close', () => {
      there = null;
      if (server.listening) log('desk-exited');
    });
  });
  server.maxConnections = 1;
  server.on('drop', () => log('desk-refused'));
  await listenAt(server, path);
  return {
    addresses: [],
    pid: null,
    get present() {
      return there !== null;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      there?.destroy();
      await closed;
    },
  };
}

async function listenAt(server: Server, path: string): Promise<void> {
  const descriptor = inheritedSocket(path, process.env, process.pid);
  if (descriptor === null) return listenAlone(server, path);
  server.listen({ fd: descriptor });
  await once(server, 'listening');
}
