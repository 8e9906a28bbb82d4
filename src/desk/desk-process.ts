/**
 * The desk as a child of the appliance, seen from there: started, watched, and started again when it ends.
 *
 * Why a process: the staff's private key is in its memory while somebody is signed in, and pages that strangers ask for are
 * answered in another (invariant 23). The other way, a service of its own: desk-unit.ts; when which: docs/decisions/024-desk.md.
 *
 * It inherits nothing but its end of the door, an empty environment, and where systemd made its socket, that descriptor.
 * When it ends by itself the sessions are gone, and the site for senders has noticed nothing.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import path from 'node:path';
import type { Logger } from '../base/log.js';
import { MINUTE, SECOND } from '../base/units.js';
import { SettingsError, type Listen } from '../config/environment.js';
import { inheritableDescriptors } from '../media/decoder/descriptors.js';
import { inheritedSocket } from '../web/inherited-sockets.js';
import type { Door } from './door.js';
import type { DeskPlace } from './run-desk.js';
import { answerThrough } from './pipe.js';

const MAIN = path.join(import.meta.dirname, 'main.js');
const FLAGS = ['--disable-proto=delete', '--clear-free-memory', '--expose-gc', '--no-warnings'];
const FIRST_PAUSE = SECOND;
const LONGEST_PAUSE = MINUTE;
/** One that ran so long had not failed to start. */
const LONG_LIFE = MINUTE;
const START_TIME = 20 * SECOND;
const END_TIME = 5 * SECOND;
/** In the child: 0 to 2, the door, then the sockets that listen already. */
const FIRST_SOCKET = 4;

/** The desk as the appliance has it, whichever way it is run. */
export interface DeskProcess {
  /** In the order of the places: http addresses, or paths of sockets. None where the desk listens on its own account. */
  readonly addresses: readonly string[];
  /** False while it is being started again: moderators can't come. */
  readonly present: boolean;
  /** Of a child; null where it is none, or is being started again. */
  readonly pid: number | null;
  /** Ends what it has of the appliance, upon which it wipes its keys and ends; resolves when a child is gone. */
  close(): Promise<void>;
}

export interface DeskProcessOptions {
  readonly door: Door;
  readonly places: readonly Listen[];
  readonly log: Logger;
}

/** Starts the desk; resolves when it listens. Throws a `SettingsError` where it can't. */
export async function startDesk(options: DeskProcessOptions): Promise<DeskProcess> {
  const keeper = new Keeper(options);
  await keeper.start();
  return keeper;
}

class Keeper implements DeskProcess {
  readonly #options: DeskProcessOptions;
  /** Ports that the system chose at the first start stay the same after it. */
  #places: readonly Listen[];
  #addresses: readonly string[] = [];
  #life: Life | null = null;
  #closed = false;
  #pause = FIRST_PAUSE;
  #again: NodeJS.Timeout | null = null;

  constructor(options: DeskProcessOptions) {
    this.#options = options;
    this.#places = options.places;
  }

  get addresses(): readonly string[] {
    return this.#addresses;
  }

  get present(): boolean {
    return this.#life !== null;
  }

  get pid(): number | null {
    return this.#life?.pid ?? null;
  }

