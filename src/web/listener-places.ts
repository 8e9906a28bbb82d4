/** Where the senders' site listens, and what the links that are made there bear: its own addresses, never a Host header's. */
import type { Clock } from '../base/clock.js';
import type { Configuration, Mirror } from '../config/configuration.js';
import { SettingsError, type Listen } from '../config/environment.js';
import type { CircuitId } from '../tor/circuit-line.js';
import type { TlsFiles } from './mirror.js';
import type { Site } from './site.js';
import { loadTls } from './tls.js';

/** A second way in: the socket on which the onion service of a tor beside this process arrives. */
export interface OnionListener {
  /** `http://….onion`. */
  readonly origin: string;
  readonly socket: string;
  /** Where visitors of the address before the last rotation arrive, if it is still served. */
  readonly previousSocket: string | null;
  /** Ends a circuit that is far over its bounds. */
  readonly closeCircuit: (circuit: CircuitId) => void;
}

/** A listener of the senders' site, and what its links bear. */
export interface Place {
  readonly listen: Listen;
  readonly circuitIds: boolean;
  readonly site: (address: string) => Site;
  /** Where this process ends TLS. */
  readonly tls?: TlsFiles;
  /** Only the notice that the site has moved is given there. */
  readonly moved?: boolean;
}

/** The configured listener. Its links bear the onion's address where one is configured, else the address listened on. */
export function sendersPlace(c: Configuration, onion?: OnionListener): Place {
  const { onionOrigin, mirrorOrigin, listen: where, circuitIds } = c;
  const secure = false;
  const site = (address: string): Site =>
    onionOrigin !== null
      ? { kind: 'onion', origin: onionOrigin, onionOrigin, mirrorOrigin, secure }
      : { kind: 'local', origin: originOf(where, address), onionOrigin: onion?.origin ?? null, mirrorOrigin, secure };
  return { listen: where, circuitIds, site };
}

export function onionPlace({ mirrorOrigin }: Configuration, { origin, socket }: OnionListener): Place {
  const site: Site = { kind: 'onion', origin, onionOrigin: origin, mirrorOrigin, secure: false };
  return { listen: { kind: 'unix', path: socket }, circuitIds: true, site: () => site };
}

/** An old onion address: it only tells the new one. */
export function movedPlace(c: Configuration, onion?: OnionListener): Place | null {
  const socket = onion?.previousSocket ?? null;
  const onionOrigin = onion?.origin ?? c.onionOrigin;
  const where: Listen | null = socket === null ? c.movedListen : { kind: 'unix', path: socket };
  if (where === null || onionOrigin === null) return null;
  const site: Site = { kind: 'onion', origin: onionOrigin, onionOrigin, mirrorOrigin: null, secure: false };
  return { listen: where, circuitIds: socket !== null || c.circuitIds, site: () => site, moved: true };
}

function originOf(where: Listen, address: string): string {
  return where.kind === 'unix' ? 'http://localhost' : address;
}

export async function mirrorPlace(
  c: Configuration,
  mirror: Mirror,
  clock: Clock,
  onion?: OnionListener,
): Promise<Place> {
  const origin =
    c.mirrorOrigin ?? (mirror.listen.kind === 'tcp' ? `https://${mirror.listen.host}:${mirror.listen.port}` : null);
  if (origin === null) throw new SettingsError([MIRROR_WITHOUT_ORIGIN]);
  const tls = mirror.tls === null ? null : await loadTls(mirror.tls, new URL(origin).hostname, clock.wall());
  const onionOrigin = c.onionOrigin ?? onion?.origin ?? null;
  const { readOnly } = mirror;
  const site: Site = { kind: 'mirror', origin, onionOrigin, mirrorOrigin: origin, secure: true, readOnly };
  return { listen: mirror.listen, circuitIds: false, site: () => site, ...(tls === null ? {} : { tls }) };
}

const MIRROR_WITHOUT_ORIGIN = {
  name: 'CHATPIC_MIRROR_ORIGIN',
  value: '(none)',
  expected: 'https://NAME of the mirror, because its listener is a socket',
};
