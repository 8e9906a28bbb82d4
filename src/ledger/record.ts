/**
 * Records of the log: encode and parse, in mirror order (docs/format/ledger.md, "Records").
 *
 * A put carries S, so encoded records are secrets: they lie in memory that can be wiped, and nothing here makes a string
 * or a number of a secret. Parsing gives views into the bytes it was given.
 */
import { secretBytes } from '../base/bytes.js';
import { Reader, Writer } from '../base/cursor.js';
import { invariant } from '../base/errors.js';
import type { UnitList } from '../store/arena.js';
import { SECRET_LENGTH } from '../store/vault.js';
import type { BookChange, GoneCause, ShareMode } from './ledger.js';
import type { FileId } from './tokens.js';

export const ID_LENGTH = 16;
const FILE_ID_LENGTH = 13;
const UNIT_LENGTH = 4;

const KIND = {
  put: 16,
  gone: 17,
  views: 18,
  opened: 19,
  expiry: 20,
  held: 21,
  bookPut: 22,
  bookDelete: 23,
  bookAdd: 24,
  keep: 25,
  letGo: 26,
} as const;

export const FLAG = { passphrase: 1, opened: 2, held: 4 } as const;

const MODES: readonly ShareMode[] = ['timed', 'burn', 'never'];
const CAUSES: readonly Exclude<GoneCause, 'expired'>[] = ['viewed', 'deleted', 'taken-down', 'moderated'];

export type RecordedCause = (typeof CAUSES)[number];

export function modeCode(mode: ShareMode): number {
  return MODES.indexOf(mode) + 1;
}

export function modeOf(code: number): ShareMode {
  const mode = MODES[code - 1];
  invariant(mode !== undefined, 'a mode is one of three');
  return mode;
}

export interface PutRecord {
  readonly kind: 'put';
  readonly id: Buffer;
  readonly deletion: Buffer;
  readonly fileId: FileId;
  readonly expiresAt: number | null;
  readonly mode: ShareMode;
  readonly views: number | null;
  readonly flags: number;
  readonly secret: Uint8Array;
  readonly units: UnitList;
}

export type LedgerRecord =
  | PutRecord
  | { readonly kind: 'gone'; readonly id: Buffer; readonly cause: RecordedCause }
  | { readonly kind: 'views'; readonly id: Buffer; readonly views: number }
  | { readonly kind: 'opened'; readonly id: Buffer }
  | { readonly kind: 'expiry'; readonly id: Buffer; readonly expiresAt: number }
  | { readonly kind: 'held'; readonly id: Buffer; readonly held: boolean }
  | { readonly kind: 'keep'; readonly fileId: FileId; readonly units: UnitList }
  | { readonly kind: 'let-go'; readonly fileId: FileId }
  | { readonly kind: 'book'; readonly change: BookChange };

export function recordLength(record: LedgerRecord): number {
  switch (record.kind) {
    case 'put':
      return 1 + 2 * ID_LENGTH + FILE_ID_LENGTH + 8 + 1 + 4 + 1 + SECRET_LENGTH + 4 + UNIT_LENGTH * record.units.length;
    case 'gone':
    case 'held':
      return 1 + ID_LENGTH + 1;
    case 'views':
      return 1 + ID_LENGTH + 4;
    case 'opened':
      return 1 + ID_LENGTH;
    case 'expiry':
      return 1 + ID_LENGTH + 8;
    case 'keep':
      return 1 + FILE_ID_LENGTH + 4 + UNIT_LENGTH * record.units.length;
    case 'let-go':
      return 1 + FILE_ID_LENGTH;
    case 'book':
      return 3 + record.change.key.length + changeLength(record.change);
  }
}

function changeLength(change: BookChange): number {
  if (change.kind === 'put') return 2 + change.value.length;
  return change.kind === 'add' ? 8 : 0;
}

/** An entry of records that are applied together. The caller hands it to the store, which wipes it. */
export function encodeRecords(records: readonly LedgerRecord[]): Buffer {
  const bytes = secretBytes(records.reduce((sum, record) => sum + recordLength(record), 0));
  const out = new Writer(bytes);
  for (const record of records) encodeRecord(out, record);
  return bytes;
}

export function parseRecords(bytes: Buffer): LedgerRecord[] {
  const from = new Reader(bytes);
  const records: LedgerRecord[] = [];
  while (from.remaining > 0) records.push(parseRecord(from));
  return records;
}

