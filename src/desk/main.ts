/**
 * The entry of the desk's process. The senders' process starts it (desk-process.ts) with two things: descriptor 3, a socket
 * pair to the door, and one argument, where to listen. It has no store, no root key and no environment, and ends with the
 * door: it can't outlive the appliance.
 *
 * It says one line on its standard output, as JSON: the addresses it listens on, or why it can't.
 */
import { Socket } from 'node:net';
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

const DOOR = 3;
/** Bytes of content that answers under way may hold together. */
const READ_BYTES = 16 * MiB;
const SWEEP_EVERY = 5 * SECOND;
/** Answers under way get so long when the appliance stops. */
const GRACE = SECOND;

/** Where to listen; `descriptor` is a socket that listens already. */
export interface DeskPlace {
  readonly listen: Listen;
  readonly descriptor: number | null;
}

// Small buffers would share blocks that nobody can wipe.
Buffer.poolSize = 0;
process.umask(0o077);
process.removeAllListeners('warning');
// A failure that nothing caught ends the process: the next one knows nobody, and holds no key.
process.on('uncaughtException', () => process.exit(1));
// Signals to the whole group are for the senders' process: it shuts the door when it is done.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

const monotonic = (): number => performance.now();

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

async function run(places: readonly DeskPlace[]): Promise<void> {
  const socket = new Socket({ fd: DOOR, readable: true, writable: true });
  const desk = openDesk(socket);
  const answer = createDesk(desk).callback();
  const listeners: Listening[] = [];
  const end = async (): Promise<void> => {
    desk.sessions.endAll();
    await Promise.all([desk.decoder.close(), ...listeners.map((listener) => listener.close(GRACE))]);
    process.exit(0);
  };
  socket.once('close', () => void end());
  for (const place of places) {
    const http = httpServer((request, response) => void answer(request, response));
    listeners.push(await listen(http.server, place.listen, http, place.descriptor));
  }
  process.stdout.write(`${JSON.stringify({ addresses: listeners.map(({ address }) => address) })}\n`);
}

run(JSON.parse(process.argv[2] ?? '[]') as DeskPlace[]).catch((error: unknown) => {
  // Nobody has asked for anything yet: what it says is about this machine.
  const known = error instanceof Error;
  const code = known && 'code' in error ? String(error.code) : known ? error.message : 'unknown';
  process.stdout.write(`${JSON.stringify({ code })}\n`, () => process.exit(1));
});
