/** The appliance as a process of its own, which a test may kill at any moment. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

export const MAIN = path.resolve(import.meta.dirname, '../../src/main.js');

export interface Life {
  readonly child: ChildProcess;
  /** Resolves with the address or the socket's path once it is said; rejects when the process ends before. */
  readonly ready: Promise<string>;
  /** Everything that it printed so far. */
  output(): string;
  /** SIGKILL, and waits until it is gone. */
  kill(): Promise<void>;
  /** SIGTERM, and waits; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** `settings` are its environment, `nodeArgs` stand before the program, `args` behind the verb, `main` is another build. */
export function startProcess(
  settings: Readonly<Record<string, string>>,
  nodeArgs: readonly string[] = [],
  { main = MAIN, args = [] }: { readonly main?: string; readonly args?: readonly string[] } = {},
): Life {
  const child = spawn(process.execPath, [...nodeArgs, main, 'serve', ...args], {
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', CHATPIC_DESK_LISTEN: '127.0.0.1:0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  const ended = once(child, 'close');
  const ready = new Promise<string>((resolve, reject) => {
    const read = (piece: Buffer): void => {
      printed += piece.toString('utf8');
      const address = /(?:Share something: +(http:\S+?)\/|the socket (\S+))\n/.exec(printed)?.slice(1).find(Boolean);
      if (address !== undefined) resolve(address);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('close', () => reject(new Error(`ended before it was ready: ${printed}`)));
  });
  ready.catch(() => undefined);
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    await ended;
    return child.exitCode;
  };
  return {
    child,
    ready,
    output: () => printed,
    kill: async () => {
      await end('SIGKILL');
    },
    stop: () => end('SIGTERM'),
  };
}
