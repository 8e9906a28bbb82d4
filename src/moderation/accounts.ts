/**
 * The staff's accounts and the key that they share. docs/format/moderation.md, section 8.
 *
 * Construction: one X25519 key pair for the site. Its private key is sealed once for each account with AES-256-GCM under
 * scrypt(NFKC(passphrase), a fresh salt); the public key stands beside. Signing in is opening: there is no other check,
 * and no hash of a passphrase.
 *
 * What holds: without a passphrase nothing opens what was sealed to the staff, whoever has the store's root key. Anyone
 * who is signed in can give a colleague a new passphrase; the operator's account, made first, is one of them.
 * What does not hold: when every passphrase is lost, what was sealed is lost. A removed colleague who copied the private
 * key keeps it.
 */
import { secretBytes, secretCopy, wipe } from '../base/bytes.js';
import { Reader, Writer } from '../base/cursor.js';
import { invariant, Refusal } from '../base/errors.js';
import { MINUTE, SECOND } from '../base/units.js';
import { open, seal, NONCE_LENGTH, TAG_LENGTH } from '../crypto/aead.js';
import { sha256 } from '../crypto/hash.js';
import { generateHpkeKeyPair, hpkePublicKeyOf, HPKE_KEY_LENGTH } from '../crypto/hpke.js';
import { ROOT_COST, scrypt, scryptBusy, type ScryptCost } from '../crypto/kdf.js';
import { randomSecret } from '../crypto/random.js';
import type { Book } from './book.js';

/** Characters of a passphrase at least. */
export const MIN_PASSPHRASE = 12;
const NAME = /^[a-z0-9][a-z0-9._-]{0,31}$/;

/** Wrong tries that cost nothing but scrypt; each further one doubles the pause before the next. */
const FREE_TRIES = 5;
const FIRST_PAUSE = 2 * SECOND;
const LONGEST_PAUSE = 5 * MINUTE;

const VERSION = 1;
const SALT_LENGTH = 16;
const ROW_LENGTH = 1 + 8 + SALT_LENGTH + HPKE_KEY_LENGTH + TAG_LENGTH;
/** Names have no byte 0. */
const PUBLIC_KEY = Buffer.of(0);
/** Each wrapping key has its own salt and seals once, so its nonce may be zeros. */
const NONCE = Buffer.alloc(NONCE_LENGTH);

export interface Account {
  readonly name: string;
  readonly createdAt: number;
}

export type SignIn =
  /** The caller owns and wipes the private key. */
  | { readonly kind: 'in'; readonly privateKey: Buffer }
  | { readonly kind: 'wrong' }
  /** Too many wrong tries; nothing was checked. */
  | { readonly kind: 'wait'; readonly until: number };

interface Tries {
  readonly wrong: number;
  readonly until: number;
}

export class Accounts {
  readonly #book: Book;
  readonly #cost: ScryptCost;
  /** By two bytes of the name's hash: bounded, and alike for names that exist and names that don't. */
  readonly #tries = new Map<number, Tries>();

  constructor(book: Book, cost: ScryptCost = ROOT_COST) {
    this.#book = book;
    this.#cost = cost;
  }

  /** What to seal to; null before the first account. */
  publicKey(): Buffer | null {
    return this.#book.get(PUBLIC_KEY);
  }

  list(): readonly Account[] {
    const named = this.#book.entries().filter(({ key }) => !key.equals(PUBLIC_KEY));
    return named.map(({ key, value }) => ({ name: key.toString('latin1'), createdAt: parseAccount(value).createdAt }));
  }

  /** Makes the site's key pair and the first account. Refused where there is one. */
  async createFirst(name: string, passphrase: string, now: number): Promise<void> {
    if (this.publicKey() !== null) throw new Refusal('forbidden', 'the staff has a key already');
    const { publicKey, privateKey } = generateHpkeKeyPair();
    try {
      await this.#wrap(name, passphrase, privateKey, now);
      await this.#book.put(PUBLIC_KEY, publicKey);
    } finally {
      wipe(privateKey);
    }
  }

  /** Adds an account, or gives one a new passphrase. `privateKey` is that of whoever is signed in. */
  async set(name: string, passphrase: string, privateKey: Uint8Array, now: number): Promise<void> {
    invariant(this.publicKey()?.equals(hpkePublicKeyOf(privateKey)), 'accounts share the key of the site');
    await this.#wrap(name, passphrase, privateKey, now);
  }

