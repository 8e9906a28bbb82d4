/**
 * The composition root: opens the rooms upward, closes them downward, and is the only place that says `new` to them.
 */
import type { RequestListener, Server } from 'node:http';
import path from 'node:path';
import { systemClock, type Clock } from './base/clock.js';
import type { Logger } from './base/log.js';
import { SECOND } from './base/units.js';
import type { Configuration } from './config/configuration.js';
import type { Listen } from './config/environment.js';
import { formReceiver } from './intake/multipart.js';
import { Pipeline } from './intake/pipeline.js';
import { ProgressBoard } from './intake/progress.js';
import { startJanitor, type Janitor } from './janitor/janitor.js';
import { openStore } from './ledger/open-store.js';
import type { OpenedStore } from './ledger/opened-store.js';
import { startDecoder, type Decoder } from './media/decoder/decoder.js';
import { Retrieval } from './retrieval/retrieval.js';
import { Rounds } from './shred/rounds.js';
import type { RootKey } from './store/root-key.js';
import { close as closeServer, httpServer, listen } from './web/listen.js';
import { createPages } from './web/pages/pages.js';
import { createSenders } from './web/senders.js';
import type { Services } from './web/services.js';
import type { Site } from './web/site.js';
import { base64Sha256 } from './web/style-hash.js';

/** Uploads and downloads under way get this long to end when the appliance is stopped. */
const GRACE = 15 * SECOND;
const TEMPLATES = path.resolve(import.meta.dirname, '../../templates');

export interface AppOptions {
  readonly configuration: Configuration;
  readonly rootKey: RootKey;
  readonly log: Logger;
  readonly clock?: Clock;
  /** The operator has said that a wall clock far ahead of the store's is right. */
  readonly acceptClockJump?: boolean;
  readonly onFilling?: (filledUnits: number, totalUnits: number) => void;
}

export interface App {
  /** Where the senders' site is: an http address, or the path of a socket. */
  readonly address: string;
  readonly store: OpenedStore;
  /** Resolves when the store can't go on: the process must end, and the next start says what is true. */
  readonly poisoned: Promise<Error>;
  /** Stops listening, lets what is under way end, seals, wipes, and resolves when nothing is left. */
  close(grace?: number): Promise<void>;
}

/** Starts the appliance; resolves when it listens. */
export async function startApp(options: AppOptions): Promise<App> {
  const { configuration, log, clock = systemClock } = options;
  const store = await open(options, clock);
  const decoder = startDecoder({ log });
  const services = assemble(configuration, store, decoder, clock, log);
  const janitor = startJanitor({
    ledger: store.ledger,
    grants: services.retrieval.grants,
    rounds: new Rounds(store, configuration.rollSeconds),
    onRoundFailed: () => log('round-failed'),
  });
  const parts: Parts = { server: null, janitor, services, decoder, store };
  try {
    const { server, address } = await openSenders(configuration, services);
    let closing: Promise<void> | null = null;
    const close = (grace = GRACE): Promise<void> => (closing ??= closeAll({ ...parts, server }, grace));
    return { address, store, poisoned: store.poisoned, close };
  } catch (error) {
    await closeAll(parts, 0);
    throw error;
  }
}

function open(
  { configuration, rootKey, acceptClockJump = false, onFilling }: AppOptions,
  clock: Clock,
): Promise<OpenedStore> {
  const { dataDir, slotDir, storeMegabytes } = configuration;
  const filling = onFilling === undefined ? {} : { onFilling };
  return openStore({ dataDir, slotDir, rootKey, storeMegabytes, clock, acceptClockJump, ...filling });
}

function assemble(
  c: Configuration,
  { arena, ledger }: OpenedStore,
  decoder: Decoder,
  clock: Clock,
  log: Logger,
): Services {
  const monotonic = (): number => clock.monotonic();
  return {
    pages: createPages({ templatesDir: path.join(TEMPLATES, 'public'), siteName: c.siteName, hashOf: base64Sha256 }),
    policy: c,
    arena,
    ledger,
    pipeline: new Pipeline({ arena, ledger, decoder, monotonic, anyFile: c.anyFile }),
    retrieval: new Retrieval({ arena, ledger, monotonic }),
    progress: new ProgressBoard(monotonic),
    receiveForm: formReceiver(arena),
    isPro: () => false,
    monotonic,
    log,
  };
}

/** The senders' listener. Its links bear the onion's address where there is one, else the address that it listens on. */
async function openSenders(c: Configuration, services: Services): Promise<{ server: Server; address: string }> {
  // The address is known only once the server listens, and the site's links bear it.
  const handling: { current: RequestListener } = { current: (_request, response) => void response.destroy() };
  const server = httpServer((request, response) => handling.current(request, response));
  const address = await listen(server, c.listen);
  const answer = createSenders(siteFor(c, address), services).callback();
  handling.current = (request, response) => void answer(request, response);
  return { server, address };
}

function siteFor({ onionOrigin, mirrorOrigin, listen: where }: Configuration, address: string): Site {
  const secure = false;
  if (onionOrigin !== null) return { kind: 'onion', origin: onionOrigin, onionOrigin, mirrorOrigin, secure };
  return { kind: 'local', origin: originOf(where, address), onionOrigin, mirrorOrigin, secure };
}

function originOf(where: Listen, address: string): string {
  return where.kind === 'unix' ? 'http://localhost' : address;
}

interface Parts {
  readonly server: Server | null;
  readonly janitor: Janitor;
  readonly services: Services;
  readonly decoder: Decoder;
  readonly store: OpenedStore;
}

async function closeAll({ server, janitor, services, decoder, store }: Parts, grace: number): Promise<void> {
  if (server !== null) await closeServer(server, grace);
  services.retrieval.close();
  await janitor.stop();
  await decoder.close();
  await store.close();
}
