/**
 * The ledger and its store by themselves, in a process of their own, with units so small that a hundred thousand shares
 * fit on any disk: everything else is as the product has it.
 *
 *     node ledger.js FOLDER COUNT fill      makes a store with COUNT live shares
 *     node ledger.js FOLDER COUNT measure   opens it, makes rounds, and answers over the channel with `LedgerFigures`
 *     node ledger.js FOLDER COUNT expire    the same, and lets all of them expire in the same second
 */
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/base/clock.js';
import { DAY } from '../../src/base/units.js';
import { ALPHANUMERIC, randomSecret, randomToken } from '../../src/crypto/random.js';
import { LedgerState } from '../../src/ledger/ledger-state.js';
import type { Ledger } from '../../src/ledger/ledger.js';
import { LiveLedger } from '../../src/ledger/live-ledger.js';
import { loadSqlite } from '../../src/ledger/tables.js';
import { parseDeletionToken, parseLinkToken, type LinkToken } from '../../src/ledger/tokens.js';
import { diskFiles } from '../../src/store/disk.js';
import { geometryOf, type Geometry } from '../../src/store/geometry.js';
import { openSealedStore, type Opened } from '../../src/store/open.js';
import { keyFile } from '../../src/store/root-key.js';

export interface LedgerFigures {
  /** Seconds from the first call to a store that takes requests. */
  readonly start: number;
  /** Milliseconds: the longest that a look-up waited while rounds were made, and a write. */
  readonly longestRead: number;
  readonly longestWrite: number;
  /** Milliseconds of one round. */
  readonly round: number;
  /** Megabytes: the most that were resident, rounds and all. */
  readonly peak: number;
  /** Microseconds of one look-up. */
  readonly lookUp: number;
  /** Megabytes that a round wrote. */
  readonly written: number;
  /** Milliseconds: the longest that a look-up waited while all shares expired at once, and seconds until all were gone. Null where none did. */
  readonly longestInExpiry: number | null;
  readonly expiry: number | null;
}

const LOOK_UPS = 1000;
const UNIT_BYTES = 512;
const ROUNDS = 5;
const AT_ONCE = 1000;
const SPARE = 2000;

/** How far the clock of this process has been put forward. */
let ahead = 0;
const clock = { wall: () => systemClock.wall() + ahead, monotonic: () => systemClock.monotonic() + ahead };

interface OpenLedger {
  readonly opened: Opened;
  readonly ledger: Ledger;
}

/** The geometry of a store for so many shares, with small units. */
function geometryFor(count: number): Geometry {
  return { ...geometryOf(Math.ceil((count + SPARE) * 0.2622)), unitBytes: UNIT_BYTES };
}

async function open(folder: string, count: number): Promise<OpenLedger> {
  const geometry = geometryFor(count);
  const state = new LedgerState(await loadSqlite(), geometry.units);
  const opened = await openSealedStore({
    files: diskFiles(folder, folder),
    geometry,
    rootKey: keyFile(path.join(folder, 'key', 'root.key')),
    state,
    clock,
  });
  return { opened, ledger: new LiveLedger(opened.store, state, opened.pool) };
}

async function put({ opened, ledger }: OpenLedger): Promise<LinkToken> {
  const link = parseLinkToken(randomToken(16, ALPHANUMERIC));
  const deletion = parseDeletionToken(randomToken(24, ALPHANUMERIC));
  const hold = opened.store.arena.reserve(1);
  if (link === null || deletion === null || hold === null) throw new Error('no token or no unit');
  const expiresAt = ledger.now() + DAY;
  const facts = { mode: 'timed', views: null, hasPassphrase: false, held: false } as const;
  await ledger.put({ link, deletion, secret: randomSecret(32), expiresAt, ...facts, hold });
  return link;
}

async function fill(folder: string, count: number): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const store = await open(folder, count);
  await store.opened.filling;
  for (let done = 0; done < count; done += AT_ONCE) {
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - done) }, () => put(store)));
  }
  await store.opened.close();
}

/** Calls `work` again and again until `signal`; resolves with the longest that it took, waiting for its turn included. */
async function longest(signal: AbortSignal, work: () => unknown): Promise<number> {
  let most = 0;
  for (let due = performance.now(); !signal.aborted;) {
    await work();
    most = Math.max(most, performance.now() - due);
    // Half a millisecond of timer is not waiting: the next call is due when this one sleeps no more.
    due = performance.now() + 1;
    await sleep(1);
  }
  return most;
}

/** What this process handed to the system to write, in one round with nothing else going on. */
async function bytesOfRound(opened: Opened): Promise<number> {
  const handed = (): number => Number(/^wchar: (\d+)/m.exec(readFileSync('/proc/self/io', 'latin1'))?.[1]);
  const before = handed();
  await opened.store.roll();
  return (handed() - before) / 1e6;
}

function timeOf(ledger: Ledger, link: LinkToken): number {
  const before = performance.now();
  for (let i = 0; i < LOOK_UPS; i++) ledger.find(link);
  return (1000 * (performance.now() - before)) / LOOK_UPS;
}

/** All that lives expires in the same second, and the janitor's sweep comes as it does. */
async function expireAll(ledger: Ledger, link: LinkToken): Promise<{ longestInExpiry: number; expiry: number }> {
  const stop = new AbortController();
  const reads = longest(stop.signal, () => ledger.find(link));
  ahead += 2 * DAY;
  const begun = performance.now();
  ledger.sweepExpired();
  const sweeps = setInterval(() => ledger.sweepExpired(), 1000);
  while (ledger.live > 0) await sleep(10);
  const expiry = (performance.now() - begun) / 1000;
  clearInterval(sweeps);
  stop.abort();
  return { longestInExpiry: await reads, expiry };
}

async function measure(folder: string, count: number, expire: boolean): Promise<LedgerFigures> {
  const begun = performance.now();
  const store = await open(folder, count);
  const start = (performance.now() - begun) / 1000;
  const { ledger, opened } = store;
  if (ledger.live < count) throw new Error(`expected ${count} live shares, got ${ledger.live}`);
  const link = await put(store);
  const stop = new AbortController();
  const reads = longest(stop.signal, () => ledger.find(link));
  const writes = longest(stop.signal, () => put(store));
  const before = performance.now();
  for (let round = 0; round < ROUNDS; round++) await opened.store.roll();
  const round = (performance.now() - before) / ROUNDS;
  stop.abort();
  const [longestRead, longestWrite] = await Promise.all([reads, writes]);
  const written = await bytesOfRound(opened);
  const lookUp = timeOf(ledger, link);
  const { longestInExpiry, expiry } = expire ? await expireAll(ledger, link) : { longestInExpiry: null, expiry: null };
  const peak = (Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024) / 1e6;
  await opened.close();
  return { start, longestRead, longestWrite, round, peak, lookUp, written, longestInExpiry, expiry };
}

const [folder = '', count = '0', verb] = process.argv.slice(2);
if (verb === 'fill') await fill(folder, Number(count));
else process.send?.(await measure(folder, Number(count), verb === 'expire'));
process.exit(0);
