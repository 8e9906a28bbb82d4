/**
 * Runs the suite under tap and closes with one plain line: `N passed, N failed, N skipped`.
 * Arguments are handed to tap: `npm test -- build/test/store/*.test.js` runs a part.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const require = createRequire(import.meta.url);
const tap = require.resolve('tap').replace(/dist.*$/, 'dist/esm/run.mjs');
const child = spawn(process.execPath, [tap, 'run', '-Rtap', ...process.argv.slice(2)], {
  stdio: ['ignore', 'pipe', 'inherit'],
});

const counts = { passed: 0, failed: 0, skipped: 0 };
const verbose = process.env['CI'] !== undefined;
let failing = false;
for await (const line of createInterface({ input: child.stdout })) {
  const point = /^( *)(not )?ok \d+ - (.*)$/.exec(line);
  if (point === null) {
    if (failing && /^ {2,}\S/.test(line)) console.log(line);
    continue;
  }
  const [, indent = '', not, title = ''] = point;
  failing = not !== undefined && !/# (TODO|SKIP)/.test(title);
  if (failing || indent === '' || (verbose && indent.length === 4 && /# SKIP/.test(title))) console.log(line);
  if (indent.length !== 4) continue;
  // Depth one is a named test of a file: what people count. A file that dies outside its tests is counted below.
  if (/# SKIP/.test(title)) counts.skipped++;
  else if (failing) counts.failed++;
  else counts.passed++;
}
const code = await new Promise<number>((resolve) => child.once('close', (value) => resolve(value ?? 1)));
if (code !== 0 && counts.failed === 0) counts.failed = 1;
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed === 0 ? 0 : 1;
