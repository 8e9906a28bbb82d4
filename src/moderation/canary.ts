/**
 * The warrant canary: a text that the operator signs again and again, and stops signing when it is no longer true.
 *
 * Construction: the embedded-signature file of OpenBSD's signify(1), Ed25519: two lines of signature, then the text. So
 * `/canary.txt` is one file that public tools verify: `signify -V -e -p canary.pub -x canary.txt -m -`.
 * Layout: comment line ‖ base64("Ed" ‖ key number 8 ‖ signature 64) ‖ newline ‖ text.
 *
 * What holds: who has the public key from before knows that its holder signed this text. The date is in the text.
 * What does not hold: that it is true, or that nobody forced the signature; a canary is a custom, not a proof.
 */
import { SECOND } from '../base/units.js';
import { sha256 } from '../crypto/hash.js';
import { isSignedBy, signMessage, verifyingKeyOf, SIGNATURE_LENGTH, SIGNING_KEY_LENGTH } from '../crypto/signature.js';

const ALGORITHM = Buffer.from('Ed', 'latin1');
const NUMBER_LENGTH = 8;
const COMMENT = 'untrusted comment: ';
/** First line of every text: when it was signed, to the second, in UTC. */
const DATED = /^Signed: (\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z)\n/;
const LONGEST_FILE = 64 * 1024;

export interface Canary {
  /** The text without its date. */
  readonly statement: string;
  /** Milliseconds since 1970. */
  readonly signedAt: number;
}

/** Signs a statement now. Returns the file to publish. The private key (32 bytes) is only read. */
export function signCanary(privateKey: Uint8Array, statement: string, now: number): string {
  const date = `${new Date(now - (now % SECOND)).toISOString().slice(0, 19)}Z`;
  const text = `Signed: ${date}\n\n${statement.replaceAll('\r\n', '\n').trim()}\n`;
  const number = keyNumber(verifyingKeyOf(privateKey));
  const signature = signMessage(privateKey, Buffer.from(text));
  return signed('verify with canary.pub', [ALGORITHM, number, signature]) + text;
}

/** The file that people verify with: signify's public key. */
export function canaryPublicKeyFile(publicKey: Uint8Array): string {
  return signed('chatpic canary public key', [ALGORITHM, keyNumber(publicKey), publicKey]);
}

/** Reads signify's public key file; null where it is none. */
export function parseCanaryPublicKey(file: string): Buffer | null {
  const parts = unsigned(file, ALGORITHM.length + NUMBER_LENGTH + SIGNING_KEY_LENGTH);
  return parts?.rest === '' ? parts.payload : null;
}

/** A published file's text and date; null where it is not signed by this key, or has no date. */
export function openCanary(publicKey: Uint8Array, file: string): Canary | null {
  const parts = unsigned(file, ALGORITHM.length + NUMBER_LENGTH + SIGNATURE_LENGTH);
  if (parts === null || !isSignedBy(publicKey, Buffer.from(parts.rest), parts.payload)) return null;
  const date = DATED.exec(parts.rest);
  const signedAt = Date.parse(date?.[1] ?? '');
  if (date === null || Number.isNaN(signedAt)) return null;
  return { statement: parts.rest.slice(date[0].length).trim(), signedAt };
}

/** Days since a canary was signed, for the page; one from the future is of today. */
export function canaryAgeDays({ signedAt }: Canary, now: number): number {
  return Math.max(0, Math.floor((now - signedAt) / (24 * 3600 * SECOND)));
}

/** Tells keys apart at a glance; signify draws it at random, we take it from the key. */
function keyNumber(publicKey: Uint8Array): Buffer {
  return sha256('chatpic canary key number', publicKey).subarray(0, NUMBER_LENGTH);
}

function signed(comment: string, parts: readonly Uint8Array[]): string {
  return `${COMMENT}${comment}\n${Buffer.concat(parts).toString('base64')}\n`;
}

/** Splits a file into what stands behind algorithm and key number, and the text after the two lines. */
function unsigned(file: string, length: number): { payload: Buffer; rest: string } | null {
  const lines = file.length <= LONGEST_FILE ? /^untrusted comment: [^\n]*\n([A-Za-z0-9+/=]+)\n/.exec(file) : null;
  if (lines === null) return null;
  const bytes = Buffer.from(lines[1] ?? '', 'base64');
  if (bytes.length !== length || !bytes.subarray(0, ALGORITHM.length).equals(ALGORITHM)) return null;
  return { payload: bytes.subarray(ALGORITHM.length + NUMBER_LENGTH), rest: file.slice(lines[0].length) };
}
