/** What a process can tell of itself, and that doctor asks the one that matters. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { confinementFinding } from '../../src/cli/checks.js';
import { SWAP_UNTOLD, swapFinding } from '../../src/cli/memory-check.js';
import { MAIN, startProcess } from '../recovery/process.js';

const HEAD = 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n';
const DEVICE = '/dev/dm-1                               partition\t998396\t\t0\t\t-2\n';

test.test('swap is good where there is none, or none for this process', (t) => {
  t.equal(swapFinding(HEAD, '').state, 'good');
  t.equal(swapFinding(HEAD, 'max').state, 'good');
  t.equal(swapFinding(HEAD + DEVICE, '0').state, 'good');
  t.equal(swapFinding('', '0').state, 'good', 'as the service, from whom the table is hidden');
  t.equal(swapFinding(HEAD + DEVICE, 'max').state, 'refuse');
  t.equal(swapFinding(HEAD + DEVICE, '').state, 'refuse');
  t.equal(swapFinding('', 'max').state, 'refuse', 'a hidden table is not an empty one');
  t.equal(swapFinding('', ''), SWAP_UNTOLD);
  t.end();
});

test.test('the walls of the decoder', (t) => {
  const shared = { files: 'shared', network: 'none', memory: 'watched' } as const;
  t.equal(confinementFinding({ files: 'own-root', network: 'none', memory: 'limited' }, false).state, 'good');
  t.equal(confinementFinding(shared, false).state, 'warn');
  t.match(confinementFinding(shared, true), { state: 'good', says: /files shared.*: the service's walls$/ });
  t.equal(confinementFinding({ ...shared, network: 'shared' }, true).state, 'warn', 'a way out is a way out');
  t.equal(confinementFinding({ ...shared, memory: 'unwatched' }, true).state, 'warn');
  t.end();
});

test.test('doctor tells what is so for the appliance that runs, not for itself', async (t) => {
  const dir = mkdtempSync(path.join(tmpdir(), 'own-'));
  t.teardown(() => rmSync(dir, { recursive: true }));
  const settings = {
    ...{ CHATPIC_DATA_DIR: path.join(dir, 'var'), TMPDIR: dir, CHATPIC_STORE_MB: '64' },
    ...{ CHATPIC_LISTEN: '127.0.0.1:0', CHATPIC_DESK_LISTEN: '127.0.0.1:0' },
  };
  const switches = (): string => {
    const args = ['--expose-gc', '--clear-free-memory', MAIN, 'doctor', '--json'];
    const env = { PATH: process.env['PATH'], ...settings };
    const { findings } = JSON.parse(spawnSync(process.execPath, args, { env, encoding: 'utf8' }).stdout) as {
      findings: { name: string; says: string }[];
    };
    return findings.find(({ name }) => name === 'memory switches')?.says ?? '';
  };
  t.equal(switches(), '--expose-gc --clear-free-memory');
  const life = startProcess(settings);
  t.teardown(() => life.child.kill('SIGKILL'));
  await life.ready;
  t.match(switches(), 'not given', 'the appliance was started without them');
});