function encodeRecord(out: Writer, record: LedgerRecord): void {
  switch (record.kind) {
    case 'put':
      encodePut(out, record);
      break;
    case 'gone':
      out
        .u8(KIND.gone)
        .bytes(record.id)
        .u8(CAUSES.indexOf(record.cause) + 1);
      break;
    case 'views':
      out.u8(KIND.views).bytes(record.id).u32(record.views);
      break;
    case 'opened':
      out.u8(KIND.opened).bytes(record.id);
      break;
    case 'expiry':
      out.u8(KIND.expiry).bytes(record.id).u64(record.expiresAt);
      break;
    case 'held':
      out
        .u8(KIND.held)
        .bytes(record.id)
        .u8(record.held ? 1 : 0);
      break;
    case 'keep':
      out.u8(KIND.keep).bytes(fileIdBytes(record.fileId)).u32(record.units.length).bytes(encodeUnits(record.units));
      break;
    case 'let-go':
      out.u8(KIND.letGo).bytes(fileIdBytes(record.fileId));
      break;
    case 'book':
      encodeChange(out, record.change);
      break;
  }
}

function parseRecord(from: Reader): LedgerRecord {
  const kind = from.u8();
  switch (kind) {
    case KIND.put:
      return parsePut(from);
    case KIND.gone:
      return { kind: 'gone', id: from.bytes(ID_LENGTH), cause: causeOf(from.u8()) };
    case KIND.views:
      return { kind: 'views', id: from.bytes(ID_LENGTH), views: from.u32() };
    case KIND.opened:
      return { kind: 'opened', id: from.bytes(ID_LENGTH) };
    case KIND.expiry:
      return { kind: 'expiry', id: from.bytes(ID_LENGTH), expiresAt: from.u64() };
    case KIND.held:
      return { kind: 'held', id: from.bytes(ID_LENGTH), held: from.u8() === 1 };
    case KIND.keep:
      return { kind: 'keep', fileId: parseFileIdFrom(from), units: parseUnitsFrom(from) };
    case KIND.letGo:
      return { kind: 'let-go', fileId: parseFileIdFrom(from) };
    default:
      return { kind: 'book', change: parseChange(kind, from) };
  }
}

function encodePut(out: Writer, record: PutRecord): void {
  out.u8(KIND.put).bytes(record.id).bytes(record.deletion).bytes(fileIdBytes(record.fileId));
  out
    .u64(record.expiresAt ?? 0)
    .u8(modeCode(record.mode))
    .u32(record.views ?? 0)
    .u8(record.flags);
  out.bytes(record.secret).u32(record.units.length).bytes(encodeUnits(record.units));
}

function parsePut(from: Reader): PutRecord {
  const [id, deletion] = [from.bytes(ID_LENGTH), from.bytes(ID_LENGTH)];
  const fileId = parseFileIdFrom(from);
  const expiresAt = from.u64();
  const mode = modeOf(from.u8());
  const views = from.u32();
  const flags = from.u8();
  const secret = from.bytes(SECRET_LENGTH);
  const units = parseUnitsFrom(from);
  return {
    kind: 'put',
    id,
    deletion,
    fileId,
    expiresAt: expiresAt === 0 ? null : expiresAt,
    mode,
    views: views === 0 ? null : views,
    flags,
    secret,
    units,
  };
}

function fileIdBytes(fileId: FileId): Buffer {
  return Buffer.from(fileId, 'latin1');
}

function parseFileIdFrom(from: Reader): FileId {
  return from.bytes(FILE_ID_LENGTH).toString('latin1') as FileId;
}

/** count ‖ units. */
function parseUnitsFrom(from: Reader): UnitList {
  return parseUnits(from.bytes(UNIT_LENGTH * from.u32()));
}

/** Units as they stand in records and rows. */
export function encodeUnits(units: UnitList): Buffer {
  const bytes = Buffer.allocUnsafe(UNIT_LENGTH * units.length);
  for (const [index, unit] of units.entries()) bytes.writeUInt32BE(unit, UNIT_LENGTH * index);
  return bytes;
}

export function parseUnits(bytes: Uint8Array): UnitList {
  const from = new Reader(bytes);
  return Uint32Array.from({ length: bytes.length / UNIT_LENGTH }, () => from.u32()) as UnitList;
}

function encodeChange(out: Writer, change: BookChange): void {
  const kind = { put: KIND.bookPut, delete: KIND.bookDelete, add: KIND.bookAdd }[change.kind];
  out.u8(kind).u8(change.space).u8(change.key.length).bytes(change.key);
  if (change.kind === 'put') out.u16(change.value.length).bytes(change.value);
  if (change.kind === 'add') out.u64(change.by);
}

function parseChange(kind: number, from: Reader): BookChange {
  const space = from.u8();
  const key = from.bytes(from.u8());
  switch (kind) {
    case KIND.bookPut:
      return { kind: 'put', space, key, value: from.bytes(from.u16()) };
    case KIND.bookDelete:
      return { kind: 'delete', space, key };
    case KIND.bookAdd:
      return { kind: 'add', space, key, by: from.u64() };
    default:
      throw new Error('a record of a kind that is not known');
  }
}

function causeOf(code: number): RecordedCause {
  const cause = CAUSES[code - 1];
  invariant(cause !== undefined, 'a cause is one of four');
  return cause;
}
