/**
 * Reads block lists as hash-sharing programmes hand them out: a hash a line, or CSV (comma, semicolon or tab; quotes;
 * with or without a line of column names), in pieces of any size.
 *
 * Understood: PDQ (64 hexadecimal digits), MD5 (32), SHA-1 (40), SHA-256 (64), with quality, names and descriptions
 * beside them. 64 digits are PDQ or SHA-256 by the name of their column or a word of their row, else as the operator
 * says. Descriptions are not kept. PhotoDNA values are counted and skipped: the algorithm is not public. What can't be
 * read is counted with its line numbers, never dropped in silence.
 */
import { StringDecoder } from 'node:string_decoder';
import { PDQ_LENGTH, popCount32 } from './pdq.js';

export type HashKind = 'pdq' | 'md5' | 'sha1' | 'sha256';
export const HASH_KINDS: readonly HashKind[] = ['pdq', 'md5', 'sha1', 'sha256'];
export const HASH_LENGTH: Readonly<Record<HashKind, number>> = { pdq: PDQ_LENGTH, md5: 16, sha1: 20, sha256: 32 };

/** Below this quality the authors of PDQ advise not to match: flat pictures hash to noise. */
export const MIN_QUALITY = 50;
/** A line longer than this is no line of a list. */
const MAX_LINE = 64 * 1024;
const LINES_NAMED = 5;

export interface ListSummary {
  /** Different hashes of each kind. */
  readonly counts: Readonly<Record<HashKind, number>>;
  readonly duplicates: number;
  /** PDQ hashes whose own quality says that they match noise: left out. */
  readonly lowQuality: number;
  readonly photoDna: number;
  /** Lines with nothing in them that could be read, and where the first of them are. */
  readonly unreadable: number;
  readonly unreadableLines: readonly number[];
  /** PDQ hashes with other than 128 bits set. A few are normal; most of a list means that it holds SHA-256. */
  readonly oddPdq: number;
}

export interface ParsedList {
  /** Hashes of each kind one after the other, in ascending order, each once. */
  readonly hashes: Readonly<Record<HashKind, Buffer>>;
  readonly summary: ListSummary;
}

export interface ListOptions {
  /** What 64 digits are where the list itself doesn't say. */
  readonly untyped: 'pdq' | 'sha256';
}

/** Takes a list in pieces: `push` as they come, `end` once. Holds the hashes and one line. */
export class ListParser {
  readonly #options: ListOptions;
  readonly #decoder = new StringDecoder('utf8');
  readonly #found: Record<HashKind, HashBag>;
  readonly #unreadable: number[] = [];
  #rest = '';
  #line = 0;
  #columns: readonly Column[] | null = null;
  #lowQuality = 0;
  #photoDna = 0;
  #unread = 0;

  constructor(options: ListOptions = { untyped: 'pdq' }) {
    this.#options = options;
    this.#found = { pdq: bag('pdq'), md5: bag('md5'), sha1: bag('sha1'), sha256: bag('sha256') };
  }

