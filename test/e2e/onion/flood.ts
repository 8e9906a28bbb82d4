/**
 * Whether proof of work keeps a service reachable while it is flooded. By hand, because tor asks for work only at its next
 * look at the queue, five minutes after the service began: `npm run build && node build/test/e2e/onion/flood.js` (7 min).
 *
 * The service hands on one visit a second, so that this machine can flood it: twelve visitors ask on new circuits all the
 * time, with a descriptor from before work was asked for, and so without any. Fresh visitors come in between.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/base/clock.js';
import { silentLogger } from '../../../src/base/log.js';
import { findTor } from '../../../src/tor/tor-binary.js';
import { torFolder } from '../../../src/tor/tor-folder.js';
import { startTor } from '../../../src/tor/tor-process.js';
import { startPrivateNetwork } from './private-network.js';
import { askOnion } from './socks.js';

const FLOODERS = 12;
/** Seconds after the start of the flood. */
const BEFORE = 60;
const AFTER = 320;
const VISITS = 6;
const PATIENCE = 60_000;

const root = mkdtempSync(path.join(tmpdir(), 'flood-'));
const network = await startPrivateNetwork();
const folder = torFolder(path.join(root, 'tor'));
mkdirSync(folder.root, { mode: 0o700 });
writeFileSync(folder.extra, network.joinLines);
const server = createServer((_request, response) => response.end('here'));
await new Promise<void>((resolve) => server.listen(folder.webSocket, resolve));
const service = {
  ...{ folder: folder.senders, socket: folder.webSocket, circuitIds: false, guarded: false },
  ...{ maxStreams: 64, proofOfWork: { rate: 1, burst: 2 } },
};
const tor = await findTor(process.env['PATH'] ?? '');
const running = await startTor({ tor, folder, services: [service], log: silentLogger, clock: systemClock });
await running.published;
const host = running.addresses[0] ?? '';
const flooding = await network.startClient();

const began = performance.now();
const seconds = (): number => Math.round((performance.now() - began) / 1000);
let served = 0;
let failed = 0;
async function flood(name: number): Promise<never> {
  for (let n = 0; ; n++) {
    await askOnion(flooding.socksPort, host, `${name}-${n}`, '/').then(
      () => served++,
      () => failed++,
    );
  }
}

/** A visitor who was never here: a tor of his own, which has to fetch the descriptor. */
async function visit(): Promise<void> {
  const visitor = await network.startClient();
  const from = performance.now();
  const asked = askOnion(visitor.socksPort, host, 'visitor', '/').then(
    () => 'served',
    () => 'failed',
  );
  const end = await Promise.race([asked, sleep(PATIENCE, 'given up')]);
  const effort = /Solving proof of work \(effort (\d+)\)/.exec(visitor.said())?.[1] ?? '0';
  const took = ((performance.now() - from) / 1000).toFixed(1);
  console.log(
    `${seconds()} s: a fresh visitor, work ${effort}: ${end} after ${took} s (flood: ${served}, failed ${failed})`,
  );
  await visitor.stop();
}

for (let n = 0; n < FLOODERS; n++) void flood(n);
await sleep(BEFORE * 1000);
await visit();
while (seconds() < AFTER) await sleep(1000);
for (let n = 0; n < VISITS; n++) {
  await visit();
  await sleep(10_000);
}
await running.stop();
await network.stop();
rmSync(root, { recursive: true, force: true });
process.exit();
