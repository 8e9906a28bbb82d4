/**
 * The composition root: opens the rooms upward, closes them downward, and is the only place that says `new` to them.
 */
import path from 'node:path';
import { systemClock, type Clock } from './base/clock.js';
import type { Logger } from './base/log.js';
import { SECOND } from './base/units.js';
import type { Configuration, Limits } from './config/configuration.js';
import type { Listen } from './config/environment.js';
import { sha256Base64 } from './crypto/hash.js';
import { giveBackRows } from './crypto/stream.js';
import { startDesk, type DeskProcess } from './desk/desk-process.js';
import { openDeskDoor } from './desk/desk-unit.js';
import { openHost } from './desk/host/host.js';
import { formReceiver } from './intake/multipart.js';
import { giveBackSlabs } from './intake/kept-bytes.js';
import { Pipeline } from './intake/pipeline.js';
import { ProgressBoard } from './intake/progress.js';
import { Vouchers } from './intake/vouchers.js';
import { Activity } from './janitor/activity.js';
import { collectGarbage } from './janitor/collect.js';
import { startJanitor, type Janitor } from './janitor/janitor.js';
import { openStore } from './ledger/open-store.js';
import type { OpenedStore } from './ledger/opened-store.js';
import type { Confinement } from './media/decoder/confine.js';
import { startDecoder, type Decoder } from './media/decoder/decoder.js';
import { CanaryFile } from './moderation/canary-file.js';
import { startClassifier } from './moderation/classifier/classifier.js';
import { confinedClassifier } from './moderation/classifier/confined.js';
import { Moderation } from './moderation/moderation.js';
import { Retrieval } from './retrieval/retrieval.js';
import { Rounds } from './shred/rounds.js';
import type { RootKey } from './store/root-key.js';
import { CircuitLimits, DEFAULT_BOUNDS, type CircuitBounds } from './tor/circuit-limits.js';
import type { ControlCalls } from './web/control.js';
import { controlCalls } from './web/control-calls.js';
import { Challenge } from './web/challenge.js';
import { Counts, type Bound } from './web/counts.js';
import type { Listening } from './web/listen.js';
import {
  mirrorPlace,
  movedPlace,
  onionPlace,
  sendersPlace,
  type OnionListener,
  type Place,
} from './web/listener-places.js';
import { openPlace } from './web/open-place.js';
import { OpenWords } from './web/open-words.js';
import { createPages } from './web/pages/pages.js';
import { overwriteStack } from './web/residue.js';
import type { Services } from './web/services.js';
import { Traffic } from './web/traffic.js';

/** Limits that a flood of uploads runs into: they switch the challenge on. */
const STRAINS: ReadonlySet<Bound> = new Set(['uploads', 'bodies', 'decoders']);
/** Uploads and downloads under way get this long to end when the appliance is stopped. */
const GRACE = 15 * SECOND;
const TEMPLATES = path.resolve(import.meta.dirname, '../../templates');

export interface DeskOptions {
  /** A second way in: the socket on which the staff's onion service arrives. */
  readonly onionSocket: string | null;
}

export interface AppOptions {
  readonly configuration: Configuration;
  readonly rootKey: RootKey;
  readonly log: Logger;
  readonly clock?: Clock;
  readonly onion?: OnionListener;
  /** Whether there is a desk for the staff, always in a process of its own: a child, or whoever comes to its door. */
  readonly desk?: DeskOptions;
  /** The operator has said that a wall clock far ahead of the store's is right. */
  readonly acceptClockJump?: boolean;
  readonly onFilling?: (filledUnits: number, totalUnits: number) => void;
}

export interface App {
  /** Where the senders' site is: an http address, or the path of a socket. */
  readonly address: string;
  readonly store: OpenedStore;
  readonly moderation: Moderation;
  readonly desk: DeskProcess | null;
  /** How its decoder's children are walled in. */
  readonly confinement: () => Promise<Confinement>;
  /** What the operator may ask of it while it runs. */
  readonly calls: ControlCalls;
  /** Resolves when the store can't go on: the process must end, and the next start says what is true. */
  readonly poisoned: Promise<Error>;
  /** Stops listening, lets what is under way end, seals, wipes, and resolves when nothing is left. */
  close(grace?: number): Promise<void>;
}