  push(piece: Uint8Array): void {
    const lines = (this.#rest + this.#decoder.write(piece)).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) this.#take(line);
    if (this.#rest.length > MAX_LINE) this.#rest = this.#rest.slice(0, MAX_LINE + 1);
  }

  end(): ParsedList {
    this.#take(this.#rest + this.#decoder.end());
    const sorted = {
      pdq: this.#found.pdq.sorted(),
      md5: this.#found.md5.sorted(),
      sha1: this.#found.sha1.sorted(),
      sha256: this.#found.sha256.sorted(),
    };
    const count = (kind: HashKind): number => sorted[kind].length / HASH_LENGTH[kind];
    const counts = { pdq: count('pdq'), md5: count('md5'), sha1: count('sha1'), sha256: count('sha256') };
    return {
      hashes: sorted,
      summary: {
        counts,
        duplicates: HASH_KINDS.reduce((sum, kind) => sum + this.#found[kind].count - counts[kind], 0),
        lowQuality: this.#lowQuality,
        photoDna: this.#photoDna,
        unreadable: this.#unread,
        unreadableLines: this.#unreadable,
        oddPdq: countOdd(sorted.pdq),
      },
    };
  }

  #take(raw: string): void {
    this.#line++;
    const line = raw.replace(/^\uFEFF/, '').trim();
    if (line === '' || line.startsWith('#')) return;
    const fields = line.length > MAX_LINE ? [] : splitFields(line);
    if (this.#columns === null) {
      this.#columns = columnsOf(fields) ?? [];
      if (this.#columns.length > 0) return;
    }
    if (!this.#takeRow(fields, this.#columns)) {
      this.#unread++;
      if (this.#unreadable.length < LINES_NAMED) this.#unreadable.push(this.#line);
    }
  }

  #takeRow(fields: readonly string[], columns: readonly Column[]): boolean {
    let read = false;
    for (const [at, field] of fields.entries()) {
      const named = columns[at] ?? 'other';
      const kind = kindOf(field, named, () => wordOfRow(fields) ?? this.#options.untyped);
      if (kind === null) continue;
      read = true;
      if (kind === 'photodna') this.#photoDna++;
      else if (kind === 'pdq' && qualityOf(fields, at, columns) < MIN_QUALITY) this.#lowQuality++;
      else this.#found[kind].add(field);
    }
    return read;
  }
}

type Column = HashKind | 'photodna' | 'quality' | 'other';

const COLUMN_NAMES: readonly (readonly [RegExp, Column])[] = [
  [/^pdq[ _-]?(hash)?$/i, 'pdq'],
  [/^md5([ _-]?(hash|sum))?$/i, 'md5'],
  [/^sha-?1([ _-]?(hash|sum))?$/i, 'sha1'],
  [/^sha-?256([ _-]?(hash|sum))?$/i, 'sha256'],
  [/^photo[ _-]?dna([ _-]?hash)?$/i, 'photodna'],
  [/^(pdq[ _-]?)?quality$/i, 'quality'],
];
/** Words that stand over columns without saying a kind: they make a first line a line of names. */
const NEUTRAL_NAME = /^(hash|hashes|signal|signal_str|signal_text|value|indicator)$/i;

/** The columns that a first line names, or `null` if it is a line of data. */
function columnsOf(fields: readonly string[]): readonly Column[] | null {
  const columns = fields.map((name) => COLUMN_NAMES.find(([pattern]) => pattern.test(name))?.[1] ?? 'other');
  const names = columns.some((column) => column !== 'other') || fields.some((name) => NEUTRAL_NAME.test(name));
  return names && fields.every((field) => shapeOf(field) === null) ? columns : null;
}

type Shape = 'md5' | 'sha1' | 'digits64' | 'photodna';

function shapeOf(field: string): Shape | null {
  // PhotoDNA: 144 bytes as base64, hexadecimal, or 144 numbers in quotes.
  if (/^[A-Za-z0-9+/]{192}$/.test(field)) return 'photodna';
  if (/^[0-9a-f]+$/i.test(field)) {
    return ({ 32: 'md5', 40: 'sha1', 64: 'digits64', 288: 'photodna' } as const)[field.length] ?? null;
  }
  return /^\d{1,3}(,\s*\d{1,3}){143}$/.test(field) ? 'photodna' : null;
}

function kindOf(field: string, column: Column, untyped: () => 'pdq' | 'sha256'): HashKind | 'photodna' | null {
  const shape = shapeOf(field);
  if (shape !== 'digits64') return shape;
  return column === 'pdq' || column === 'sha256' ? column : untyped();
}

/** What a row says of its own 64 digits, as exports with a column of types do. */
function wordOfRow(fields: readonly string[]): 'pdq' | 'sha256' | null {
  if (fields.some((field) => /^(hash_?)?pdq$/i.test(field))) return 'pdq';
  return fields.some((field) => /^(hash_?)?sha-?256$/i.test(field)) ? 'sha256' : null;
}

/** The quality beside a PDQ hash: its named column, or the field after it, as the reference hasher prints them. */
function qualityOf(fields: readonly string[], at: number, columns: readonly Column[]): number {
  const named = columns.indexOf('quality');
  const field = named >= 0 ? fields[named] : columns.length === 0 ? fields[at + 1] : undefined;
  const quality = field !== undefined && /^\d{1,3}$/.test(field) ? Number(field) : 100;
  return quality <= 100 ? quality : 100;
}

/** Fields of one line: quoted ones as CSV has them (RFC 4180, without line breaks inside), else at , ; tab or blanks. */
function splitFields(line: string): string[] {
  if (!line.includes('"')) return line.split(/[,;\t]|\s{2,}|(?<=^[0-9a-f]{32,64}) /i).map((field) => field.trim());
  const fields: string[] = [];
  for (const match of line.matchAll(/(?:^|[,;\t])\s*(?:"((?:[^"]|"")*)"|([^,;\t]*))/g)) {
    fields.push((match[1]?.replaceAll('""', '"') ?? match[2] ?? '').trim());
  }
  return fields;
}

/** Hashes of one length, growing, then sorted with repetitions dropped. */
interface HashBag {
  readonly count: number;
  add(hex: string): void;
  sorted(): Buffer;
}

function bag(kind: HashKind): HashBag {
  const length = HASH_LENGTH[kind];
  let bytes = Buffer.allocUnsafeSlow(1024 * length);
  let count = 0;
  return {
    get count() {
      return count;
    },
    add(hex) {
      if ((count + 1) * length > bytes.length) {
        const larger = Buffer.allocUnsafeSlow(bytes.length * 2);
        bytes.copy(larger);
        bytes = larger;
      }
      bytes.write(hex, count++ * length, length, 'hex');
    },
    sorted: () => sortHashes(bytes.subarray(0, count * length), length),
  };
}

/** A copy of hashes of `length` bytes each, in ascending order, each once. */
export function sortHashes(bytes: Buffer, length: number): Buffer {
  const order = new Uint32Array(bytes.length / length).map((_, at) => at * length);
  order.sort((a, b) => {
    const first = bytes.readUInt32BE(a) - bytes.readUInt32BE(b);
    return first !== 0 ? first : bytes.compare(bytes, b, b + length, a, a + length);
  });
  const out = Buffer.allocUnsafeSlow(bytes.length);
  let size = 0;
  for (const at of order) {
    if (size > 0 && bytes.compare(out, size - length, size, at, at + length) === 0) continue;
    bytes.copy(out, size, at, at + length);
    size += length;
  }
  return out.subarray(0, size);
}

function countOdd(hashes: Buffer): number {
  let odd = 0;
  for (let at = 0; at < hashes.length; at += PDQ_LENGTH) {
    let bits = 0;
    for (let word = 0; word < PDQ_LENGTH; word += 4) bits += popCount32(hashes.readUInt32LE(at + word));
    if (bits !== PDQ_LENGTH * 4) odd++;
  }
  return odd;
}
