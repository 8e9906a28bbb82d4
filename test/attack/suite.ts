/**
 * Attacks on the appliance over loopback, one after the other, while a normal visitor shares pictures: how long that takes,
 * what the server holds in memory meanwhile, and whether it gives it back.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { startAppliance, type MeasuredServer } from '../../bench/servers/server.js';
import { freePort } from '../ports.js';
import { parseShared, picture } from '../stories/appliance.js';
import type { Attack, Target } from './attack.js';
import { placeOf, type Place } from './wire.js';

export interface SuiteOptions {
  /** Where the store lies. */
  readonly folder: string;
  readonly storeMegabytes: number;
  readonly attacks: readonly Attack[];
  /** A part of the full size, 0 to 1. */
  readonly scale: number;
  /** Milliseconds for which each attack is held. */
  readonly hold: number;
  /** Milliseconds of rest before memory is looked at: what is not needed goes after some quiet seconds. */
  readonly rest: number;
  /** Milliseconds within which memory must be back after that. */
  readonly settle: number;
  /** Shares that the visitor makes at least during each. */
  readonly least: number;
  readonly onResult?: (result: AttackResult) => void;
}

export interface AttackResult {
  readonly name: string;
  readonly held: string;
  /** The normal visitor's shares: how many, and milliseconds of the middle one and the slowest. */
  readonly shares: number;
  readonly middle: number;
  readonly slowest: number;
  readonly failures: readonly string[];
  /** Megabytes (10^6). */
  readonly peak: number;
  readonly after: number;
  /** The most descriptors that the server had open. */
  readonly descriptors: number;
  readonly wrong: readonly string[];
  /** Of the time that the attack was held: the part in which the server's event loop ran, and waited for a core of the machine. */
  readonly ran: number;
  readonly waited: number;
}

export interface SuiteResult {
  readonly idle: number;
  readonly quiet: AttackResult;
  readonly attacks: readonly AttackResult[];
}

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** What may stay over idle memory: free pieces of the C library's heap between pieces that are used. */
export const SLACK_MB = 48;

interface Told {
  readonly milliseconds: number;
  readonly failure: string | null;
}

/** The normal visitor. */
class Visitor {
  readonly #child: ChildProcess;
  #told: Told[] = [];
  #since = 0;

