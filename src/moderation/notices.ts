/**
 * Letters to the staff: takedown notices, counter-notices, contact. docs/format/moderation.md, section 4.
 *
 * What holds: what was written is sealed to the staff as it comes in, without links (redact.ts); the record beside it has
 * times, a kind and public file IDs. Takedowns have a clock of 48 hours; the overdue stand first.
 */
import { Reader, Writer } from '../base/cursor.js';
import { invariant, Refusal } from '../base/errors.js';
import { DAY, HOUR } from '../base/units.js';
import { LOWER_ALPHANUMERIC, randomToken } from '../crypto/random.js';
import type { BookChange } from '../ledger/ledger.js';
import { SPACE, type Book } from './book.js';
import { sealText } from './staff-seal.js';
import { fieldSize, readField, writeField } from './text-field.js';

export const ANSWER_TIME = 48 * HOUR;
/** Answered letters are kept so long, in case of a question, then they go. */
export const KEPT_AFTER_ANSWER = 90 * DAY;
/** Letters that nobody has read: beyond it people are asked to come back, so that a flood fills nothing. */
const MOST_OPEN = 1000;
const MOST_FILE_IDS = 200;
const TEXT_LENGTH = 12_000;

/** The order is the format's: new ones go last. */
export const NOTICE_KINDS = ['copyright', 'intimate-image', 'counter-notice', 'authority', 'contact'] as const;
export type NoticeKind = (typeof NOTICE_KINDS)[number];
export const OUTCOMES = ['open', 'granted', 'refused', 'answered'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface Notice {
  /** Ten characters that both sides quote. */
  readonly reference: string;
  readonly kind: NoticeKind;
  /** A Pro code came with it: answered first among contacts. */
  readonly priority: boolean;
  readonly receivedAt: number;
  /** Null for contact, which has no clock. */
  readonly dueAt: number | null;
  readonly outcome: Outcome;
  readonly answeredAt: number | null;
  readonly fileIds: readonly string[];
  /** The letter, sealed to the staff under its reference. */
  readonly sealedText: Buffer;
}

export interface Letter {
  readonly kind: NoticeKind;
  readonly priority: boolean;
  readonly fileIds: readonly string[];
  /** All fields of the form in one text, tokens taken out. */
  readonly text: string;
}

const VERSION = 1;
const REFERENCE_LENGTH = 10;
const FILE_ID_LENGTH = 13;

export class Notices {
  readonly #book: Book;
  readonly #staffKey: Uint8Array;
  readonly #all: Map<string, Notice>;

  constructor(book: Book, staffKey: Uint8Array) {
    this.#book = book;
    this.#staffKey = staffKey;
    const all = book.entries().map(({ key, value }) => parseNotice(key.toString('latin1'), value));
    this.#all = new Map(all.map((notice) => [notice.reference, notice]));
  }

  /** Takes a letter in. Resolves when durable. Refuses what is too long ('too-large') and a flood ('slow-down'). */
  async receive({ kind, priority, fileIds, text }: Letter, now: number): Promise<Notice> {
    if (text.length > TEXT_LENGTH || fileIds.length > MOST_FILE_IDS) throw new Refusal('too-large', 'letter too long');
    if (this.#waiting() >= MOST_OPEN) throw new Refusal('slow-down', 'too many letters wait for an answer');
    const reference = randomToken(REFERENCE_LENGTH, LOWER_ALPHANUMERIC);
    const notice: Notice = {
      ...{ reference, kind, priority, fileIds, receivedAt: now, outcome: 'open', answeredAt: null },
      dueAt: kind === 'contact' ? null : now + ANSWER_TIME,
      sealedText: sealText(this.#staffKey, reference, text),
    };
    this.#all.set(reference, notice);
    await this.#put(notice);
    return notice;
  }

  #waiting(): number {
    let count = 0;
    for (const { outcome } of this.#all.values()) if (outcome === 'open') count++;
    return count;
  }

  get(reference: string): Notice | null {
    return this.#all.get(reference) ?? null;
  }

  /** What waits for an answer: those with a clock by what is due first, so overdue before all; then Pro, then the rest. */
  open(): readonly Notice[] {
    const rank = ({ dueAt, priority }: Notice): number => (dueAt !== null ? 0 : priority ? 1 : 2);
    const open = [...this.#all.values()].filter(({ outcome }) => outcome === 'open');
    const time = ({ dueAt, receivedAt }: Notice): number => dueAt ?? receivedAt;
    return open.sort((a, b) => rank(a) - rank(b) || time(a) - time(b));
  }

  /**
   * Answers a letter; `write` makes the change, with others of its own if it likes. Null = it was answered already, or
   * there is none. Resolves when durable; of two who answer at the same time one does.
   */
  async answer(
    reference: string,
    outcome: Exclude<Outcome, 'open'>,
    now: number,
    write: (change: Extract<BookChange, { kind: 'put' }>) => Promise<void> = ({ key, value }) =>
      this.#book.put(key, value),
  ): Promise<Notice | null> {
    const notice = this.#all.get(reference);
    if (notice?.outcome !== 'open') return null;
    const answered: Notice = { ...notice, outcome, answeredAt: now };
    this.#all.set(reference, answered);
    try {
      await write({ kind: 'put', space: SPACE.notices, key: keyOf(answered), value: encodeNotice(answered) });
    } catch (error) {
      this.#all.set(reference, notice);
      throw error;
    }
    return answered;
  }

  /** Drops answered letters whose time is over. */
  async sweep(now: number): Promise<void> {
    for (const { reference, answeredAt } of [...this.#all.values()]) {
      if (answeredAt === null || answeredAt + KEPT_AFTER_ANSWER > now) continue;
      this.#all.delete(reference);
      await this.#book.delete(Buffer.from(reference, 'latin1'));
    }
  }

  #put(notice: Notice): Promise<void> {
    return this.#book.put(keyOf(notice), encodeNotice(notice));
  }
}

function keyOf({ reference }: Notice): Buffer {
  return Buffer.from(reference, 'latin1');
}

export function isOverdue({ dueAt, outcome }: Notice, now: number): boolean {
  return outcome === 'open' && dueAt !== null && dueAt <= now;
}

/** Whether an answer came after its time, for the counters. */
export function wasLate({ dueAt, answeredAt }: Notice): boolean {
  return dueAt !== null && answeredAt !== null && answeredAt > dueAt;
}

function encodeNotice(notice: Notice): Buffer {
  const { kind, priority, outcome, receivedAt, dueAt, answeredAt, fileIds, sealedText } = notice;
  const value = Buffer.alloc(4 + 3 * 8 + 1 + FILE_ID_LENGTH * fileIds.length + fieldSize(sealedText));
  const writer = new Writer(value)
    .u8(VERSION)
    .u8(NOTICE_KINDS.indexOf(kind))
    .u8(priority ? 1 : 0);
  writer.u8(OUTCOMES.indexOf(outcome)).u64(receivedAt);
  writer
    .u64(dueAt ?? 0)
    .u64(answeredAt ?? 0)
    .u8(fileIds.length);
  for (const fileId of fileIds) writer.bytes(Buffer.from(fileId.padEnd(FILE_ID_LENGTH), 'latin1'));
  writeField(writer, sealedText);
  return value;
}

function parseNotice(reference: string, value: Buffer): Notice {
  const reader = new Reader(value);
  invariant(reader.u8() === VERSION, 'a notice has a known version');
  const kind = NOTICE_KINDS[reader.u8()];
  const priority = reader.u8() === 1;
  const outcome = OUTCOMES[reader.u8()];
  invariant(kind !== undefined && outcome !== undefined, 'a notice has a known kind and outcome');
  const receivedAt = reader.u64();
  const [dueAt, answeredAt] = [reader.u64(), reader.u64()].map((time) => (time === 0 ? null : time));
  const fileIds = Array.from({ length: reader.u8() }, () => reader.bytes(FILE_ID_LENGTH).toString('latin1'));
  const sealedText = readField(reader);
  return {
    reference,
    kind,
    priority,
    outcome,
    receivedAt,
    dueAt: dueAt ?? null,
    answeredAt: answeredAt ?? null,
    fileIds,
    sealedText,
  };
}
