/**
 * Legal hold: what the law asks to keep of shares that were removed. docs/format/moderation.md, section 3.
 *
 * What holds: the link is dead at once, in the commit that makes the record; the key is sealed to an offline key whose
 * private half is not on this machine, so nobody here can look again; after its time the record goes, and with it the key
 * and the units of the content.
 * What does not hold: that the desk sealed the right key. It is the desk that has it; nothing here can open what it made.
 */
import { Reader, Writer } from '../base/cursor.js';
import { invariant, Refusal } from '../base/errors.js';
import { HPKE_KEY_LENGTH } from '../crypto/hpke.js';
import type { Ledger, LedgerChange } from '../ledger/ledger.js';
import type { FileId } from '../ledger/tokens.js';
import { SPACE } from './book.js';
import { sealShareKey } from './staff-seal.js';
import { fieldSize, readField, writeField } from './text-field.js';

export interface Preserved {
  readonly fileId: FileId;
  readonly since: number;
  readonly until: number;
  /** The share's key, sealed to the offline key under the file ID (`sealShareKey`, purpose `preserved`). */
  readonly sealedKey: Buffer;
}

const VERSION = 1;
/** File IDs have no byte 0. */
const OFFLINE_KEY = Buffer.of(0);
/** HPKE: encapsulated key, ciphertext of 32 bytes, tag. */
const SEALED_KEY_LENGTH = HPKE_KEY_LENGTH + 32 + 16;

export class PreservedShares {
  readonly #ledger: Pick<Ledger, 'book' | 'change'>;

  constructor(ledger: Pick<Ledger, 'book' | 'change'>) {
    this.#ledger = ledger;
  }

  /** What legal holds are sealed to; null where the operator has set none, and then nothing can be preserved. */
  offlineKey(): Buffer | null {
    return this.#ledger.book(SPACE.preserved).get(OFFLINE_KEY);
  }

  /** Sets the public half. Older holds stay sealed to the key that they were made with. */
  async setOfflineKey(publicKey: Uint8Array): Promise<void> {
    if (!canSealTo(publicKey)) throw new Refusal('malformed', 'expected an X25519 public key, 32 bytes in Base64');
    await this.#ledger.book(SPACE.preserved).put(OFFLINE_KEY, publicKey);
  }

  /** What makes a hold. It is committed together with the end of share and case, and leaves the content's units kept. */
  keeping(item: Preserved): LedgerChange {
    if (item.sealedKey.length !== SEALED_KEY_LENGTH) throw new Refusal('malformed', 'a sealed key has another length');
    if (item.until <= item.since) throw new Refusal('malformed', 'a legal hold ends after it began');
    return { kind: 'put', space: SPACE.preserved, key: keyOf(item.fileId), value: encodePreserved(item) };
  }

  get(fileId: string): Preserved | null {
    const value = fileId === '' ? null : this.#ledger.book(SPACE.preserved).get(keyOf(fileId));
    return value === null ? null : parsePreserved(fileId as FileId, value);
  }

  /** The one that ends first stands first. */
  all(): readonly Preserved[] {
    const entries = this.#ledger.book(SPACE.preserved).entries();
    const items = entries.filter(({ key }) => !key.equals(OFFLINE_KEY));
    return items
      .map(({ key, value }) => parsePreserved(key.toString('latin1') as FileId, value))
      .sort((a, b) => a.until - b.until);
  }

  /** Ends a hold: key and content go. False = there is none. Resolves when durable. */
  async end(fileId: string): Promise<boolean> {
    const item = this.get(fileId);
    if (item === null) return false;
    await this.#ledger.change([
      { kind: 'delete', space: SPACE.preserved, key: keyOf(item.fileId) },
      { kind: 'let-go', fileId: item.fileId },
    ]);
    return true;
  }

  /** Ends holds whose time is over. */
  async sweep(now: number): Promise<void> {
    for (const { fileId, until } of this.all()) if (until <= now) await this.end(fileId);
  }
}

function canSealTo(publicKey: Uint8Array): boolean {
  try {
    sealShareKey(publicKey, 'preserved', '', Buffer.alloc(32));
    return true;
  } catch {
    return false;
  }
}

function encodePreserved({ since, until, sealedKey }: Preserved): Buffer {
  const value = Buffer.alloc(1 + 8 + 8 + fieldSize(sealedKey));
  const writer = new Writer(value).u8(VERSION).u64(since).u64(until);
  writeField(writer, sealedKey);
  return value;
}

function parsePreserved(fileId: FileId, value: Buffer): Preserved {
  const reader = new Reader(value);
  invariant(reader.u8() === VERSION, 'a preserved share has a known version');
  return { fileId, since: reader.u64(), until: reader.u64(), sealedKey: readField(reader) };
}

function keyOf(fileId: string): Buffer {
  return Buffer.from(fileId, 'latin1');
}
