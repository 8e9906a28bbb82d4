/** `--onion`: the system's tor, run beside the appliance, with its keys in a folder of their own. */
import path from 'node:path';
import { systemClock } from '../base/clock.js';
import type { Logger } from '../base/log.js';
import type { OnionListener } from '../web/listener-places.js';
import type { Configuration } from '../config/configuration.js';
import { openServiceFolder, readServiceAddress } from '../tor/service-folder.js';
import { findTor } from '../tor/tor-binary.js';
import { torFolder } from '../tor/tor-folder.js';
import { startTor, type RunningTor } from '../tor/tor-process.js';
import { PUBLIC_SERVICE } from '../tor/torrc.js';
import { staffOnion, type StaffOnion } from './staff-onion.js';
import { progressLine } from './terminal.js';

export interface PreparedOnion {
  readonly listener: OnionListener;
  /** The staff's service; null where nobody was given a key to it. */
  readonly staff: StaffOnion | null;
  /** Starts tor, once the socket is there. Throws a `TorFault` that says what tor said. */
  start(): Promise<void>;
  /** Settles when visitors can find the address. */
  readonly published: Promise<void>;
  stop(): Promise<void>;
}

/** Finds tor and makes or reads the onion's keys: the address is known before tor runs. */
export async function prepareOnion({ dataDir }: Configuration, log: Logger): Promise<PreparedOnion> {
  const tor = await findTor(process.env['PATH'] ?? '');
  const folder = torFolder(path.join(dataDir, 'tor'));
  const address = await openServiceFolder(folder.senders);
  const { maxStreams, proofOfWork } = PUBLIC_SERVICE;
  const senders = {
    folder: folder.senders,
    socket: folder.webSocket,
    circuitIds: true,
    maxStreams,
    proofOfWork: tor.proofOfWork ? proofOfWork : null,
    guarded: false,
  };
  // After a rotation the old address goes on answering: links that were given out bear it.
  const previousSocket = (await readServiceAddress(folder.previous)) === null ? null : folder.previousSocket;
  const previous = previousSocket === null ? [] : [{ ...senders, folder: folder.previous, socket: previousSocket }];
  const staff = await staffOnion(folder);
  const services = [senders, ...previous, ...(staff === null ? [] : [staff.service])];
  let running: RunningTor | null = null;
  let announce: (done: Promise<void>) => void = () => undefined;
  const published = new Promise<void>((resolve) => {
    announce = resolve;
  });
  return {
    listener: {
      origin: `http://${address}`,
      socket: folder.webSocket,
      previousSocket,
      closeCircuit: (circuit) => running?.closeCircuit(circuit),
    },
    staff,
    async start() {
      const onProgress = (percent: number): void => progressLine(percent < 100 ? `Tor: ${percent} %` : '');
      running = await startTor({ tor, folder, services, log, clock: systemClock, onProgress });
      announce(running.published);
    },
    published,
    async stop() {
      await running?.stop();
    },
  };
}
