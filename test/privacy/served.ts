/**
 * The service as it runs, for whoever looks into its memory: under the switches of systemd/chatpic.service, which are read
 * from the unit so that the two can't part.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '../ports.js';
import { MAIN, startProcess, type Life } from '../recovery/process.js';
import { canReadMemory, familyOf, searchMemory, whileStopped, type Hit } from './memory.js';
import type { Needle } from './needles.js';
import { overTls, overTorsSocket, type Way } from './visitor.js';

export const ROOT = path.resolve(import.meta.dirname, '../../..');
export const STORE_MB = 32;
export const NODE_MAJOR = Number(process.versions.node.split('.')[0]);
/** The pause after which memory must be clean. */
export const PAUSE = 4500;
export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export interface Switches {
  readonly node: readonly string[];
  readonly tunables: readonly string[];
}

/** What the service starts Node with. */
export function serviceSwitches(): Switches {
  const unit = readFileSync(path.join(ROOT, 'systemd/chatpic.service'), 'latin1');
  const node = /^ExecStart=\S+ (.*) \S+main\.js serve$/m.exec(unit)?.[1]?.split(' ') ?? [];
  const tunables = /^Environment=GLIBC_TUNABLES=(\S+)$/m.exec(unit)?.[1]?.split(':') ?? [];
  // Node 20 does not know this one.
  return {
    node: node.filter((flag) => flag !== '--disable-sigusr1' || NODE_MAJOR >= 22),
    tunables,
  };
}

export interface Served {
  readonly life: Life;
  readonly address: string;
  readonly dir: string;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function serve(switches: Switches, settings: Record<string, string> = {}, main = MAIN): Promise<Served> {
  const dir = mkdtempSync(path.join(tmpdir(), 'chatpic-memory-'));
  const inDir = Object.entries(settings).map(([name, value]) => [name, value.replace('DIR', dir)] as const);
  const life = startProcess(
    {
      CHATPIC_DATA_DIR: path.join(dir, 'var'),
      CHATPIC_LISTEN: '127.0.0.1:0',
      CHATPIC_STORE_MB: String(STORE_MB),
      CHATPIC_ROLL_SECONDS: '2',
      GLIBC_TUNABLES: switches.tunables.join(':'),
      ...Object.fromEntries<string>(inDir),
    },
    switches.node,
    { main },
  );
  const address = await life.ready;
  // The store is filled meanwhile.
  await pause(1000);
  const stop = async (): Promise<void> => {
    await life.stop();
    rmSync(dir, { recursive: true, force: true });
  };
  return { life, address, dir, pid: life.child.pid ?? 0, stop };
}

export function told(hits: readonly Hit[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { needle, form } of hits) counts[`${needle} (${form})`] = (counts[`${needle} (${form})`] ?? 0) + 1;
  return counts;
}

export function search(pid: number, needles: readonly Needle[]): Hit[] {
  return whileStopped(pid, () => familyOf(pid).flatMap((member) => searchMemory(member, needles)));
}

/** For tests that look into the memory of others. */
export const readable =
  canReadMemory(process.pid) && process.platform === 'linux' ? {} : { skip: 'needs /proc/PID/mem' };

/** Behind tor's socket, and the mirror's TLS. */
export async function twoWays(): Promise<{ settings: Record<string, string>; ways: (socket: string) => Way[] }> {
  const port = await freePort();
  const settings = {
    CHATPIC_LISTEN: 'unix:DIR/onion.sock',
    CHATPIC_LISTEN_PROXY: 'haproxy',
    CHATPIC_ONION: `${'b3'.repeat(28)}.onion`,
    CHATPIC_MIRROR_LISTEN: `127.0.0.1:${port}`,
    CHATPIC_MIRROR_ORIGIN: `https://127.0.0.1:${port}`,
    CHATPIC_TLS_CERT: 'DIR/cert.pem',
    CHATPIC_TLS_KEY: 'DIR/key.pem',
  };
  return { settings, ways: (socket) => [overTorsSocket(socket), overTls(port)] };
}
