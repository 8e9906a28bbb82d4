/**
 * Pro codes: minted in batches by the operator, checked at upload and at the contact form. docs/format/voucher.md.
 *
 * What holds, and why:
 * - A code is 80 random bits. What is kept of it is the first 16 bytes of its SHA-256, in the sealed ledger: whoever reads
 *   that has no code.
 * - Checking one reads and writes nothing, on disk or in memory, so nothing says which upload used it, nor that it was used.
 *   That is why a code works for as long as it is valid and as often as its holder likes.
 * - Wrong ones are counted in one of 1,024 places that the code itself chooses, so that guessing is slowed to a few tries a
 *   second in all, and nobody who has a code waits longer than the longest pause.
 *
 * What does not hold: who sees a code used, or finds a sheet, can use it. A share that lives longer than a week was made
 * with some code.
 */
import { Reader, Writer } from '../base/cursor.js';
import { invariant, Refusal } from '../base/errors.js';
import { DAY, HOUR, SECOND } from '../base/units.js';
import { sha256 } from '../crypto/hash.js';
import { LABEL } from '../crypto/labels.js';
import { randomToken } from '../crypto/random.js';
import type { BookChange, Ledger } from '../ledger/ledger.js';

/** The space of the ledger's books that the codes have. Never renumbered. */
const SPACE = 32;
const VERSION = 1;
/** Crockford's Base32: nothing in it is mistaken for something else in it. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 16;
const CODE = new RegExp(`^[${ALPHABET}]{${LENGTH}}$`);
const NAME_LENGTH = 16;
/** Written in one commit: a batch of more is several. */
const AT_ONCE = 200;
export const MOST_CODES = 1000;
export const MOST_DAYS = 3650;

const FREE_TRIES = 10;
const PLACES = 1024;
const FIRST_PAUSE = SECOND;
const LONGEST_PAUSE = 30 * SECOND;

export interface Batch {
  readonly batch: number;
  /** Codes of it that are good. */
  readonly codes: number;
  /** Until when, milliseconds since 1970. */
  readonly until: number;
}

export interface Minted {
  readonly batch: number;
  readonly until: number;
  /** Shown once: they are kept nowhere. */
  readonly codes: readonly string[];
}

interface Tries {
  failures: number;
  until: number;
}

export type VoucherLedger = Pick<Ledger, 'book' | 'change' | 'now'>;

export class Vouchers {
  readonly #ledger: VoucherLedger;
  readonly #monotonic: () => number;
  readonly #tries = new Map<number, Tries>();
  #swept = -Infinity;

  constructor(ledger: VoucherLedger, monotonic: () => number) {
    this.#ledger = ledger;
    this.#monotonic = monotonic;
  }

