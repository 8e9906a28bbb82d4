/**
 * What the law asks to keep: shares removed under legal hold. docs/format/moderation.md, section 3.
 *
 * What holds: the link is dead at once; the key is sealed to an offline key whose private half is not on this machine,
 * so nobody here can look again; after its time the record goes, and with it the key.
 */
import { Reader, Writer } from '../base/cursor.js';
import { invariant } from '../base/errors.js';
import type { Book } from './book.js';
import { sealShareKey } from './staff-seal.js';
import { fieldSize, readField, writeField } from './text-field.js';

export interface Preserved {
  readonly fileId: string;
  readonly since: number;
  readonly until: number;
  /** Sealed to the offline key. */
  readonly sealedKey: Buffer;
  /** Where the ciphertext stands, in the words of whoever keeps it; opaque here. */
  readonly content: Buffer;
}

export interface Preservation {
  readonly fileId: string;
  /** The share's key, only read. */
  readonly key: Uint8Array;
  readonly offlineKey: Uint8Array;
  readonly content: Uint8Array;
  readonly until: number;
}

const VERSION = 1;

export class PreservedShares {
  readonly #book: Book;

  constructor(book: Book) {
    this.#book = book;
  }

  /** Resolves when durable: only then may the share be ended. */
  async keep({ fileId, key, offlineKey, content, until }: Preservation, now: number): Promise<Preserved> {
    const sealedKey = sealShareKey(offlineKey, 'preserved', fileId, key);
    const item = { fileId, since: now, until, sealedKey, content: Buffer.from(content) };
    await this.#book.put(Buffer.from(fileId, 'latin1'), encodePreserved(item));
    return item;
  }

  all(): readonly Preserved[] {
    return this.#book.entries().map(({ key, value }) => parsePreserved(key.toString('latin1'), value));
  }

  /** Ends holds whose time is over; says which, so that their content is let go. */
  async sweep(now: number): Promise<readonly Preserved[]> {
    const over = this.all().filter(({ until }) => until <= now);
    for (const { fileId } of over) await this.release(fileId);
    return over;
  }

  /** Ends a hold before its time. False = there is none. */
  release(fileId: string): Promise<boolean> {
    return this.#book.delete(Buffer.from(fileId, 'latin1'));
  }
}

function encodePreserved({ since, until, sealedKey, content }: Preserved): Buffer {
  const value = Buffer.alloc(1 + 8 + 8 + fieldSize(sealedKey) + fieldSize(content));
  const writer = new Writer(value).u8(VERSION).u64(since).u64(until);
  writeField(writer, sealedKey);
  writeField(writer, content);
  return value;
}

function parsePreserved(fileId: string, value: Buffer): Preserved {
  const reader = new Reader(value);
  invariant(reader.u8() === VERSION, 'a preserved share has a known version');
  return { fileId, since: reader.u64(), until: reader.u64(), sealedKey: readField(reader), content: readField(reader) };
}
