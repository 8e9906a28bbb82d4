/**
 * The system's tor, run beside the appliance: started with a generated configuration, watched, started again when it
 * dies, and stopped with the appliance.
 *
 * What holds: tor does not outlive this process. It exits at once when the control connection ends (TAKEOWNERSHIP),
 * however that came about, and within 15 s by `__OwningControllerProcess` if there was no connection yet. A guarded
 * service is never started without a valid client key. Nothing that tor says is printed or kept, except that the last
 * lines before a failed start are told to the operator.
 */
import { mkdir, readFile, rm, writeFile, chmod } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import { SECOND } from '../base/units.js';
import type { CircuitId } from './circuit-line.js';
import { assertGuarded } from './client-auth.js';
import { ControlPort } from './control-port.js';
import { systemCode } from './file-errors.js';
import { serviceIdOf, type OnionAddress } from './onion-address.js';
import { openServiceFolder } from './service-folder.js';
import type { TorBinary } from './tor-binary.js';
import { TorChild } from './tor-child.js';
import { TorFault } from './tor-fault.js';
import type { TorFolder } from './tor-folder.js';
import { torrc, type OnionService } from './torrc.js';

const FIRST_PAUSE = 1 * SECOND;
const LONGEST_PAUSE = 60 * SECOND;
const CONTROL_WAIT = 30 * SECOND;
const POLL = 50;

export interface GuardableService extends OnionService {
  /** Only authorised clients may connect: refused to start without a valid key. */
  readonly guarded: boolean;
}

export interface TorParts {
  readonly tor: TorBinary;
  readonly folder: TorFolder;
  readonly services: readonly GuardableService[];
  readonly log: Logger;
  readonly clock: Clock;
  /** Percent of tor's way into the network. */
  readonly onProgress?: (percent: number) => void;
}

export interface RunningTor {
  /** In the order of the services. */
  readonly addresses: readonly OnionAddress[];
  /** Settles when each service's descriptor has reached a directory: from then on visitors find it. */
  readonly published: Promise<void>;
  /** Ends a circuit; does nothing while tor is down. */
  closeCircuit(circuit: CircuitId): void;
  /** Ends tor and waits until it is gone. */
  stop(): Promise<void>;
}

/**
 * Starts tor and resolves when it answers on its control socket; `published` tells when the services can be reached,
 * which takes a minute on a slow day. Throws a `TorFault` that says what tor said if it doesn't start.
 */
export async function startTor(parts: TorParts): Promise<RunningTor> {
  const addresses: OnionAddress[] = [];
  await prepareFolder(parts.folder);
  for (const service of parts.services) addresses.push(await openServiceFolder(service.folder));
  const keeper = new TorKeeper(parts, addresses);
  await keeper.start();
  return keeper;
}

/** Makes a tor that runs beside the appliance read its configuration and client keys again. `false` if none runs. */
export async function reloadTor(folder: TorFolder): Promise<boolean> {
  const control = await ControlPort.connect(folder.control, folder.cookie).catch(() => null);
  if (control === null) return false;
  try {
    await control.command('SIGNAL RELOAD');
    return true;
  } finally {
    control.close();
  }
}

async function prepareFolder(folder: TorFolder): Promise<void> {
  for (const each of [folder.root, folder.data]) {
    await mkdir(each, { recursive: true, mode: 0o700 });
    await chmod(each, 0o700);
  }
}

class TorKeeper implements RunningTor {
  readonly addresses: readonly OnionAddress[];
  readonly published: Promise<void>;
  readonly #parts: TorParts;
  readonly #unpublished: Set<string>;
  readonly #stopping = new AbortController();
  #allPublished: () => void = () => undefined;
  #child: TorChild | null = null;
  #control: ControlPort | null = null;
  #life: Promise<void> = Promise.resolve();

  constructor(parts: TorParts, addresses: readonly OnionAddress[]) {
    this.#parts = parts;
    this.addresses = addresses;
    this.#unpublished = new Set(addresses.map(serviceIdOf));
    this.published = new Promise((resolve) => (this.#allPublished = resolve));
  }

  async start(): Promise<void> {
    const child = await this.#startOnce();
    this.#life = this.#keep(child);
  }

  closeCircuit(circuit: CircuitId): void {
    this.#control?.closeCircuit(circuit).catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#child?.stop();
    await this.#life;
  }

  /** Waits for the end of each life and begins the next, with a pause that grows while they are short. */
  async #keep(first: TorChild): Promise<void> {
    const { clock, log } = this.#parts;
    let child: TorChild | null = first;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      const began = clock.monotonic();
      const code: number | null = child === null ? null : await child.ended;
      this.#control?.close();
      if (this.#isStopping()) return;
      log('tor-exited', code === null ? {} : { code });
      if (clock.monotonic() - began > LONGEST_PAUSE) pause = FIRST_PAUSE;
      await sleep(pause, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
      if (this.#isStopping()) return;
      child = await this.#startOnce().catch(() => null);
    }
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #startOnce(): Promise<TorChild> {
    const { folder, services, tor, log } = this.#parts;
    for (const service of services) if (service.guarded) await assertGuarded(service.folder);
    await writeFile(folder.torrc, await this.#configuration(), { mode: 0o600 });
    // What a killed tor left behind would be taken for the new one's.
    await Promise.all([folder.control, folder.cookie].map((file) => rm(file, { force: true })));
    const child = new TorChild(tor.file, folder.torrc);
    this.#child = child;
    try {
      this.#control = await this.#connect(child);
      await this.#subscribe(this.#control);
    } catch (error) {
      await child.stop();
      throw error;
    }
    log('tor-started');
    return child;
  }

  async #configuration(): Promise<string> {
    const { folder, services } = this.#parts;
    return torrc({
      dataFolder: folder.data,
      controlSocket: folder.control,
      cookieFile: folder.cookie,
      ownerPid: process.pid,
      services,
      extra: await textOf(folder.extra),
    });
  }

  async #connect(child: TorChild): Promise<ControlPort> {
    const { control, cookie } = this.#parts.folder;
    const patience = AbortSignal.timeout(CONTROL_WAIT);
    while (!patience.aborted && child.running && !this.#isStopping()) {
      const port = await ControlPort.connect(control, cookie).catch(() => null);
      if (port !== null) return port;
      await sleep(POLL);
    }
    const said = child.lastWords === '' ? 'it said nothing' : child.lastWords;
    throw new TorFault(`tor did not start: ${said}`, 'correct what it names and start again');
  }

  async #subscribe(control: ControlPort): Promise<void> {
    await control.takeOwnership();
    await control.listen(['HS_DESC', 'STATUS_CLIENT'], ([event = '']) => this.#heard(event));
    const phase = await control.getInfo('status/bootstrap-phase');
    this.#progress(phase);
  }

  #heard(event: string): void {
    const [keyword, action = '', address = ''] = event.split(' ');
    if (keyword === 'STATUS_CLIENT') this.#progress(event);
    if (keyword !== 'HS_DESC' || action !== 'UPLOADED' || !this.#unpublished.delete(address)) return;
    if (this.#unpublished.size > 0) return;
    this.#parts.log('tor-published');
    this.#allPublished();
  }

  #progress(status: string): void {
    const percent = /\bBOOTSTRAP\b.*\bPROGRESS=(\d{1,3})\b/.exec(status)?.[1];
    if (percent !== undefined) this.#parts.onProgress?.(Number(percent));
  }
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw new TorFault(`${file} can't be read`, 'correct its mode, or delete it', { cause: error });
  }
}