  /** Whether a code, as typed, is good now. Refuses 'slow-down' where there were too many wrong ones like it. */
  isGood(typed: string): boolean {
    const name = nameOf(typed);
    if (name === null) return false;
    const place = name.readUInt16BE(0) % PLACES;
    const wait = (this.#tries.get(place)?.until ?? 0) - this.#monotonic();
    if (wait > 0)
      throw new Refusal('slow-down', 'too many wrong Pro codes', { seconds: Math.ceil(wait / SECOND), bound: 'codes' });
    const value = this.#book().get(name);
    if (value !== null && parseVoucher(value).until > this.#ledger.now()) return true;
    this.#failed(place);
    return false;
  }

  /** Makes `count` codes that are good for `days` from now. Resolves when they are durable. */
  async mint(count: number, days: number): Promise<Minted> {
    wholeNumber(count, MOST_CODES, 'count');
    wholeNumber(days, MOST_DAYS, 'days');
    const batch = 1 + Math.max(0, ...this.list().map((one) => one.batch));
    // To the end of a day in UTC: it is said as a date, and does not tell when it was made.
    const until = Math.ceil((this.#ledger.now() + days * DAY) / DAY) * DAY;
    const codes = Array.from({ length: count }, () => randomToken(LENGTH, ALPHABET));
    const value = encodeVoucher({ batch, until });
    try {
      await this.#change(codes.map((code) => ({ kind: 'put', space: SPACE, key: hashOf(code), value })));
    } catch (error) {
      // Some may be there, and nobody would ever see them.
      await this.revoke({ batch });
      throw error;
    }
    return { batch, until, codes: codes.map(grouped) };
  }

  /** The batches that have good codes, the oldest first. */
  list(): Batch[] {
    const batches = new Map<number, { batch: number; codes: number; until: number }>();
    for (const { batch, until } of this.#vouchers()) {
      if (until <= this.#ledger.now()) continue;
      const known = batches.get(batch) ?? { batch, codes: 0, until };
      batches.set(batch, { ...known, codes: known.codes + 1 });
    }
    return [...batches.values()].sort((a, b) => a.batch - b.batch);
  }

  /** Ends one code, or all of a batch. Resolves with how many ended, durably. */
  async revoke(what: string | { readonly batch: number }): Promise<number> {
    const ended =
      typeof what === 'string'
        ? [nameOf(what)].filter((name) => name !== null && this.#book().get(name) !== null)
        : this.#vouchers()
            .filter(({ batch }) => batch === what.batch)
            .map(({ name }) => name);
    const keys = ended.filter((name) => name !== null);
    await this.#change(keys.map((key) => ({ kind: 'delete', space: SPACE, key })));
    return keys.length;
  }

  /** Called each second; now and then drops what is no longer good. */
  async sweep(): Promise<void> {
    if (this.#monotonic() - this.#swept < HOUR) return;
    this.#swept = this.#monotonic();
    const over = this.#vouchers().filter(({ until }) => until <= this.#ledger.now());
    await this.#change(over.map(({ name }) => ({ kind: 'delete', space: SPACE, key: name })));
  }

  #book(): ReturnType<VoucherLedger['book']> {
    return this.#ledger.book(SPACE);
  }

  #vouchers(): (Voucher & { readonly name: Buffer })[] {
    return this.#book()
      .entries()
      .map(({ key, value }) => ({ name: key, ...parseVoucher(value) }));
  }

  async #change(changes: readonly BookChange[]): Promise<void> {
    for (let at = 0; at < changes.length; at += AT_ONCE) await this.#ledger.change(changes.slice(at, at + AT_ONCE));
  }

  /** A pause that was sat out is forgotten after another as long as the longest. */
  #failed(place: number): void {
    const now = this.#monotonic();
    const before = this.#tries.get(place) ?? { failures: 0, until: now };
    const failures = now - before.until > LONGEST_PAUSE ? 1 : before.failures + 1;
    const over = failures - FREE_TRIES;
    const pause = over < 0 ? 0 : Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** Math.min(over, 10));
    this.#tries.set(place, { failures, until: now + pause });
  }
}

interface Voucher {
  readonly batch: number;
  readonly until: number;
}

function encodeVoucher({ batch, until }: Voucher): Buffer {
  const value = Buffer.alloc(1 + 4 + 8);
  new Writer(value).u8(VERSION).u32(batch).u64(until);
  return value;
}

function parseVoucher(value: Buffer): Voucher {
  const reader = new Reader(value);
  invariant(reader.u8() === VERSION, 'a voucher has a known version');
  return { batch: reader.u32(), until: reader.u64() };
}

/** What a code as typed is filed under: case, spaces and hyphens do not matter, O is 0, I and L are 1. Null = no code. */
function nameOf(typed: string): Buffer | null {
  if (typed.length > 80) return null;
  const code = typed
    .toUpperCase()
    .replace(/[\s\-‐-―]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return CODE.test(code) ? hashOf(code) : null;
}

function hashOf(code: string): Buffer {
  return sha256(LABEL.voucher, code).subarray(0, NAME_LENGTH);
}

function grouped(code: string): string {
  return code.replace(/(.{4})(?=.)/g, '$1-');
}

function wholeNumber(value: number, most: number, name: string): void {
  if (!Number.isInteger(value) || value < 1 || value > most)
    throw new Refusal('malformed', `${name} is a whole number from 1 to ${most}`);
}
