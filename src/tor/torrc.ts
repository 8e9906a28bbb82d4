/**
 * The configuration of the tor that runs beside the appliance: onion services and nothing else.
 *
 * No listener but the onions themselves, no log file (what tor says goes to its standard output, errors only), no
 * program started by tor. `torrc.example` explains each line for tor as a service of the system; the two are held
 * together by a test.
 */
import { TorFault } from './tor-fault.js';

export interface ProofOfWork {
  /** Rendezvous a second that tor hands on while it asks for work, and how many at once. */
  readonly rate: number;
  readonly burst: number;
}

export interface OnionService {
  /** Where its keys are (`HiddenServiceDir`). */
  readonly folder: string;
  /** The Unix socket on which the appliance listens for it. */
  readonly socket: string;
  /** Whether each connection begins with the circuit's ID: the listener must expect it. */
  readonly circuitIds: boolean;
  /** Streams that one circuit may have open. */
  readonly maxStreams: number;
  /** `null` where the tor in use can't, or where client authorisation keeps strangers out anyway. */
  readonly proofOfWork: ProofOfWork | null;
}

export interface TorrcSettings {
  readonly dataFolder: string;
  readonly controlSocket: string;
  readonly cookieFile: string;
  /** Tor exits within 15 s of the end of this process. */
  readonly ownerPid: number;
  readonly services: readonly OnionService[];
  /** Lines of the operator's, such as bridges; last, so that they win over the ones before. */
  readonly extra: string;
}

/** What a service for the public is given: bounds against floods that a busy honest day does not reach. */
export const PUBLIC_SERVICE = { maxStreams: 64, proofOfWork: { rate: 50, burst: 500 } } as const;
/** What a service behind client authorisation is given: strangers never get as far as the rendezvous. */
export const STAFF_SERVICE = { maxStreams: 32, proofOfWork: null } as const;

/** A Unix socket's path has at most 107 bytes on Linux; tor and Node both cut or refuse longer ones. */
export const MAX_SOCKET_PATH = 107;

const INTRODUCTION_RATE = 25;
const INTRODUCTION_BURST = 200;

/** The text of the configuration. Throws a `TorFault` for a path that tor could not be told. */
export function torrc(settings: TorrcSettings): string {
  const lines = [
    ...processLines(settings),
    ...QUIET_LINES,
    ...NETWORK_LINES,
    ...settings.services.flatMap(serviceLines),
    settings.extra.trim(),
  ];
  return `${lines.filter((line) => line !== '').join('\n')}\n`;
}

function processLines(settings: TorrcSettings): string[] {
  return [
    `DataDirectory ${quoted(settings.dataFolder)}`,
    `ControlSocket ${unixSocket(settings.controlSocket)}`,
    'CookieAuthentication 1',
    `CookieAuthFile ${quoted(settings.cookieFile)}`,
    `__OwningControllerProcess ${settings.ownerPid}`,
    'RunAsDaemon 0',
    'ShutdownWaitLength 0',
    'NoExec 1',
    'DisableDebuggerAttachment 1',
    'MaxMemInQueues 512 MB',
  ];
}

const QUIET_LINES = [
  'Log err stdout',
  'SafeLogging 1',
  'ProtocolWarnings 0',
  'HeartbeatPeriod 0',
  'LogTimeGranularity 1000',
  'AvoidDiskWrites 1',
];

const NETWORK_LINES = [
  'ClientOnly 1',
  'SocksPort 0',
  'GeoIPFile /dev/null',
  'GeoIPv6File /dev/null',
  'VanguardsLiteEnabled 1',
  'ConnectionPadding auto',
  'CircuitPadding 1',
  'DormantCanceledByStartup 1',
  'HiddenServiceNonAnonymousMode 0',
  'HiddenServiceSingleHopMode 0',
];

function serviceLines(service: OnionService): string[] {
  return [
    `HiddenServiceDir ${quoted(service.folder)}`,
    'HiddenServiceVersion 3',
    `HiddenServicePort 80 ${unixSocket(service.socket)}`,
    ...(service.circuitIds ? ['HiddenServiceExportCircuitID haproxy'] : []),
    `HiddenServiceMaxStreams ${service.maxStreams}`,
    // Ending the circuit instead of refusing the stream would kill downloads that are under way.
    'HiddenServiceMaxStreamsCloseCircuit 0',
    'HiddenServiceEnableIntroDoSDefense 1',
    `HiddenServiceEnableIntroDoSRatePerSec ${INTRODUCTION_RATE}`,
    `HiddenServiceEnableIntroDoSBurstPerSec ${INTRODUCTION_BURST}`,
    'HiddenServiceNumIntroductionPoints 5',
    ...(service.proofOfWork === null ? [] : proofOfWorkLines(service.proofOfWork)),
  ];
}

function proofOfWorkLines({ rate, burst }: ProofOfWork): string[] {
  return [
    'HiddenServicePoWDefensesEnabled 1',
    `HiddenServicePoWQueueRate ${rate}`,
    `HiddenServicePoWQueueBurst ${burst}`,
  ];
}

/** A path as a quoted string of torrc. Tor's quoting knows no way to write a line break that all options would take. */
function quoted(path: string): string {
  if (!/^\/[^\p{Cc}"\\]*$/u.test(path)) {
    throw new TorFault('a path for tor has a quote, a backslash or a line break in it', 'choose a plainer data folder');
  }
  return `"${path}"`;
}

function unixSocket(path: string): string {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) {
    throw new TorFault(`${path} is too long for a Unix socket`, 'choose a data folder with a shorter path');
  }
  return `unix:${quoted(path)}`;
}
