/** The configuration that the appliance runs with: settings resolved against each other and the disk, in units that code uses. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { MB, SECOND } from '../base/units.js';
import { SettingsError, type Complaint, type Environment, type Listen, type TpmPlace } from './environment.js';

export interface Configuration {
  readonly dataDir: string;
  /** Where the epoch slots live; the data folder itself unless set. */
  readonly slotDir: string;
  /** Slots in a TPM; null = in `slotDir`. */
  readonly tpm: TpmPlace | null;
  readonly storeMegabytes: number;
  readonly rootKey: 'file' | 'credential' | 'passphrase';
  readonly strict: boolean;
  readonly rollSeconds: number;
  readonly listen: Listen;
  /** Whether the senders' listener expects tor's circuit line first. */
  readonly circuitIds: boolean;
  readonly deskListen: Listen;
  /** The socket to which a desk comes that is a service of its own; null = the desk is started as a child. */
  readonly deskDoor: string | null;
  readonly mirror: Mirror | null;
  /** Where visitors of an old onion address arrive: they are told the new one. */
  readonly movedListen: Listen | null;
  /** `http://….onion`, for links. */
  readonly onionOrigin: string | null;
  /** `https://…` of the mirror, for links. */
  readonly mirrorOrigin: string | null;
  /** Bytes a file may have, free and with a Pro code. */
  readonly freeBytes: number;
  readonly proBytes: number;
  readonly anyFile: boolean;
  readonly holdBorderline: boolean;
  /** The signed canary; null = none. */
  readonly canaryFile: string | null;
  /** The ONNX file of the classifier; null = none. */
  readonly classifierFile: string | null;
  /** Days that a legal hold lasts unless the one who makes it says otherwise. */
  readonly holdDays: number;
  /** Whether a word must be typed before a link is opened in a browser: against robots that press buttons. */
  readonly openWord: boolean;
  readonly siteName: string;
  /** Days that a share may live that comes with a Pro code. */
  readonly proDays: number;
  /** Where codes are sold; null = ask through the contact form. */
  readonly proUrl: string | null;
  /** The operator's socket: a path, null = none, absent = the usual place. */
  readonly control?: string | null;
  readonly challenge: 'auto' | 'on' | 'off';
  readonly limits: Limits;
}

/** What visitors share, bounded: nobody's address is known, so the bounds are for all of them together. */
export interface Limits {
  /** Open connections, over all listeners. */
  readonly connections: number;
  /** Uploads in flight, and their bytes. */
  readonly uploads: number;
  readonly uploadBytes: number;
  /** Bytes of answers that nobody has read yet. */
  readonly answerBytes: number;
  /** Progress pictures and documents that are open. */
  readonly progress: number;
  /** Bytes a second that a body, and the reader of an answer, must keep up over a minute. */
  readonly leastRate: number;
  /** Milliseconds for the head of a request. */
  readonly headers: number;
  readonly decoders: number;
  readonly decoderQueue: number;
  /** Per circuit: requests a minute, uploads in flight, connections. */
  readonly circuitRequests: number;
  readonly circuitUploads: number;
  readonly circuitConnections: number;
  /** Part of the store that links may own which never expire, 0 to 0.3. */
  readonly neverShare: number;
  /** Wrong passphrases of a share before a pause begins. */
  readonly passphraseTries: number;
}

export interface Mirror {
  readonly listen: Listen;
  /** Files of the certificate chain and its key; null behind a proxy that ends TLS. */
  readonly tls: { readonly certificate: string; readonly key: string } | null;
  /** Links can be opened there, and nothing shared. */
  readonly readOnly: boolean;
}

const ONION = /^(?:http:\/\/)?([a-z2-7]{56}\.onion)\/?$/;