  constructor(base: string) {
    this.#child = fork(path.join(import.meta.dirname, 'visitor.js'), [base]);
    this.#child.on('message', (told) => {
      // One that began before is not this attack's.
      if (performance.now() - (told as Told).milliseconds >= this.#since) this.#told.push(told as Told);
    });
  }

  /** What it told for `milliseconds`, and longer until there were a few shares. */
  async watch(milliseconds: number, least = 1): Promise<Told[]> {
    this.#told = [];
    this.#since = performance.now();
    this.#child.send('go');
    await pause(milliseconds);
    for (let waited = 0; this.#told.length < least && waited < 60; waited++) await pause(500);
    return this.#told;
  }

  rest(): void {
    this.#child.send('rest');
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

export async function runSuite(options: SuiteOptions): Promise<SuiteResult> {
  const mirror = { host: '127.0.0.1', port: await freePort() };
  const server = await startAppliance(options.folder, {
    storeMegabytes: options.storeMegabytes,
    settings: { CHATPIC_CHALLENGE: 'off', CHATPIC_ROLL_SECONDS: '5', ...mirrorSettings(options.folder, mirror) },
  });
  const visitor = new Visitor(server.base);
  try {
    const target = await targetOf(server, options.scale, mirror);
    await visitor.watch(3000);
    const quiet = await measured('(nobody attacks)', server, visitor, { ...options, idle: Infinity });
    const idle = quiet.after;
    const attacks: AttackResult[] = [];
    for (const attack of options.attacks) {
      const result = await measured(attack.name, server, visitor, { ...options, idle, attack, target });
      attacks.push(result);
      options.onResult?.(result);
    }
    return { idle, quiet, attacks };
  } finally {
    visitor.stop();
    await server.stop();
  }
}

/** A mirror beside the senders' site, with a certificate of its own. */
function mirrorSettings(folder: string, { host, port }: Place): Record<string, string> {
  return {
    CHATPIC_MIRROR_LISTEN: `${host}:${port}`,
    CHATPIC_MIRROR_ORIGIN: `https://${host}:${port}`,
    CHATPIC_TLS_CERT: path.join(folder, 'cert.pem'),
    CHATPIC_TLS_KEY: path.join(folder, 'key.pem'),
  };
}

interface Measure extends Pick<SuiteOptions, 'hold' | 'rest' | 'settle' | 'least'> {
  readonly idle: number;
  readonly attack?: Attack;
  readonly target?: Target;
}

async function measured(
  name: string,
  server: MeasuredServer,
  visitor: Visitor,
  { idle, attack, target, hold, rest, settle, least }: Measure,
): Promise<AttackResult> {
  server.forgetPeak();
  const descriptors = new Watermark(() => readdirSync(`/proc/${server.pid}/fd`).length);
  const running = attack === undefined || target === undefined ? null : await attack.begin(target);
  const [before, begun] = [server.turns(), performance.now()];
  const told = await visitor.watch(hold, least);
  const [turns, seconds] = [server.turns(), (performance.now() - begun) / 1000];
  const held = running?.held() ?? '';
  const peak = server.peak();
  await running?.stop();
  // Memory is given back when it is quiet.
  visitor.rest();
  await pause(rest);
  const times = told.map(({ milliseconds }) => milliseconds).sort((a, b) => a - b);
  return {
    name,
    held,
    shares: times.length,
    middle: times[Math.floor(times.length / 2)] ?? Infinity,
    slowest: times.at(-1) ?? Infinity,
    failures: [...new Set(told.flatMap(({ failure }) => failure ?? []))],
    peak,
    descriptors: descriptors.end(),
    after: await settled(server, idle + SLACK_MB, settle),
    wrong: running?.wrong() ?? [],
    ran: (turns.ran - before.ran) / seconds,
    waited: (turns.waited - before.waited) / seconds,
  };
}

/** The most that `read` ever said, asked a few times a second. */
class Watermark {
  #most = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(read: () => number) {
    this.#timer = setInterval(() => (this.#most = Math.max(this.#most, read())), 200);
  }

  end(): number {
    clearInterval(this.#timer);
    return this.#most;
  }
}

/** Memory once it is at most `most`, or after `patience` milliseconds. */
async function settled(server: MeasuredServer, most: number, patience: number): Promise<number> {
  const begun = performance.now();
  let resident = server.resident();
  while (resident > most && performance.now() - begun < patience) {
    await pause(500);
    resident = server.resident();
  }
  return resident;
}

async function targetOf({ base }: MeasuredServer, scale: number, mirror: Place): Promise<Target> {
  const send = async (fill: (form: FormData) => void): Promise<string> => {
    const form = new FormData();
    fill(form);
    const answer = await fetch(`${base}/`, { method: 'POST', body: form });
    if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}`);
    return parseShared(await answer.text()).token;
  };
  const file = (bytes: Buffer, name: string): ((form: FormData) => void) => {
    return (form) => form.append('file', new Blob([Uint8Array.from(bytes)]), name);
  };
  const photos = await Promise.all([1, 2, 3, 4, 5, 6].map((seed) => picture(seed, 1600, 1200)));
  const shares = {
    large: await send(file(Buffer.alloc(20_000_000, 'words '), 'a.txt')),
    album: await send((form) => {
      for (const photo of photos) file(photo, 'photo.jpg')(form);
      file(Buffer.alloc(250_000, 'words '), 'a.txt')(form);
    }),
    locked: await send((form) => {
      form.set('note', 'words');
      form.set('passphrase', 'right');
    }),
  };
  return { place: placeOf(base), shares, scale, mirror };
}

const mega = (value: number): string => `${Math.round(value)} MB`;
const seconds = (value: number): string => `${(value / 1000).toFixed(2)} s`;
const percent = (part: number): string => `${Math.round(100 * part)} %`;

/** One result as a row of the table. */
export function rowOf(result: AttackResult): string {
  const { name, held, middle, slowest, shares, failures, peak, after, descriptors, wrong, ran, waited } = result;
  const times = `${seconds(middle)}, ${seconds(slowest)} (${shares})`;
  const turns = `${percent(ran)}, ${percent(waited)}`;
  const cells = [name, held, descriptors, times, mega(peak), mega(after), turns, [...failures, ...wrong].join('; ')];
  return `| ${cells.join(' | ')} |`;
}

/** The result as a table of Markdown. */
export function tableOf({ idle, quiet, attacks }: SuiteResult): string {
  const names = [
    'attack',
    'load, as the attacker counts it',
    'descriptors',
    'a normal share: middle, slowest (how many)',
    'peak memory',
    'after',
    'the server ran, waited for a core',
    'wrong',
  ];
  const head = [`| ${names.join(' | ')} |`, `|${' --- |'.repeat(names.length)}`];
  return [`Idle memory ${mega(idle)}.`, '', ...head, ...[quiet, ...attacks].map(rowOf)].join('\n');
}
