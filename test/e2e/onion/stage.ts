/**
 * The appliance behind a real tor, in a private Tor network on this machine, for the tests of this folder. Beside it, behind
 * the same tor, stands a bare `node:http` server that answers the same bytes.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { systemClock } from '../../../src/base/clock.js';
import { silentLogger } from '../../../src/base/log.js';
import type { CircuitId } from '../../../src/tor/circuit-line.js';
import { addClient, issueClientKey, parseClientName } from '../../../src/tor/client-auth.js';
import { ControlPort } from '../../../src/tor/control-port.js';
import { openServiceFolder } from '../../../src/tor/service-folder.js';
import { findTor } from '../../../src/tor/tor-binary.js';
import { torFolder, type TorFolder } from '../../../src/tor/tor-folder.js';
import { startTor, type GuardableService, type RunningTor } from '../../../src/tor/tor-process.js';
import { PUBLIC_SERVICE, STAFF_SERVICE } from '../../../src/tor/torrc.js';
import { startAppliance, type Appliance } from '../../stories/appliance.js';
import { startPrivateNetwork, type PrivateNetwork, type TorClient } from './private-network.js';
import { askOnion } from './socks.js';

/** What is compared with the bare server, in bytes. */
export const PART = 15_000_000;

export interface Onion {
  readonly network: PrivateNetwork;
  readonly folder: TorFolder;
  readonly appliance: Appliance;
  readonly running: RunningTor;
  readonly client: TorClient;
  readonly site: string;
  readonly desk: string;
  readonly bare: string;
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

async function serveBytes(socket: string, bytes: Buffer): Promise<Server> {
  const server = createServer((_request, response) => response.end(bytes));
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return server;
}

/** Everything up and published; the teardowns take it down in reverse. */
export async function raise(scope: { teardown: (end: () => unknown) => unknown }, bareBytes: Buffer): Promise<Onion> {
  const root = mkdtempSync(path.join(tmpdir(), 'chatpic-onion-'));
  scope.teardown(() => rmSync(root, { recursive: true, force: true }));
  const network = await startPrivateNetwork();
  scope.teardown(() => network.stop());
  const folder = torFolder(path.join(root, 'tor'));
  mkdirSync(folder.root, { mode: 0o700 });
  writeFileSync(folder.extra, network.joinLines);
  const site = await openServiceFolder(folder.senders);
  const appliance = await startAppliance({
    settings: {
      CHATPIC_LISTEN: `unix:${folder.webSocket}`,
      CHATPIC_LISTEN_PROXY: 'haproxy',
      CHATPIC_ONION: site,
      CHATPIC_ANY_FILE: 'on',
      CHATPIC_STORE_MB: '256',
    },
  });
  scope.teardown(() => appliance.stop());
  await openServiceFolder(folder.staff);
  const bareSocket = path.join(folder.root, 'bare.sock');
  const servers = [await serveBytes(bareSocket, bareBytes), await serveBytes(folder.deskSocket, Buffer.from('desk'))];
  scope.teardown(() => servers.forEach((server) => server.close().closeAllConnections()));
  const tor = await findTor(process.env['PATH'] ?? '');
  const common = { circuitIds: false, guarded: false };
  const services: GuardableService[] = [
    { ...common, folder: folder.senders, socket: folder.webSocket, ...PUBLIC_SERVICE, circuitIds: true },
    { ...common, folder: folder.staff, socket: folder.deskSocket, ...STAFF_SERVICE, guarded: true },
    { ...common, folder: path.join(folder.root, 'bare'), socket: bareSocket, ...PUBLIC_SERVICE },
  ];
  await addClient(folder.staff, { name: parseClientName('operator')!, publicKey: issueClientKey().publicKey });
  const running = await startTor({ tor, folder, services, log: silentLogger, clock: systemClock });
  scope.teardown(() => running.stop());
  const [client] = await Promise.all([network.startClient(), running.published]);
  const [, desk, bare] = running.addresses;
  return { network, folder, appliance, running, client, site, desk: desk!, bare: bare! };
}

/** Ends every circuit on which visitors are now, as a relay does that goes away. */
export async function killCircuits({ folder, running }: Onion): Promise<number> {
  const control = await ControlPort.connect(folder.control, folder.cookie);
  const status = await control.getInfo('circuit-status');
  control.close();
  const rendezvous = status.split('\n').filter((line) => line.includes('PURPOSE=HS_SERVICE_REND'));
  for (const line of rendezvous) running.closeCircuit(Number(line.split(' ')[0]) as CircuitId);
  return rendezvous.length;
}

export function rate(bytes: number, began: number): number {
  return bytes / 1e6 / ((performance.now() - began) / 1000);
}

/**
 * The appliance's rate over the bare server's, the same bytes from both. A circuit is as fast as its relays are just
 * then, so they are measured in turns, on fresh circuits, and the best of at most four is kept.
 */
export async function bestRatio(
  { client, site, bare }: Onion,
  file: string,
  say: (text: string) => void,
): Promise<number> {
  let best = 0;
  for (let round = 0; round < 4 && best < 0.9; round++) {
    let began = performance.now();
    const reference = await askOnion(client.socksPort, bare, `bare-${round}`, '/');
    const limit = rate(reference.body.length, began);
    began = performance.now();
    const headers = { Range: `bytes=0-${PART - 1}` };
    const answer = await askOnion(client.socksPort, site, `rate-${round}`, file, { headers });
    const got = rate(answer.body.length, began);
    say(`download: ${got.toFixed(2)} MB/s beside ${limit.toFixed(2)} MB/s bare, ratio ${(got / limit).toFixed(2)}`);
    best = Math.max(best, got / limit);
  }
  return best;
}
