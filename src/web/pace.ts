/**
 * The least rate of a request's body: 1 KB a second over a minute. There is no limit on the whole time, because an upload
 * over Tor may honestly take long; one that stalls gives its place to others.
 */
import type { IncomingMessage } from 'node:http';
import { SECOND } from '../base/units.js';

const WINDOW = 60 * SECOND;
const LEAST_BYTES = 60_000;

/** Watches `request` until it ends, and cuts it when it is slower than that. */
export function watchPace(request: IncomingMessage): void {
  let bytesBefore = 0;
  const timer = setInterval(() => {
    const { bytesRead } = request.socket;
    if (bytesRead - bytesBefore < LEAST_BYTES) request.destroy();
    bytesBefore = bytesRead;
  }, WINDOW);
  timer.unref();
  const stop = (): void => clearInterval(timer);
  request.once('end', stop);
  request.once('close', stop);
}
