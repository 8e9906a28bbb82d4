/**
 * Runs the suite and closes with one plain line: `N passed, N failed, N skipped`.
 *
 * Each file is a tap program of its own and is run by node as it was compiled: tap's runner would load a TypeScript
 * loader into every one, which costs more than most of the tests. Arguments name a part of the suite:
 * `npm test -- build/test/store/*.test.js`; `TEST_JOBS` sets how many run at once.
 */
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const BUILD = path.resolve(import.meta.dirname);
const ROOT = path.resolve(BUILD, '../..');
const JOBS = Number(process.env['TEST_JOBS'] ?? 2);
/** A file may take so long; one that was told to look deeper wants more. */
const SECONDS = Number(process.env['CHATPIC_TEST_SECONDS'] ?? 300);

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

function wanted(args: readonly string[]): string[] {
  const all = readdirSync(BUILD, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => path.join(BUILD, name))
    .sort();
  if (args.length === 0) return all;
  const patterns = args.map((arg) => new RegExp(`${arg.replace(/[.+]/g, '\\$&').replace(/\*+\/?/g, '.*')}$`));
  return all.filter((file) => patterns.some((pattern) => pattern.test(file)));
}

/** Runs one file. Depth one of its TAP is a test that people count; deeper points belong to one of these. */
async function run(file: string, counts: Counts): Promise<void> {
  const name = path.relative(ROOT, file);
  const begun = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd: ROOT,
    // tap gives a program 30 seconds unless told otherwise; the timer below is what ends a file that hangs.
    env: { ...process.env, TAP_TIMEOUT: String(SECONDS - 20) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), 1000 * SECONDS);
  const told: string[] = [];
  const errors: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => void errors.push(piece));
  let failed = 0;
  let ended = false;
  for await (const line of createInterface({ input: child.stdout })) {
    told.push(line);
    const figure = /^\s*# figure: (.*)$/.exec(line)?.[1];
    if (figure !== undefined) console.log(`     ${figure}`);
    if (/^# (time|\{ total)|^1\.\./.test(line)) ended = true;
    const [, not, title = ''] = /^(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    if (title === '') continue;
    if (/ # SKIP/.test(title)) {
      counts.skipped++;
      console.log(`skip ${name}: ${title}`);
    } else if (not === undefined) counts.passed++;
    else failed++;
  }
  const code = await new Promise<number | null>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve(child.exitCode);
    else child.once('close', resolve);
  });
  clearTimeout(timer);
  const broken = code !== 0 || !ended;
  if (broken && failed === 0) failed = 1;
  counts.failed += failed;
  console.log(`${failed === 0 ? 'ok  ' : 'FAIL'} ${name} (${((performance.now() - begun) / 1000).toFixed(1)} s)`);
  if (failed > 0) {
    console.log(told.filter((line) => !/^\s*ok /.test(line)).join('\n'));
    console.log(Buffer.concat(errors).toString('utf8'));
  }
}

const files = wanted(process.argv.slice(2));
const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
const queue = [...files];
await Promise.all(
  Array.from({ length: Math.max(1, JOBS) }, async () => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await run(file, counts);
  }),
);
if (files.length === 0) counts.failed = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
