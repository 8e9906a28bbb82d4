/** A small store on a simulated disk, for tests: tiny geometry, a clock of one's own, every seal counted. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Clock } from '../../src/base/clock.js';
import type * as LedgerStateModule from '../../src/ledger/ledger-state.js';
import type { LedgerState } from '../../src/ledger/ledger-state.js';
import type * as LiveLedgerModule from '../../src/ledger/live-ledger.js';
import type { LiveLedger } from '../../src/ledger/live-ledger.js';
import type * as TablesModule from '../../src/ledger/tables.js';
import { open, seal } from '../../src/crypto/aead.js';
import type * as EpochModule from '../../src/store/epoch.js';
import type { Geometry } from '../../src/store/geometry.js';
import type * as OpenModule from '../../src/store/open.js';
import type { Opened, OpenOptions } from '../../src/store/open.js';
import type { RootKey } from '../../src/store/root-key.js';
import type { Sealer } from '../../src/store/sealer.js';
import type { StoreFiles } from '../../src/store/files.js';

export const TINY: Geometry = {
  unitBytes: 512,
  units: 40,
  slotBytes: 2048,
  pageBytes: 1024,
  pages: 8,
  pieceBytes: 1024,
  snapPieces: 64,
};

const SHARDING = { shards: 2, pageBytes: 512, atOnce: 2 };

/** The product's modules, from its own build or from a copy in which a bug was planted. */
export interface Modules {
  readonly open: typeof OpenModule;
  readonly state: typeof LedgerStateModule;
  readonly ledger: typeof LiveLedgerModule;
  readonly tables: typeof TablesModule;
  readonly epoch: typeof EpochModule;
}

export const BUILD = path.resolve(import.meta.dirname, '../../src');

export async function loadModules(root = BUILD): Promise<Modules> {
  const load = (name: string): Promise<unknown> => import(pathToFileURL(path.join(root, name)).href);
  return {
    open: (await load('store/open.js')) as typeof OpenModule,
    state: (await load('ledger/ledger-state.js')) as typeof LedgerStateModule,
    ledger: (await load('ledger/live-ledger.js')) as typeof LiveLedgerModule,
    tables: (await load('ledger/tables.js')) as typeof TablesModule,
    epoch: (await load('store/epoch.js')) as typeof EpochModule,
  };
}

/** A root key for tests: the same byte 32 times. */
export function rootOf(byte: number): RootKey {
  return { load: () => Promise.resolve(Buffer.from(new ArrayBuffer(32)).fill(byte)) };
}

export class TestClock implements Clock {
  time = 1_800_000_000_000;
  #monotonic = 0;

  wall(): number {
    return this.time;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  advance(milliseconds: number): void {
    this.time += milliseconds;
    this.#monotonic += milliseconds;
  }

  /** The wall clock is set, either way. */
  set(time: number): void {
    this.time = time;
  }
}

/** Counts (key, nonce) pairs that seal two different plaintexts. */
export class CountingSealer implements Sealer {
  reused = 0;
  readonly #seen = new Map<string, string>();
  readonly open = open;

  seal(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Buffer {
    const pair = createHash('sha256').update(key).update(nonce).digest('base64');
    const text = createHash('sha256').update(plaintext).digest('base64');
    const before = this.#seen.get(pair);
    if (before !== undefined && before !== text) this.reused++;
    this.#seen.set(pair, text);
    return seal(key, nonce, plaintext);
  }
}

export interface BenchStore {
  readonly opened: Opened;
  readonly state: LedgerState;
  readonly ledger: LiveLedger;
}

export interface BenchOptions {
  readonly files: StoreFiles;
  readonly clock: Clock;
  readonly geometry?: Geometry;
  readonly rootKey?: RootKey;
  readonly sealer?: Sealer;
  readonly acceptClockJump?: boolean;
}

/** Opens a store; where that fails the memory of its tables is freed. */
export async function openBench(modules: Modules, options: BenchOptions): Promise<BenchStore> {
  const geometry = options.geometry ?? TINY;
  const state = new modules.state.LedgerState(await modules.tables.loadSqlite(), geometry.units, SHARDING);
  const settings: OpenOptions = { geometry, rootKey: rootOf(7), state, ...options };
  try {
    const opened = await modules.open.openSealedStore(settings);
    return { opened, state, ledger: new modules.ledger.LiveLedger(opened.store, state, opened.pool) };
  } catch (error) {
    state.close();
    throw error;
  }
}