/** Resolves checked settings. Throws `SettingsError` with everything that does not go together. */
export function configure(environment: Environment): Configuration {
  const complaints: Complaint[] = [];
  const given = <Name extends keyof Environment>(name: Name): NonNullable<Environment[Name]> => {
    const value = environment[name];
    if (value === undefined) throw new Error(`no default for ${name}`);
    return value;
  };
  const dataDir = path.resolve(given('CHATPIC_DATA_DIR'));
  const freeBytes = given('CHATPIC_FREE_MB') * MB;
  const proBytes = given('CHATPIC_PRO_MB') * MB;
  if (proBytes < freeBytes) {
    complaints.push({ name: 'CHATPIC_PRO_MB', value: String(proBytes / MB), expected: 'at least CHATPIC_FREE_MB' });
  }
  const configuration: Configuration = {
    dataDir,
    slotDir: environment.CHATPIC_SLOT_DIR === undefined ? dataDir : path.resolve(environment.CHATPIC_SLOT_DIR),
    tpm: environment.CHATPIC_SLOT ?? null,
    storeMegabytes: given('CHATPIC_STORE_MB'),
    rootKey: given('CHATPIC_ROOT_KEY'),
    strict: given('CHATPIC_STRICT') === 'on',
    rollSeconds: rollSeconds(environment, complaints),
    listen: given('CHATPIC_LISTEN'),
    circuitIds: given('CHATPIC_LISTEN_PROXY') === 'haproxy',
    deskListen: given('CHATPIC_DESK_LISTEN'),
    deskDoor: environment.CHATPIC_DESK_DOOR ?? null,
    mirror: mirrorOf(environment, complaints),
    movedListen: environment.CHATPIC_MOVED_LISTEN ?? null,
    ...(environment.CHATPIC_CONTROL === undefined ? {} : { control: environment.CHATPIC_CONTROL }),
    onionOrigin: onionOrigin(environment.CHATPIC_ONION, complaints),
    mirrorOrigin: environment.CHATPIC_MIRROR_ORIGIN ?? null,
    freeBytes,
    proBytes,
    anyFile: given('CHATPIC_ANY_FILE') === 'on',
    holdBorderline: given('CHATPIC_BORDERLINE') === 'hold',
    canaryFile: fileOf(environment.CHATPIC_CANARY),
    classifierFile: fileOf(environment.CHATPIC_CLASSIFIER),
    holdDays: given('CHATPIC_HOLD_DAYS'),
    openWord: given('CHATPIC_OPEN_WORD') === 'on',
    siteName: given('CHATPIC_SITE_NAME'),
    proDays: given('CHATPIC_PRO_DAYS'),
    proUrl: environment.CHATPIC_PRO_URL ?? null,
    challenge: given('CHATPIC_CHALLENGE'),
    limits: {
      connections: given('CHATPIC_MOST_CONNECTIONS'),
      uploads: given('CHATPIC_MOST_UPLOADS'),
      uploadBytes: given('CHATPIC_MOST_UPLOAD_MB') * MB,
      answerBytes: given('CHATPIC_MOST_ANSWER_MB') * MB,
      progress: given('CHATPIC_MOST_PROGRESS'),
      leastRate: given('CHATPIC_LEAST_RATE'),
      headers: given('CHATPIC_HEADER_SECONDS') * SECOND,
      decoders: given('CHATPIC_DECODERS'),
      decoderQueue: given('CHATPIC_DECODER_QUEUE'),
      circuitRequests: given('CHATPIC_CIRCUIT_REQUESTS'),
      circuitUploads: given('CHATPIC_CIRCUIT_UPLOADS'),
      circuitConnections: given('CHATPIC_CIRCUIT_CONNECTIONS'),
      neverShare: given('CHATPIC_NEVER_PERCENT') / 100,
      passphraseTries: given('CHATPIC_PASSPHRASE_TRIES'),
    },
  };
  if (configuration.movedListen !== null && environment.CHATPIC_ONION === undefined) {
    complaints.push({ name: 'CHATPIC_ONION', value: '(none)', expected: 'the new address, for CHATPIC_MOVED_LISTEN' });
  }
  if (complaints.length > 0) throw new SettingsError(complaints);
  return configuration;
}

const ROLL_SECONDS = { files: 60, tpm: 3600 } as const;
/**
 * The memory of a TPM is made for some 100,000 writes, and a round makes two: one each 3,200 seconds without a pause lasts
 * five years (docs/decisions/034-tpm-slot.md).
 */
const LEAST_TPM_ROLL_SECONDS = 3200;

function rollSeconds(environment: Environment, complaints: Complaint[]): number {
  const tpm = (environment.CHATPIC_SLOT ?? null) !== null;
  const seconds = environment.CHATPIC_ROLL_SECONDS ?? ROLL_SECONDS[tpm ? 'tpm' : 'files'];
  if (tpm && seconds < LEAST_TPM_ROLL_SECONDS) {
    const expected = `${LEAST_TPM_ROLL_SECONDS} to 3600 with CHATPIC_SLOT=tpm: a shorter one wears the TPM out in under five years`;
    complaints.push({ name: 'CHATPIC_ROLL_SECONDS', value: String(seconds), expected });
  }
  if (tpm && environment.CHATPIC_SLOT_DIR !== undefined) {
    complaints.push({
      name: 'CHATPIC_SLOT_DIR',
      value: environment.CHATPIC_SLOT_DIR,
      expected: 'nothing, because CHATPIC_SLOT=tpm is set',
    });
  }
  return seconds;
}

function fileOf(setting: string | undefined): string | null {
  return setting === undefined ? null : path.resolve(setting);
}

function mirrorOf(environment: Environment, complaints: Complaint[]): Mirror | null {
  const listen = environment.CHATPIC_MIRROR_LISTEN ?? null;
  const certificate = environment.CHATPIC_TLS_CERT;
  const key = environment.CHATPIC_TLS_KEY;
  if ((certificate === undefined) !== (key === undefined)) {
    const name = certificate === undefined ? 'CHATPIC_TLS_CERT' : 'CHATPIC_TLS_KEY';
    complaints.push({ name, value: '(none)', expected: 'a file, because its counterpart is set' });
  }
  if (listen === null) return null;
  const tls = certificate === undefined || key === undefined ? null : { certificate, key };
  return { listen, tls, readOnly: environment.CHATPIC_MIRROR_READ_ONLY === 'on' };
}

/** The setting is the address itself, or a file whose first line is it: tor writes one. */
function onionOrigin(setting: string | undefined, complaints: Complaint[]): string | null {
  if (setting === undefined) return null;
  const address = ONION.exec(
    setting.includes('/') && !setting.startsWith('http://') ? firstLine(setting) : setting,
  )?.[1];
  if (address !== undefined) return `http://${address}`;
  complaints.push({
    name: 'CHATPIC_ONION',
    value: '(hidden)',
    expected: 'a v3 .onion address, or a readable file that holds one',
  });
  return null;
}

function firstLine(file: string): string {
  try {
    return (readFileSync(file, 'utf8').split('\n')[0] ?? '').trim();
  } catch {
    return '';
  }
}
