/** Opens one listener of the senders' site: a server with its manners, watched and bounded, and the site on it. */
import type { RequestListener } from 'node:http';
import type { Server as NetServer, Socket } from 'node:net';
import type { Activity } from '../janitor/activity.js';
import { expectCircuitLine } from '../tor/circuit-id.js';
import type { CircuitLimits } from '../tor/circuit-limits.js';
import type { CircuitId } from '../tor/circuit-line.js';
import { frontDoor } from './front-door.js';
import { httpServer, listen, type Listening, type Mannered, type Patience } from './listen.js';
import { mirrorServer } from './mirror.js';
import { createMoved } from './moved.js';
import type { Place } from './listener-places.js';
import { createSenders } from './senders.js';
import type { Services } from './services.js';

export interface Watched {
  readonly limits: CircuitLimits;
  readonly activity: Activity;
  /** Milliseconds for the head of a request. */
  readonly headers: number;
}

export async function openPlace(place: Place, services: Services, watched: Watched): Promise<Listening> {
  const { limits, activity, headers } = watched;
  const { traffic, counts } = services;
  // The address is known only once the server listens, and the site's links bear it.
  const handling: { current: RequestListener } = { current: (_request, response) => void response.destroy() };
  const handler = traffic.through(
    (request, response) => handling.current(request, response),
    () => activity.begin(),
  );
  const { front: outer, http } = serverFor(place, handler, { headers, onSlowHead: () => counts.add('headers') });
  const circuits = place.circuitIds
    ? { limits, circuitOf: expectCircuitLine(http.server, { admit: admitBy(limits) }) }
    : null;
  traffic.watch(outer, () => activity.left());
  const listening = await listen(outer, place.listen, http);
  const site = place.site(listening.address);
  const app = place.moved === true ? createMoved(site, services, circuits) : createSenders(site, services, circuits);
  const answer = app.callback();
  const front = place.moved === true ? null : frontDoor(site, services, circuits);
  handling.current = (request, response) => {
    if (front?.(request, response) !== true) void answer(request, response);
  };
  return listening;
}

/** Plain http, or TLS where the mirror ends it itself. */
function serverFor(
  { tls, site }: Place,
  handler: RequestListener,
  patience: Patience,
): { front: NetServer; http: Mannered } {
  if (tls === undefined) {
    const http = httpServer(handler, patience);
    return { front: http.server, http };
  }
  const { front, secure } = mirrorServer(handler, tls, site('').origin, patience);
  return { front, http: secure };
}

/** Counts a circuit's connections; one that has too many gets no more. */
function admitBy(limits: CircuitLimits): (circuit: CircuitId, socket: Socket) => boolean {
  return (circuit, socket) => {
    const release = limits.connect(circuit);
    if (release === null) return false;
    socket.once('close', release);
    return true;
  };
}
