/**
 * `chatpic panic`: nothing in the store can ever be opened again.
 *
 * The slots are overwritten first, which takes well under a second and needs neither key nor lock. A process that has
 * the store open still holds keys in memory and would seal a new epoch: it is told to panic too, and killed if it does not.
 */
import { readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { configure } from '../config/configuration.js';
import { readEnvironment } from '../config/environment.js';
import { destroySlots } from '../store/panic.js';
import { EXIT, explain, print, say } from './terminal.js';

/** What a running appliance takes as the order to panic. */
export const PANIC_SIGNAL = 'SIGUSR2';
const PATIENCE = 700;

export function panicVerb(program: Command): void {
  program
    .command('panic')
    .description('destroy what opens the store: everything in it is gone for ever, in under a second')
    .option('--yes', 'really do it')
    .option('--json', 'print what was done as JSON')
    .action(async (options: { readonly yes?: boolean; readonly json?: boolean }) => {
      process.exitCode = options.yes === true ? await panic(options.json ?? false).catch(explain) : unsure();
    });
}

function unsure(): number {
  say('This destroys every share for ever. Run it again with --yes.');
  return EXIT.usage;
}

async function panic(json: boolean): Promise<number> {
  const configuration = configure(readEnvironment(process.env));
  await destroySlots(configuration);
  const holders = await holdersOf(path.join(configuration.dataDir, 'arena'));
  for (const pid of holders) signal(pid, PANIC_SIGNAL);
  await gone(holders, PATIENCE);
  for (const pid of holders) signal(pid, 'SIGKILL');
  // What a round wrote meanwhile. An index of a TPM that was undefined takes no more.
  if (holders.length > 0 && configuration.tpm === null) await destroySlots(configuration);
  if (json) print(JSON.stringify({ destroyed: true, stopped: holders.length }));
  else print('Gone. Nothing in the store can be opened any more. To begin anew, remove the data folder.');
  return EXIT.done;
}

/**
 * Processes that have `file` open, as far as this user may see. Told by the file itself and not by its name: a service that
 * systemd has put behind walls knows it under another.
 */
async function holdersOf(file: string): Promise<number[]> {
  const wanted = await stat(file).catch(() => null);
  const holders: number[] = [];
  for (const entry of wanted === null ? [] : await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    const folder = `/proc/${entry}/fd`;
    const fds = await readdir(folder).catch(() => []);
    const open = await Promise.all(fds.map((fd) => stat(path.join(folder, fd)).catch(() => null)));
    if (open.some((one) => one?.ino === wanted?.ino && one?.dev === wanted?.dev)) holders.push(Number(entry));
  }
  return holders;
}

function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

async function gone(pids: readonly number[], patience: number): Promise<void> {
  for (let waited = 0; waited < patience && pids.some((pid) => signal(pid, 0)); waited += 20) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
