/**
 * The operator's socket: whether the appliance is well, and what it counts. For the user it runs as and for root alone, on
 * a Unix socket and nowhere else.
 *
 *   GET /health   200 {"well":true}, or 503 {"well":false}
 *   GET /stats    the numbers of `Stats`
 *
 * What holds: every number is of the appliance or of a quarter of a year, none of one share, visitor or moment. Shares are
 * told in tens, the room that they take in tenths, and fewer than ten of anything not at all.
 */
import { once } from 'node:events';
import { chmod, lstat, mkdir, rm, stat } from 'node:fs/promises';
import { request, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { App } from '../app.js';
import { SECOND } from '../base/units.js';
import type { Configuration } from '../config/configuration.js';
import { SPACE } from '../moderation/book.js';
import { Counters, type QuarterCounts } from '../moderation/counters.js';
import { httpServer } from '../web/listen.js';
import { say } from './terminal.js';

const FEW = 10;
const TENTHS = 10;
const ANSWER_WAIT = 30 * SECOND;

export interface Stats {
  /** A commit went through, and sealing rounds come when they are due. */
  readonly well: boolean;
  /** Live shares, rounded down to tens; `null` = fewer than ten. */
  readonly shares: number | null;
  /** Tenths of the store that shares take, rounded down. */
  readonly usedTenths: number;
  /** Percent of the store that is made and filled with noise; 100 from the first hours on. */
  readonly madePercent: number;
  /** Resident memory of the process, in units of 1,000,000 bytes. */
  readonly memoryMegabytes: number;
  /** What the transparency page tells. */
  readonly quarters: readonly QuarterCounts[];
}

export interface Health {
  close(): Promise<void>;
}

/** Listens; `null` where the setting says no, or where there is no place for the socket that is this user's alone. */
export async function openHealth(
  configuration: Configuration,
  app: App,
  well: () => Promise<boolean>,
): Promise<Health | null> {
  const socket = await healthSocketOf(configuration);
  if (socket === null) return null;
  const server = httpServer(answering(app, well));
  await rm(socket, { force: true });
  try {
    server.listen(socket);
    await once(server, 'listening');
    await chmod(socket, 0o600);
  } catch {
    say(`No health socket at ${socket}: set CHATPIC_HEALTH_LISTEN to another place, or to off.`);
    return null;
  }
  return {
    async close() {
      server.close();
      server.closeAllConnections();
      await rm(socket, { force: true });
    },
  };
}

function answering(app: App, well: () => Promise<boolean>): RequestListener {
  return (incoming, response) => {
    const answer = async (): Promise<void> => {
      const is = await well();
      if (incoming.url === '/health') sendJson(response, is ? 200 : 503, { well: is });
      else if (incoming.url === '/stats') sendJson(response, 200, statsOf(app, is));
      else sendJson(response, 404, { error: 'ask for /health or /stats' });
    };
    answer().catch(() => response.destroy());
  };
}

function sendJson(response: ServerResponse, status: number, value: object): void {
  response.sendDate = false;
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}

export function statsOf({ store }: App, well: boolean): Stats {
  const { live } = store.stats();
  const { total, filled, free } = store.arena.capacity();
  return {
    well,
    shares: live < FEW ? null : live - (live % FEW),
    usedTenths: Math.floor((TENTHS * (filled - free)) / total),
    madePercent: Math.floor((100 * filled) / total),
    memoryMegabytes: Math.round(process.memoryUsage.rss() / 1e6),
    quarters: new Counters(store.ledger.book(SPACE.counters)).report(store.ledger.now()),
  };
}

/** Asks the running appliance; `null` where none answers. */
export async function askStats(configuration: Configuration): Promise<Stats | null> {
  const socketPath = await healthSocketOf(configuration);
  if (socketPath === null) return null;
  const enough = AbortSignal.timeout(ANSWER_WAIT);
  const asked = request({ socketPath, path: '/stats', agent: false, signal: enough }).end();
  try {
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const pieces = (await answer.toArray()) as Buffer[];
    return JSON.parse(Buffer.concat(pieces).toString()) as Stats;
  } catch {
    return null;
  }
}

/**
 * Where the socket is. Unless it is set: in a folder of this user's in the system's place for temporary files, named by
 * the data folder, whose own files never change in number.
 */
export async function healthSocketOf({ healthSocket, dataDir }: Configuration): Promise<string | null> {
  if (healthSocket !== undefined) return healthSocket;
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
