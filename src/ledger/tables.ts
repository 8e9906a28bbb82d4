/**
 * The tables of one shard, in memory (docs/format/ledger.md). The only file that speaks SQL.
 *
 * It is never shown a token, a key or S: SQLite keeps copies of what it was given. `secure_delete` sees to it that an
 * exported image has no deleted byte.
 */
import initSqlJs, { type Database, type SqlJsStatic, type SqlValue, type Statement } from 'sql.js';
import { invariant } from '../base/errors.js';
import type { UnitList } from '../store/arena.js';
import type { BookEntry, ShareMode } from './ledger.js';
import { encodeUnits, modeCode, modeOf, parseUnits } from './record.js';
import type { FileId } from './tokens.js';

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS share (
    id BLOB PRIMARY KEY, deletion BLOB NOT NULL, file_id TEXT NOT NULL, expires_at INTEGER, mode INTEGER NOT NULL,
    views INTEGER, flags INTEGER NOT NULL, place INTEGER NOT NULL, units BLOB NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS share_deletion ON share (deletion);
  CREATE INDEX IF NOT EXISTS share_file_id ON share (file_id);
  CREATE INDEX IF NOT EXISTS share_expires_at ON share (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE IF NOT EXISTS book (
    space INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (space, key)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS kept (file_id TEXT PRIMARY KEY, units BLOB NOT NULL) STRICT, WITHOUT ROWID;
`;
const COLUMNS = 'id, deletion, file_id, expires_at, mode, views, flags, place, units';

let library: Promise<SqlJsStatic> | null = null;

/** Loads SQLite once a process. */
export function loadSqlite(): Promise<SqlJsStatic> {
  return (library ??= initSqlJs());
}

export interface Row {
  readonly id: Buffer;
  readonly deletion: Buffer;
  readonly fileId: FileId;
  readonly expiresAt: number | null;
  readonly mode: ShareMode;
  readonly views: number | null;
  readonly flags: number;
  readonly place: number;
  readonly units: UnitList;
}

/** Units that are kept as evidence, under the file ID of the share whose content they hold. */
export interface Kept {
  readonly fileId: FileId;
  readonly units: UnitList;
}

/** A place in the order of expiry. */
export interface ExpiryPlace {
  readonly expiresAt: number;
  readonly id: Uint8Array;
}

const FIRST: ExpiryPlace = { expiresAt: -1, id: new Uint8Array(0) };

type Query =
  | 'byId'
  | 'byDeletion'
  | 'byFileId'
  | 'all'
  | 'expired'
  | 'earliest'
  | 'due'
  | 'insert'
  | 'delete'
  | 'setViews'
  | 'setFlags'
  | 'setExpiry'
  | 'bookGet'
  | 'bookPut'
  | 'bookDelete'
  | 'bookList'
  | 'keptGet'
  | 'keptPut'
  | 'keptDelete'
  | 'keptList'
  | 'pages'
  | 'freePages';

const SQL: Readonly<Record<Query, string>> = {
  byId: `SELECT ${COLUMNS} FROM share WHERE id = ?`,
  byDeletion: `SELECT ${COLUMNS} FROM share WHERE deletion = ?`,
  byFileId: `SELECT ${COLUMNS} FROM share WHERE file_id = ?`,
  all: `SELECT ${COLUMNS} FROM share`,
  expired: `SELECT ${COLUMNS} FROM share WHERE expires_at <= ? AND (expires_at, id) > (?, ?)
            ORDER BY expires_at, id LIMIT ?`,
  earliest: 'SELECT min(expires_at) FROM share WHERE expires_at IS NOT NULL',
  due: 'SELECT count(*) FROM share WHERE expires_at <= ?',
  insert: `INSERT INTO share (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  delete: 'DELETE FROM share WHERE id = ?',
  setViews: 'UPDATE share SET views = ? WHERE id = ?',
  setFlags: 'UPDATE share SET flags = ? WHERE id = ?',
  setExpiry: 'UPDATE share SET expires_at = ? WHERE id = ?',
  bookGet: 'SELECT value FROM book WHERE space = ? AND key = ?',
  bookPut: 'INSERT INTO book (space, key, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
  bookDelete: 'DELETE FROM book WHERE space = ? AND key = ?',
  bookList: 'SELECT key, value FROM book WHERE space = ?',
  keptGet: 'SELECT units FROM kept WHERE file_id = ?',
  keptPut: 'INSERT INTO kept (file_id, units) VALUES (?, ?)',
  keptDelete: 'DELETE FROM kept WHERE file_id = ?',
  keptList: 'SELECT file_id, units FROM kept',
  pages: 'PRAGMA page_count',
  freePages: 'PRAGMA freelist_count',
};

export class Tables {
  readonly #database: Database;
  readonly #statements = new Map<Query, Statement>();
  readonly #pageBytes: number;
  #imageBytes: number | null = null;

  /** Empty tables with pages of so many bytes, or those of an image. */
  constructor(sqlite: SqlJsStatic, image: Uint8Array | null, pageBytes: number) {
    this.#database = new sqlite.Database(image);
    if (image === null) this.#database.run(`PRAGMA page_size = ${pageBytes}`);
    this.#database.run('PRAGMA journal_mode = MEMORY; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY;');
    // An image that an earlier version made gets the tables that it lacks.
    this.#database.run(SCHEMA);
    this.#pageBytes = Number(this.#database.exec('PRAGMA page_size')[0]?.values[0]?.[0]);
  }

  byId(id: Uint8Array): Row | null {
    return this.#row('byId', [id]);
  }

  byDeletion(deletion: Uint8Array): Row | null {
    return this.#row('byDeletion', [deletion]);
  }

  byFileId(fileId: FileId): Row | null {
    return this.#row('byFileId', [fileId]);
  }

  /** Calls back for each row. The tables must not be changed meanwhile. */
  forEach(callback: (row: Row) => void): void {
    for (const values of this.#all('all', [])) callback(rowOf(values));
  }

  /** At most `count` that have expired by `clock`, in order, from the one behind `after` on. */
  expired(clock: number, count: number, after: ExpiryPlace = FIRST): Row[] {
    return [...this.#all('expired', [clock, after.expiresAt, after.id, count])].map(rowOf);
  }

  /** How many have expired by `clock`. */
  due(clock: number): number {
    return Number(this.#first('due', [clock])?.[0]);
  }

  /** The earliest expiry; Infinity where nothing expires. */
  earliest(): number {
    const value = this.#first('earliest', [])?.[0];
    return typeof value === 'number' ? value : Infinity;
  }

  insert(row: Row): void {
    const { id, deletion, fileId, expiresAt, mode, views, flags, place, units } = row;
    this.#change('insert', [id, deletion, fileId, expiresAt, modeCode(mode), views, flags, place, encodeUnits(units)]);
  }

  delete(id: Uint8Array): void {
    this.#change('delete', [id]);
  }

  setViews(id: Uint8Array, views: number): void {
    this.#change('setViews', [views, id]);
  }

  setFlags(id: Uint8Array, flags: number): void {
    this.#change('setFlags', [flags, id]);
  }

  setExpiry(id: Uint8Array, expiresAt: number): void {
    this.#change('setExpiry', [expiresAt, id]);
  }

  bookGet(space: number, key: Uint8Array): Buffer | null {
    const values = this.#first('bookGet', [space, key]);
    return values === null ? null : blob(values[0]);
  }

  bookPut(space: number, key: Uint8Array, value: Uint8Array): void {
    this.#change('bookPut', [space, key, value]);
  }

  bookDelete(space: number, key: Uint8Array): void {
    this.#change('bookDelete', [space, key]);
  }

  bookList(space: number): BookEntry[] {
    return [...this.#all('bookList', [space])].map(([key, value]) => ({ key: blob(key), value: blob(value) }));
  }

  keptGet(fileId: FileId): UnitList | null {
    const values = this.#first('keptGet', [fileId]);
    return values === null ? null : parseUnits(blob(values[0]));
  }

  keptPut(fileId: FileId, units: UnitList): void {
    this.#change('keptPut', [fileId, encodeUnits(units)]);
  }

  keptDelete(fileId: FileId): void {
    this.#change('keptDelete', [fileId]);
  }

  keptList(): Kept[] {
    return [...this.#all('keptList', [])].map(([fileId, units]) => ({
      fileId: fileId as FileId,
      units: parseUnits(blob(units)),
    }));
  }

  /** Bytes of the image that `image` would give now. */
  imageBytes(): number {
    this.#imageBytes ??= Number(this.#first('pages', [])?.[0]) * this.#pageBytes;
    return this.#imageBytes;
  }

  /** Gives back free pages where they are a quarter or more. True where it did. */
  compact(): boolean {
    const free = Number(this.#first('freePages', [])?.[0]) * this.#pageBytes;
    if (free < this.#pageBytes || 4 * free < this.imageBytes()) return false;
    this.#database.run('VACUUM');
    this.#imageBytes = null;
    return true;
  }

  image(): Buffer {
    const bytes = this.#database.export();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  close(): void {
    this.#database.close();
  }

  #statement(query: Query): Statement {
    const known = this.#statements.get(query);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(SQL[query]);
    this.#statements.set(query, statement);
    return statement;
  }

  #row(query: Query, values: SqlValue[]): Row | null {
    const found = this.#first(query, values);
    return found === null ? null : rowOf(found);
  }

  #first(query: Query, values: SqlValue[]): SqlValue[] | null {
    const statement = this.#statement(query);
    statement.bind(values);
    const found = statement.step() ? statement.get() : null;
    statement.reset();
    return found;
  }

  *#all(query: Query, values: SqlValue[]): Generator<SqlValue[], void, undefined> {
    const statement = this.#statement(query);
    statement.bind(values);
    try {
      while (statement.step()) yield statement.get();
    } finally {
      statement.reset();
    }
  }

  #change(query: Query, values: SqlValue[]): void {
    this.#statement(query).run(values);
    this.#imageBytes = null;
  }
}

function rowOf(values: readonly SqlValue[]): Row {
  const [id, deletion, fileId, expiresAt, mode, views, flags, place, units] = values;
  return {
    id: blob(id),
    deletion: blob(deletion),
    fileId: fileId as FileId,
    expiresAt: expiresAt === null ? null : Number(expiresAt),
    mode: modeOf(Number(mode)),
    views: views === null ? null : Number(views),
    flags: Number(flags),
    place: Number(place),
    units: parseUnits(blob(units)),
  };
}

function blob(value: SqlValue | undefined): Buffer {
  invariant(value instanceof Uint8Array, 'a blob is read as bytes');
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
