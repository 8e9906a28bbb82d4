/** One flagged share as it stands in the book of cases: docs/format/moderation.md, section 3. */
import { CursorError, Reader, Writer } from '../base/cursor.js';
import { invariant } from '../base/errors.js';
import type { FileId } from '../ledger/tokens.js';
import { fieldSize, readField, writeField } from './text-field.js';
import type { BorderlineReason, Severity } from './verdict.js';

/** What a reporter may choose from, in the order of the format: new ones go last. */
export const REPORT_REASONS = ['minors', 'violence', 'intimate', 'personal', 'copyright', 'malware', 'other'] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];
const BORDERLINE_REASONS: readonly BorderlineReason[] = ['listed', 'perhaps-listed', 'explicit'];

/** What lets staff see a flagged share. */
export interface Evidence {
  /** The share's key, sealed to the staff. */
  readonly sealedKey: Buffer;
  /** How many units of the arena it keeps from being used again. */
  readonly units: number;
  /** Milliseconds since 1970: gone from then on. */
  readonly until: number;
}

export interface Case {
  readonly fileId: FileId;
  readonly openedAt: number;
  readonly severity: Severity;
  /** Every reason that was given, by reporters and by the checks at upload. */
  readonly reports: ReadonlySet<ReportReason>;
  readonly borderline: ReadonlySet<BorderlineReason>;
  /** What reporters wrote, sealed to the staff. The first few only. */
  readonly notes: readonly Buffer[];
  /** Not served until it is decided. */
  readonly held: boolean;
  readonly evidence: Evidence | null;
}

const VERSION = 1;
const FIXED = 1 + 8 + 1 + 1 + 2 + 1 + 1 + 1;

export function encodeCase(item: Case): Buffer {
  const { openedAt, severity, held, reports, borderline, notes, evidence } = item;
  const fields = [...notes, ...(evidence === null ? [] : [evidence.sealedKey])];
  const size = FIXED + fields.reduce((sum, field) => sum + fieldSize(field), 0) + (evidence === null ? 0 : 4 + 8);
  const value = Buffer.alloc(size);
  const writer = new Writer(value)
    .u8(VERSION)
    .u64(openedAt)
    .u8(severity)
    .u8(held ? 1 : 0);
  writer.u16(bitsOf(REPORT_REASONS, reports)).u8(bitsOf(BORDERLINE_REASONS, borderline)).u8(notes.length);
  for (const note of notes) writeField(writer, note);
  writer.u8(evidence === null ? 0 : 1);
  if (evidence !== null) {
    writeField(writer, evidence.sealedKey);
    writer.u32(evidence.units).u64(evidence.until);
  }
  return value;
}

export function parseCase(fileId: FileId, value: Buffer): Case {
  const reader = new Reader(value);
  invariant(reader.u8() === VERSION, 'a case has a known version');
  const openedAt = reader.u64();
  const severity = reader.u8();
  if (severity !== 1 && severity !== 2 && severity !== 3) throw new CursorError('severity of a case is not 1 to 3');
  const held = reader.u8() === 1;
  const reports = setOf(REPORT_REASONS, reader.u16());
  const borderline = setOf(BORDERLINE_REASONS, reader.u8());
  const notes = Array.from({ length: reader.u8() }, () => readField(reader));
  const evidence =
    reader.u8() === 0 ? null : { sealedKey: readField(reader), units: reader.u32(), until: reader.u64() };
  return { fileId, openedAt, severity, held, reports, borderline, notes, evidence };
}

function bitsOf<T>(all: readonly T[], some: ReadonlySet<T>): number {
  return all.reduce((bits, one, at) => (some.has(one) ? bits | (1 << at) : bits), 0);
}

function setOf<T>(all: readonly T[], bits: number): ReadonlySet<T> {
  return new Set(all.filter((_, at) => (bits & (1 << at)) !== 0));
}
