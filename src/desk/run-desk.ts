/**
 * The desk's process from within, whichever way it is run: as a child of the appliance (main.ts) or as a service of its own
 * (`chatpic desk`). It has no store and no root key, and ends with the door: no session outlives the appliance.
 */
import type { Socket } from 'node:net';
import { MiB, SECOND } from '../base/units.js';
import type { Listen } from '../config/environment.js';
import { startDecoder } from '../media/decoder/decoder.js';
import { httpServer, listen, type Listening } from '../web/listen.js';
import { Readers } from '../web/readers.js';
import { Claims } from './claims.js';
import type { Desk } from './desk.js';
import { loadDeskTemplates } from './pages.js';
import { askThrough } from './pipe.js';
import { SignIns } from './remote-book.js';
import { Sessions } from './sessions.js';
import { createDesk } from './site.js';

/** Bytes of content that answers under way may hold together. */
const READ_BYTES = 16 * MiB;
const SWEEP_EVERY = 5 * SECOND;
/** Answers under way get so long when the appliance stops. */
const GRACE = SECOND;

/** Where to listen. */
export interface DeskPlace {
  readonly listen: Listen;
  /** A socket that listens already; null = none does. Absent: a service manager may have made one. */
  readonly descriptor?: number | null;
}

export interface RunningDesk {
  readonly addresses: readonly string[];
  /** Shuts the door from this side. */
  end(): void;
  /** Resolves once the door is shut, the keys are wiped and answers under way have ended: the process must go then. */
  readonly ended: Promise<void>;
}

/** What a process that has the staff's key does before anything else. */
export function guardDeskProcess(): void {
  // Small buffers would share blocks that nobody can wipe.
  Buffer.poolSize = 0;
  process.umask(0o077);
  process.removeAllListeners('warning');
  // A failure that nothing caught ends the process: the next one knows nobody, and holds no key.
  process.on('uncaughtException', () => process.exit(1));
}

const monotonic = (): number => performance.now();

/**
 * Runs the desk on its end of the door. Resolves when it listens, which it does once the door has answered: until then
 * moderators wait in the queue of its socket. Rejects where it can't listen, or when the door is shut before.
 */
export async function runDesk(socket: Socket, places: readonly DeskPlace[]): Promise<RunningDesk> {
  const desk = openDesk(socket);
  const answer = createDesk(desk).callback();
  const listeners: Listening[] = [];
  await desk.door.state();
  for (const place of places) {
    const http = httpServer((request, response) => void answer(request, response));
    listeners.push(await listen(http.server, place.listen, http, place.descriptor));
  }
  const end = async (): Promise<void> => {
    desk.sessions.endAll();
    await Promise.all([desk.decoder.close(), ...listeners.map((listener) => listener.close(GRACE))]);
  };
  const shut = new Promise<void>((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once('close', () => resolve());
  });
  const ended = shut.then(end);
  return { addresses: listeners.map(({ address }) => address), ended, end: () => void socket.destroy() };
}

function openDesk(socket: Socket): Desk {
  const door = askThrough(socket);
  const claims = new Claims(monotonic);
  const sessions = new Sessions(monotonic, (name) => {
    claims.dropAllOf(name);
    // OpenSSL's copies of the key are cleared when the objects that have them are collected.
    setImmediate(() => globalThis.gc?.());
  });
  // Started for each picture: it is rare that somebody looks, and a child that waits takes 70 MiB.
  const decoder = startDecoder({ children: 2, warm: 0 });
  setInterval(() => sessions.sweep(), SWEEP_EVERY).unref();
  return {
    door,
    signIns: new SignIns(door, monotonic),
    sessions,
    claims,
    decoder,
    templates: loadDeskTemplates(),
    readers: new Readers(READ_BYTES),
    monotonic,
  };
}