  async start(): Promise<void> {
    const began = performance.now();
    const life = new Life(this.#places, this.#options.door);
    this.#life = life;
    this.#addresses = await life.addresses;
    this.#places = this.#places.map((place, at) => fixed(place, this.#addresses[at] ?? ''));
    void life.gone.then((code) => this.#ended(code, performance.now() - began));
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#again !== null) clearTimeout(this.#again);
    await this.#life?.end();
  }

  #ended(code: number, lived: number): void {
    this.#life = null;
    if (this.#closed) return;
    this.#options.log('desk-exited', { code });
    if (lived > LONG_LIFE) this.#pause = FIRST_PAUSE;
    this.#startLater();
  }

  /** Each start that does not last is followed by a longer pause. */
  #startLater(): void {
    const again = (): void => {
      this.start().catch(() => {
        if (!this.#closed) this.#startLater();
      });
    };
    this.#again = setTimeout(again, this.#pause).unref();
    this.#pause = Math.min(LONGEST_PAUSE, 2 * this.#pause);
  }
}

/** One process, from its start to its end. */
class Life {
  readonly #child: ChildProcess;
  readonly #door: Duplex;
  /** Rejects when it can't listen. */
  readonly addresses: Promise<readonly string[]>;
  /** Its exit code; -1 for one that a signal ended. */
  readonly gone: Promise<number>;

  constructor(places: readonly Listen[], door: Door) {
    this.#child = spawnDesk(places);
    this.gone = new Promise((resolve) => {
      this.#child.once('error', () => resolve(-1));
      this.#child.once('exit', (code) => resolve(code ?? -1));
    });
    this.#door = this.#child.stdio[3] as Duplex;
    // Who does not speak the format has been taken over, or is broken.
    answerThrough(this.#door, door, () => this.#child.kill('SIGKILL'));
    this.addresses = this.#listening(places);
  }

  get pid(): number | null {
    return this.#child.pid ?? null;
  }

  async end(): Promise<void> {
    this.#door.destroy();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), END_TIME);
    await this.gone;
    clearTimeout(timer);
  }

  async #listening(places: readonly Listen[]): Promise<readonly string[]> {
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), START_TIME);
    try {
      const said = (await firstLine(this.#child, this.gone)) as { addresses?: string[]; code?: string };
      if (said.addresses === undefined) throw cannotListen(places, said.code ?? 'unknown');
      return said.addresses;
    } finally {
      clearTimeout(timer);
    }
  }
}

function spawnDesk(places: readonly Listen[]): ChildProcess {
  const nothing = openSync('/dev/null', 'r');
  try {
    const sockets = places.map((listen) =>
      listen.kind === 'unix' ? inheritedSocket(listen.path, process.env, process.pid) : null,
    );
    const stdio: (number | 'pipe' | 'ignore')[] = ['ignore', 'pipe', 'ignore', 'pipe'];
    const told: DeskPlace[] = places.map((listen, at) => {
      const socket = sockets[at] ?? null;
      return { listen, descriptor: socket === null ? null : stdio.push(socket) - 1 };
    });
    // What this process was started with, the senders' socket above all, is not for the desk.
    const last = Math.max(0, ...inheritableDescriptors());
    for (let fd = Math.max(FIRST_SOCKET, stdio.length); fd <= last; fd++) stdio.push(nothing);
    const child = spawn(process.execPath, [...FLAGS, MAIN, JSON.stringify(told)], {
      cwd: '/',
      env: keptEnvironment(),
      stdio,
    });
    return child;
  } finally {
    closeSync(nothing);
  }
}

/** How the allocator wipes what is freed; nothing else of the environment is for the desk. */
function keptEnvironment(): Record<string, string> {
  const tunables = process.env['GLIBC_TUNABLES'];
  return tunables === undefined ? {} : { GLIBC_TUNABLES: tunables };
}

async function firstLine(child: ChildProcess, gone: Promise<number>): Promise<unknown> {
  let text = '';
  const line = new Promise<string>((resolve) => {
    child.stdout?.on('data', (piece: Buffer) => {
      if (text.length < 4096) text += piece.toString('utf8');
      if (text.includes('\n')) resolve(text);
    });
  });
  const said = await Promise.race([line, gone.then(() => (text.includes('\n') ? text : '{}'))]);
  return JSON.parse(said) as unknown;
}

function cannotListen(places: readonly Listen[], code: string): SettingsError {
  const value = places.map((place) => (place.kind === 'unix' ? place.path : `${place.host}:${place.port}`)).join(', ');
  return new SettingsError([
    { name: 'CHATPIC_DESK_LISTEN', value, expected: `an address where the desk can listen (${code})` },
  ]);
}

function fixed(place: Listen, address: string): Listen {
  if (place.kind === 'unix' || address === '') return place;
  return { ...place, port: Number(new URL(address).port) };
}
