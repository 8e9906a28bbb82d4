/** Servers in processes of their own, so that their time and their memory are theirs alone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const BUILD = path.join(ROOT, 'build');
const REPORT = path.join(BUILD, 'bench/servers/report.js');
const READY = /https?:\/\/127\.0\.0\.1:\d+/;
const STARTING = 60_000;

export class MeasuredServer {
  /** `http://127.0.0.1:PORT` */
  readonly base: string;
  readonly #child: ChildProcess;

  constructor(base: string, child: ChildProcess) {
    this.base = base;
    this.#child = child;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Processor seconds so far, without those of children. */
  async cpuSeconds(): Promise<number> {
    const answer = once(this.#child, 'message');
    this.#child.send('usage');
    const [message] = (await answer) as [{ cpuSeconds: number }];
    return message.cpuSeconds;
  }

  /** Resident megabytes (10^6) now. */
  resident(): number {
    return memoryOf(this.pid, 'VmRSS');
  }

  /** The most that were ever resident, or since `forgetPeak`. */
  peak(): number {
    return memoryOf(this.pid, 'VmHWM');
  }

  /** Seconds in which the thread of the event loop ran, and in which it could have but others had the cores. */
  turns(): { readonly ran: number; readonly waited: number } {
    const [ran = 0, waited = 0] = readFileSync(`/proc/${this.pid}/schedstat`, 'latin1').split(' ').map(Number);
    return { ran: ran / 1e9, waited: waited / 1e9 };
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, '5');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exit;
  }
}

function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return (Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024) / 1e6;
}

/** What `npm start` gives to node and to the C library: what is measured is what runs. */
function productSwitches(): { readonly flags: readonly string[]; readonly tunables: string } {
  const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const start = /&& GLIBC_TUNABLES=(\S+) node (.*) build\/src\/main\.js serve/.exec(scripts['start'] ?? '');
  const [, tunables, flags] = start ?? [];
  if (tunables === undefined || flags === undefined) throw new Error('package.json: no start script as expected');
  return { flags: flags.split(' '), tunables };
}

/** Starts `args` under node and waits until it prints an address. */
async function start(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<MeasuredServer> {
  const extra = (process.env['CHATPIC_BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '');
  const child = spawn(process.execPath, [...extra, '--import', REPORT, ...args], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: { ...process.env, ...environment },
  });
  const base = await new Promise<string>((resolve, reject) => {
    let said = '';
    const timer = setTimeout(() => reject(new Error(`a server did not start: ${said}`)), STARTING);
    const listen = (piece: Buffer): void => {
      said = (said + piece.toString()).slice(-4000);
      const found = READY.exec(said);
      if (found === null) return;
      clearTimeout(timer);
      resolve(found[0]);
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', () => reject(new Error(`a server ended at its start: ${said}`)));
  });
  return new MeasuredServer(base, child);
}

export interface ApplianceSettings {
  readonly storeMegabytes?: number;
  readonly settings?: Readonly<Record<string, string>>;
}

/** The appliance as `npm start` runs it, on a store in `folder` that is filled before (`init`), made where there is none. */
export async function startAppliance(
  folder: string,
  { storeMegabytes = 2048, settings = {} }: ApplianceSettings = {},
): Promise<MeasuredServer> {
  const { flags, tunables } = productSwitches();
  const environment = {
    GLIBC_TUNABLES: tunables,
    CHATPIC_DATA_DIR: path.join(folder, `store-${storeMegabytes}`),
    CHATPIC_STORE_MB: String(storeMegabytes),
    CHATPIC_LISTEN: '127.0.0.1:0',
    CHATPIC_DESK_LISTEN: '127.0.0.1:0',
    CHATPIC_FREE_MB: '100',
    ...settings,
  };
  const main = path.join(BUILD, 'src/main.js');
  await finish(spawn(process.execPath, [main, 'init'], { stdio: 'ignore', env: { ...process.env, ...environment } }));
  return start([...flags, main, 'serve'], environment);
}

/** The limit: bare node:http, busboy and AES-256-GCM. */
export function startFloor(folder: string): Promise<MeasuredServer> {
  return start([path.join(BUILD, 'bench/servers/floor.js'), folder], {});
}

/** The ledger by itself; it answers over the channel. */
export function startNode(script: string, args: readonly string[]): ChildProcess {
  const file = path.join(BUILD, 'bench/servers', script);
  return spawn(process.execPath, ['--expose-gc', file, ...args], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
}

export async function finish(child: ChildProcess): Promise<void> {
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error(`${child.spawnargs.slice(1, 4).join(' ')} ended with ${code ?? 'a signal'}`);
}