  /** False = there is none of this name. The last one can't be removed: nobody could open anything. */
  async remove(name: string): Promise<boolean> {
    if (!NAME.test(name) || !this.list().some((account) => account.name === name)) return false;
    if (this.list().length === 1) throw new Refusal('forbidden', 'the last account can not be removed');
    return this.#book.delete(keyOf(name));
  }

  /** Tries a passphrase. An unknown name takes as long as a wrong passphrase and answers the same. */
  async signIn(name: string, passphrase: string, now: number): Promise<SignIn> {
    const bucket = sha256(name).readUInt16BE(0);
    const tries = this.#tries.get(bucket) ?? { wrong: 0, until: 0 };
    if (now < tries.until) return { kind: 'wait', until: tries.until };
    if (scryptBusy()) throw new Refusal('busy', 'too many passphrases are being checked');
    // Counted before it is checked, so that tries made at once don't slip through together.
    this.#tries.set(bucket, nextTries(tries, now));
    const privateKey = await this.#unwrap(name, passphrase);
    if (privateKey === null) return { kind: 'wrong' };
    this.#tries.delete(bucket);
    return { kind: 'in', privateKey };
  }

  async #wrap(name: string, passphrase: string, privateKey: Uint8Array, now: number): Promise<void> {
    if (!NAME.test(name)) throw new Refusal('malformed', 'a name has 1 to 32 of a-z 0-9 . _ -');
    if (Array.from(passphrase).length < MIN_PASSPHRASE) throw new Refusal('malformed', 'the passphrase is too short');
    const salt = randomSecret(SALT_LENGTH);
    const key = await this.#stretch(passphrase, salt);
    const sealed = seal(key, NONCE, privateKey, Buffer.from(name));
    wipe(key);
    await this.#book.put(keyOf(name), encodeAccount({ createdAt: now, salt, sealed }));
  }

  async #unwrap(name: string, passphrase: string): Promise<Buffer | null> {
    const value = NAME.test(name) ? this.#book.get(keyOf(name)) : null;
    const account = value === null ? NOBODY : parseAccount(value);
    const key = await this.#stretch(passphrase, account.salt);
    const privateKey = open(key, NONCE, account.sealed, Buffer.from(name));
    wipe(key);
    return privateKey;
  }

  async #stretch(passphrase: string, salt: Buffer): Promise<Buffer> {
    const plain = Buffer.from(passphrase.normalize('NFKC'), 'utf8');
    const secret = secretCopy(plain);
    wipe(plain);
    try {
      return await scrypt(secret, salt, this.#cost);
    } finally {
      wipe(secret);
    }
  }
}

/** Whether this is the name and the row of an account, as far as that shows without a passphrase. */
export function isAccountRow(name: string, row: Uint8Array): boolean {
  return NAME.test(name) && row.length === ROW_LENGTH && row[0] === VERSION;
}

function nextTries({ wrong }: Tries, now: number): Tries {
  const over = wrong + 1 - FREE_TRIES;
  const pause = over < 0 ? 0 : Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(over, 20));
  return { wrong: wrong + 1, until: now + pause };
}

interface WrappedKey {
  readonly createdAt: number;
  readonly salt: Buffer;
  readonly sealed: Buffer;
}

/** What is opened for a name that isn't there: takes as long, and never opens. */
const NOBODY: WrappedKey = { createdAt: 0, salt: Buffer.alloc(SALT_LENGTH), sealed: secretBytes(HPKE_KEY_LENGTH + 16) };

function encodeAccount({ createdAt, salt, sealed }: WrappedKey): Buffer {
  const value = Buffer.alloc(1 + 8 + SALT_LENGTH + sealed.length);
  new Writer(value).u8(VERSION).u64(createdAt).bytes(salt).bytes(sealed);
  return value;
}

function parseAccount(value: Buffer): WrappedKey {
  const reader = new Reader(value);
  invariant(reader.u8() === VERSION, 'an account has a known version');
  return { createdAt: reader.u64(), salt: reader.bytes(SALT_LENGTH), sealed: reader.bytes(reader.remaining) };
}

function keyOf(name: string): Buffer {
  return Buffer.from(name, 'latin1');
}