/** Starts the appliance; resolves when it listens. */
export async function startApp(options: AppOptions): Promise<App> {
  const { configuration, log, onion, clock = systemClock } = options;
  const bounds = configuration.limits;
  const store = await open(options, clock);
  // Every upload in flight may have a picture to decode; none of them is turned away while it waits.
  const decoder = startDecoder({ log, children: bounds.decoders, queue: bounds.decoderQueue });
  const classifier = startClassifier(await confinedClassifier(configuration.classifierFile));
  const moderation = await Moderation.open({ ...store, classifier });
  const vouchers = new Vouchers(store.ledger, () => clock.monotonic());
  const services = assemble(configuration, store, { decoder, moderation, vouchers, clock });
  const limits = new CircuitLimits({
    clock,
    bounds: circuitBounds(bounds),
    closeCircuit: (circuit) => onion?.closeCircuit(circuit),
  });
  const activity = new Activity();
  const listeners: Listening[] = [];
  const janitor = startJanitor({
    ledger: store.ledger,
    grants: services.retrieval.grants,
    rounds: new Rounds(store, configuration.rollSeconds),
    sweep: () => {
      limits.sweep();
      services.traffic.sweep();
      Promise.all([moderation.sweep(store.ledger.now()), vouchers.sweep()]).catch(() => log('sweep-failed'));
    },
    activity,
    collect: (idle) => {
      for (const listener of listeners) listener.forget();
      overwriteStack();
      if (idle === 'long') {
        giveBackSlabs();
        giveBackRows();
      }
      collectGarbage(idle);
    },
    onRoundFailed: () => log('round-failed'),
  });
  const parts: Parts = { listeners, janitor, services, decoder, store, desk: null };
  const listenFor = async (place: Place): Promise<string> => {
    const listener = await openPlace(place, services, { limits, activity, headers: bounds.headers });
    listeners.push(listener);
    return listener.address;
  };
  try {
    const address = await listenFor(sendersPlace(configuration, onion));
    if (onion !== undefined) await listenFor(onionPlace(configuration, onion));
    const moved = movedPlace(configuration, onion);
    if (moved !== null) await listenFor(moved);
    if (configuration.mirror !== null)
      await listenFor(await mirrorPlace(configuration, configuration.mirror, clock, onion));
    const desk = options.desk === undefined ? null : await openDesk(options.desk, options, store, moderation);
    let closing: Promise<void> | null = null;
    const close = (grace = GRACE): Promise<void> => (closing ??= closeAll({ ...parts, desk }, grace));
    const challenged = (): boolean => services.challenge.active;
    const calls = controlCalls({ ...services, vouchers, limits: bounds, challenged });
    const confinement = (): Promise<Confinement> => decoder.confinement();
    return { address, store, moderation, desk, confinement, calls, poisoned: store.poisoned, close };
  } catch (error) {
    await closeAll(parts, 0);
    throw error;
  }
}

function open(
  { configuration, rootKey, acceptClockJump = false, onFilling }: AppOptions,
  clock: Clock,
): Promise<OpenedStore> {
  const { dataDir, slotDir, tpm, storeMegabytes } = configuration;
  const filling = onFilling === undefined ? {} : { onFilling };
  return openStore({ dataDir, slotDir, tpm, rootKey, storeMegabytes, clock, acceptClockJump, ...filling });
}

interface Rooms {
  readonly decoder: Decoder;
  readonly moderation: Moderation;
  readonly vouchers: Vouchers;
  readonly clock: Clock;
}

function assemble(
  c: Configuration,
  { arena, ledger }: OpenedStore,
  { decoder, moderation, vouchers, clock }: Rooms,
): Services {
  const monotonic = (): number => clock.monotonic();
  const challenge = new Challenge(c.challenge, monotonic);
  const counts = new Counts((bound) => {
    if (STRAINS.has(bound)) challenge.strain();
  });
  return {
    pages: createPages({ templatesDir: path.join(TEMPLATES, 'public'), siteName: c.siteName, hashOf: sha256Base64 }),
    policy: c,
    arena,
    ledger,
    pipeline: new Pipeline({ arena, ledger, decoder, moderation, monotonic, ...c, ...c.limits }),
    retrieval: new Retrieval({ arena, ledger, monotonic, ...c.limits }),
    moderation,
    canary: new CanaryFile(c.canaryFile),
    progress: new ProgressBoard(monotonic),
    receiveForm: formReceiver(arena),
    words: c.openWord ? new OpenWords(() => ledger.now()) : null,
    vouchers,
    counts,
    challenge,
    traffic: new Traffic(c.limits, counts, monotonic),
    monotonic,
  };
}

/** The staff's desk, and the door between it and this process. */
async function openDesk(
  { onionSocket }: DeskOptions,
  { configuration, log }: AppOptions,
  { arena, ledger }: OpenedStore,
  moderation: Moderation,
): Promise<DeskProcess> {
  const { deskListen, deskDoor, siteName, holdBorderline: holdsBorderline, holdDays } = configuration;
  const door = await openHost({ arena, ledger, moderation, siteName, holdsBorderline, holdDays });
  if (deskDoor !== null) return openDeskDoor({ door, path: deskDoor, log });
  const places: Listen[] = onionSocket === null ? [deskListen] : [deskListen, { kind: 'unix', path: onionSocket }];
  return startDesk({ door, places, log });
}

/** Requests are counted by the minute. */
function circuitBounds({ circuitRequests, circuitUploads, circuitConnections }: Limits): CircuitBounds {
  return { ...DEFAULT_BOUNDS, requests: circuitRequests, uploads: circuitUploads, connections: circuitConnections };
}

interface Parts {
  readonly listeners: readonly Listening[];
  readonly janitor: Janitor;
  readonly services: Services;
  readonly decoder: Decoder;
  readonly store: OpenedStore;
  readonly desk: DeskProcess | null;
}

async function closeAll({ listeners, janitor, services, decoder, store, desk }: Parts, grace: number): Promise<void> {
  await Promise.all([desk?.close(), ...listeners.map((listener) => listener.close(grace))]);
  services.retrieval.close();
  await janitor.stop();
  await Promise.all([decoder.close(), services.moderation.close()]);
  await store.close();
}
