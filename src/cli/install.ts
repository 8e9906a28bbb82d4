/**
 * `chatpic install`: puts the files of `systemd/` where the system looks for them, and says what it did and what comes
 * next. What goes where is data (`systemd/install.json`), so that it can be read before anything is done.
 *
 * A file of the operator's is never overwritten: the settings, tor's configuration and a local profile are left as they
 * are, unless they are missing or say nothing (blank lines and comments only).
 */
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { EXIT, explain, print, say } from './terminal.js';

const PACKAGE = path.resolve(import.meta.dirname, '../../..');
const MANIFEST = 'systemd/install.json';

interface Manifest {
  readonly folders: readonly { readonly path: string; readonly mode: string }[];
  readonly files: readonly PlannedFile[];
  /** What comes after a first installation. */
  readonly next: readonly string[];
  /** Where this is, the service is set up: a new root key would be the end of the store. */
  readonly key: string;
  readonly upgrade: readonly string[];
}

interface PlannedFile {
  readonly from: string;
  readonly to: string;
  readonly mode: string;
  /** It is the operator's once it is there. */
  readonly keep: boolean;
}

export type Fate = 'written' | 'replaced' | 'unchanged' | 'kept';

interface InstallOptions {
  readonly dryRun?: boolean;
  readonly root: string;
  readonly json?: boolean;
}

export function installVerb(program: Command): void {
  program
    .command('install')
    .description('put the service, its settings and its socket in place')
    .option('--dry-run', 'only say what would be done')
    .option('--root <folder>', 'the root of the system to install into', '/')
    .option('--json', 'print what was done as JSON')
    .action(async (options: InstallOptions) => {
      process.exitCode = await install(options).catch(explain);
    });
}

async function install({ dryRun = false, root, json = false }: InstallOptions): Promise<number> {
  const manifest = JSON.parse(await readFile(path.join(PACKAGE, MANIFEST), 'utf8')) as Manifest;
  const done: { readonly path: string; readonly fate: Fate }[] = [];
  if (!dryRun) {
    for (const { path: folder, mode } of manifest.folders) await makeFolder(path.join(root, folder), mode);
  }
  for (const file of manifest.files) {
    const content = await readFile(path.join(PACKAGE, file.from), 'utf8');
    const target = path.join(root, file.to);
    const fate = fateOf(content, await textOf(target), file.keep);
    if (!dryRun && fate !== 'unchanged' && fate !== 'kept') await put(target, content, file.mode);
    done.push({ path: file.to, fate });
  }
  const settled = (await textOf(path.join(root, manifest.key))) !== null;
  report(done, settled ? manifest.upgrade : manifest.next, dryRun, json);
  return EXIT.done;
}

/** What becomes of a file; `there` is what stands in its place, `null` = nothing. */
export function fateOf(content: string, there: string | null, keep: boolean): Fate {
  if (there === null) return 'written';
  if (there === content) return 'unchanged';
  return keep && /^\s*[^#\s]/m.test(there) ? 'kept' : 'replaced';
}

function report(
  done: readonly { readonly path: string; readonly fate: Fate }[],
  next: readonly string[],
  dryRun: boolean,
  json: boolean,
): void {
  if (json) {
    print(JSON.stringify({ dryRun, files: done, next }));
    return;
  }
  for (const { path: file, fate } of done) print(`${fate.padEnd(9)} ${file}`);
  if (done.some(({ fate }) => fate === 'kept')) say('What was kept is yours: compare it with the copy in this folder.');
  say(dryRun ? 'Nothing was done. After it would come:' : 'Now:');
  for (const command of next) say(`  ${command}`);
}

async function textOf(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

async function makeFolder(folder: string, mode: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, parseInt(mode, 8));
}

/** Whole or not at all: a unit that was written by half would be read by half. */
async function put(file: string, content: string, mode: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o755 });
  const unfinished = `${file}.chatpic-new`;
  await writeFile(unfinished, content, { mode: parseInt(mode, 8) });
  await chmod(unfinished, parseInt(mode, 8));
  await rename(unfinished, file);
}
