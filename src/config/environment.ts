/**
 * The settings as the environment gives them: every `CHATPIC_…` variable, checked, with all that is wrong said at once.
 * Nothing is read from disk here and no secret passes through: `configuration.ts` and `secrets.ts` do that.
 */
import { z } from 'zod';

const tcp = /^(\[[0-9a-fA-F:]+\]|[0-9A-Za-z.-]+):(\d{1,5})$/;

/** Where a listener stands. */
export type Listen =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

const listen = z
  .string()
  .transform((text) => parseListen(text))
  .refine((value) => value !== null, { message: 'HOST:PORT or unix:/absolute/path' });

function parseListen(text: string): Listen | null {
  if (text.startsWith('unix:/')) return { kind: 'unix', path: text.slice('unix:'.length) };
  const [, host, port] = tcp.exec(text) ?? [];
  if (host === undefined || port === undefined || Number(port) > 65535) return null;
  return { kind: 'tcp', host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** Two NV indices of a TPM, in a row, and where the TPM is reached. */
export interface TpmPlace {
  /** A device (`/dev/tpmrm0`), or the Unix socket of a simulator. */
  readonly device: string;
  /** The first of the two. */
  readonly index: number;
}

/** Owner's range of NV indices (TCG, "Registry of Reserved TPM 2.0 Handles"): the last is left for the second index. */
const TPM_INDICES = { first: 0x01800000, usual: 0x018c7000, last: 0x01bffffe } as const;

function parseTpm(text: string): TpmPlace | null {
  const [, device, digits] = /^tpm:(\/[^@]+)(?:@0x([0-9a-fA-F]{1,8}))?$/.exec(text) ?? [];
  const index = digits === undefined ? TPM_INDICES.usual : parseInt(digits, 16);
  if (device === undefined || index < TPM_INDICES.first || index > TPM_INDICES.last) return null;
  return { device, index };
}

const slot = z
  .string()
  .transform((text) => (text === 'file' ? ('file' as const) : parseTpm(text)))
  .refine((value) => value !== null, { message: 'file, or tpm:/dev/tpmrm0 with or without @0x018c7000 behind it' })
  .transform((value) => (value === 'file' ? null : value));

function whole(least: number, most: number) {
  const expected = `a whole number from ${least} to ${most}`;
  return z
    .string()
    .regex(/^\d{1,9}$/, expected)
    .transform(Number)
    .refine((value) => value >= least && value <= most, { message: expected });
}

function oneOf<const Words extends readonly [string, ...string[]]>(...words: Words) {
  return z.enum(words, { message: words.join(' or ') });
}

/** A Unix socket that need not be. */
const socketPath = z
  .string()
  .regex(/^(off|unix:\/.+)$/, 'off or unix:/absolute/path')
  .transform((text) => (text === 'off' ? null : text.slice('unix:'.length)));

/** A listener that need not be. */
const optionalListen = z.union([z.literal('off').transform(() => null), listen], {
  message: 'off, HOST:PORT or unix:/absolute/path',
});

const SETTINGS = {
  CHATPIC_DATA_DIR: z.string().min(1, 'a folder'),
  CHATPIC_LISTEN: listen,
  CHATPIC_LISTEN_PROXY: oneOf('off', 'haproxy'),
  CHATPIC_DESK_LISTEN: listen,
  CHATPIC_DESK_DOOR: socketPath,
  CHATPIC_MIRROR_LISTEN: optionalListen,
  CHATPIC_MIRROR_READ_ONLY: oneOf('off', 'on'),
  CHATPIC_MOVED_LISTEN: optionalListen,
  CHATPIC_TLS_CERT: z.string().min(1, 'a file'),
  CHATPIC_TLS_KEY: z.string().min(1, 'a file'),
  CHATPIC_ONION: z.string().min(1, 'a .onion address, or a file that holds it'),
  CHATPIC_MIRROR_ORIGIN: z.string().regex(/^https:\/\/[0-9A-Za-z.-]+(:\d{1,5})?$/, 'https://NAME, without a path'),
  CHATPIC_ROOT_KEY: oneOf('file', 'credential', 'passphrase'),
  CHATPIC_SLOT: slot,
  CHATPIC_SLOT_DIR: z.string().min(1, 'a folder'),
  CHATPIC_STRICT: oneOf('off', 'on'),
  CHATPIC_ROLL_SECONDS: whole(1, 3600),
  CHATPIC_FREE_MB: whole(1, 10_000),
  CHATPIC_PRO_MB: whole(1, 10_000),
  CHATPIC_STORE_MB: whole(16, 16_000_000),
  CHATPIC_ANY_FILE: oneOf('off', 'on'),
  CHATPIC_BORDERLINE: oneOf('share', 'hold'),
  CHATPIC_CANARY: z.string().min(1, 'a file that `chatpic canary sign` made, with FILE.pub beside it'),
  CHATPIC_CLASSIFIER: z.string().min(1, 'an ONNX file, with its card FILE.json beside it'),
  CHATPIC_HOLD_DAYS: whole(1, 3650),
  CHATPIC_OPEN_WORD: oneOf('off', 'on'),
  CHATPIC_PRO_DAYS: whole(1, 3650),
  CHATPIC_PRO_URL: z.string().regex(/^https?:\/\/[^\s"<>]{1,500}$/, 'an address that begins with http:// or https://'),
  CHATPIC_CONTROL: socketPath,
  CHATPIC_CHALLENGE: oneOf('auto', 'on', 'off'),
  CHATPIC_MOST_CONNECTIONS: whole(16, 1_000_000),
  CHATPIC_MOST_UPLOADS: whole(1, 10_000),
  CHATPIC_MOST_UPLOAD_MB: whole(1, 1_000_000),
  CHATPIC_MOST_ANSWER_MB: whole(1, 100_000),
  CHATPIC_MOST_PROGRESS: whole(0, 100_000),
  CHATPIC_LEAST_RATE: whole(1, 1_000_000),
  CHATPIC_HEADER_SECONDS: whole(1, 600),
  CHATPIC_DECODERS: whole(1, 64),
  CHATPIC_DECODER_QUEUE: whole(0, 10_000),
  CHATPIC_CIRCUIT_REQUESTS: whole(1, 1_000_000),
  CHATPIC_CIRCUIT_UPLOADS: whole(1, 10_000),
  CHATPIC_CIRCUIT_CONNECTIONS: whole(1, 10_000),
  CHATPIC_NEVER_PERCENT: whole(0, 30),
  CHATPIC_PASSPHRASE_TRIES: whole(1, 1000),
  CHATPIC_SITE_NAME: z.string().regex(/^[^\p{Cc}<>"]{1,60}$/u, '1 to 60 characters, without < > "'),
} as const;

export type SettingName = keyof typeof SETTINGS;

const DEFAULTS: Partial<Record<SettingName, string>> = {
  CHATPIC_DATA_DIR: './var',
  CHATPIC_LISTEN: '127.0.0.1:8080',
  CHATPIC_LISTEN_PROXY: 'off',
  CHATPIC_DESK_LISTEN: '127.0.0.1:8081',
  CHATPIC_DESK_DOOR: 'off',
  CHATPIC_MIRROR_LISTEN: 'off',
  CHATPIC_MIRROR_READ_ONLY: 'off',
  CHATPIC_MOVED_LISTEN: 'off',
  CHATPIC_ROOT_KEY: 'file',
  CHATPIC_SLOT: 'file',
  CHATPIC_STRICT: 'off',
  CHATPIC_FREE_MB: '50',
  CHATPIC_PRO_MB: '100',
  CHATPIC_STORE_MB: '2048',
  CHATPIC_ANY_FILE: 'off',
  CHATPIC_BORDERLINE: 'share',
  CHATPIC_HOLD_DAYS: '365',
  CHATPIC_OPEN_WORD: 'off',
  CHATPIC_PRO_DAYS: '30',
  CHATPIC_CHALLENGE: 'auto',
  CHATPIC_MOST_CONNECTIONS: '4096',
  CHATPIC_MOST_UPLOADS: '64',
  CHATPIC_MOST_UPLOAD_MB: '1600',
  CHATPIC_MOST_ANSWER_MB: '64',
  CHATPIC_MOST_PROGRESS: '256',
  CHATPIC_LEAST_RATE: '1000',
  CHATPIC_HEADER_SECONDS: '60',
  CHATPIC_DECODERS: '2',
  CHATPIC_DECODER_QUEUE: '128',
  CHATPIC_CIRCUIT_REQUESTS: '300',
  CHATPIC_CIRCUIT_UPLOADS: '4',
  CHATPIC_CIRCUIT_CONNECTIONS: '24',
  CHATPIC_NEVER_PERCENT: '30',
  CHATPIC_PASSPHRASE_TRIES: '10',
  CHATPIC_SITE_NAME: 'ChatPic',
};

/** Names whose value is never repeated in a complaint. */
const HIDDEN: readonly SettingName[] = ['CHATPIC_TLS_KEY', 'CHATPIC_ONION'];

type Parsed = { readonly [Name in SettingName]?: z.output<(typeof SETTINGS)[Name]> };
export type Environment = Parsed;

/** One setting that is wrong. */
export interface Complaint {
  readonly name: string;
  /** The value as given, or a word in its place where it is not to be shown. */
  readonly value: string;
  readonly expected: string;
}

/** The settings can't be used; every complaint is in it. */
export class SettingsError extends Error {
  readonly complaints: readonly Complaint[];

  constructor(complaints: readonly Complaint[]) {
    super(complaints.map(({ name, value, expected }) => `${name}=${value}: expected ${expected}`).join('\n'));
    this.name = 'SettingsError';
    this.complaints = complaints;
  }
}

/** Reads all settings from `variables`. An empty value counts as not given. Throws `SettingsError` with all complaints. */
export function readEnvironment(variables: Readonly<Record<string, string | undefined>>): Environment {
  const complaints: Complaint[] = [];
  const parsed: Record<string, unknown> = {};
  for (const name of Object.keys(SETTINGS) as SettingName[]) {
    const value = variables[name] === undefined || variables[name] === '' ? DEFAULTS[name] : variables[name];
    if (value === undefined) continue;
    const result = SETTINGS[name].safeParse(value);
    if (result.success) parsed[name] = result.data;
    else
      complaints.push({
        name,
        value: shown(name, value),
        expected: result.error.issues[0]?.message ?? 'another value',
      });
  }
  if (complaints.length > 0) throw new SettingsError(complaints);
  return parsed;
}

/** Names that look like settings and are none: most likely misspelt. For a warning at start. */
export function unknownSettings(variables: Readonly<Record<string, string | undefined>>): string[] {
  return Object.keys(variables).filter(
    (name) => name.startsWith('CHATPIC_') && !(name in SETTINGS) && !/^CHATPIC_(TEST|CRASH|FUZZ|BENCH)_/.test(name),
  );
}

function shown(name: SettingName, value: string): string {
  return HIDDEN.includes(name) ? '(hidden)' : JSON.stringify(value.slice(0, 80));
}
