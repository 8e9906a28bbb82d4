/**
 * How block lists stand in their book: docs/format/moderation.md, section 1.
 *
 * Keys: list id u32 ‖ part u8 ‖ chunk u32. Part 0 is the header; other parts are a kind of hash, at 1 + its place in
 * `HASH_KINDS`. The site's own bans are list 0: one entry each, key list id ‖ part ‖ the hash itself, value the hashes of
 * its crops, so that a ban is one small write, banning twice is one entry, and lifting it takes the crops along.
 */
import { CursorError, Reader, Writer } from '../base/cursor.js';
import { invariant } from '../base/errors.js';
import type { Book } from './book.js';
import { parseBodyName, type BodyName } from './list-bodies.js';
import { HASH_KINDS, HASH_LENGTH, type HashKind } from './list-parse.js';

/** Why what is on a list is on it. The order is the order in the format: new ones go last. */
export const LIST_REASONS = ['child-abuse', 'intimate-image', 'terrorism', 'banned-here', 'other'] as const;
export type ListReason = (typeof LIST_REASONS)[number];

/** What a match leads to: refused at once, or put before a human. */
export const LIST_ACTIONS = ['refuse', 'review'] as const;
export type ListAction = (typeof LIST_ACTIONS)[number];

export interface ListInfo {
  readonly name: string;
  readonly reason: ListReason;
  readonly action: ListAction;
}

/** Names are the operator's; what is longer is refused at import. */
export const MAX_NAME_BYTES = 200;
const FORMAT_VERSION = 1;
const KEY_LENGTH = 9;
const HEADER = 0;
/** Names the body of a large list: written before it and before the header, so that a crash leaves nothing unnamed. */
const BODY = 0xfe;
/** Before the hash in the key of a ban. */
const OWN_PREFIX = 5;
/** Hashes a chunk: 32,000 bytes at most, within a book's largest value. */
const CHUNK_HASHES = 1000;
/** The site's own bans: one entry each, so that a ban is one small write. */
export const OWN_LIST = 0;
export const OWN: ListInfo = { name: 'banned here', reason: 'banned-here', action: 'refuse' };

/** Hashes of each kind, one after the other, in ascending order. */
export type Hashes = Readonly<Record<HashKind, Buffer>>;

const EMPTY = Buffer.alloc(0);
export const NO_HASHES: Hashes = { pdq: EMPTY, md5: EMPTY, sha1: EMPTY, sha256: EMPTY };

export function headerKey(list: number): Buffer {
  return keyOf(list, HEADER, 0);
}

export function bodyKey(list: number): Buffer {
  return keyOf(list, BODY, 0);
}

/** The list that an entry belongs to. */
export function listOf(key: Buffer): number {
  return key.readUInt32BE(0);
}

function keyOf(list: number, part: number, chunk: number): Buffer {
  const key = Buffer.alloc(KEY_LENGTH);
  new Writer(key).u32(list).u8(part).u32(chunk);
  return key;
}

export function ownKey(kind: HashKind, hash: Uint8Array): Buffer {
  const key = Buffer.alloc(OWN_PREFIX + hash.length);
  new Writer(key)
    .u32(OWN_LIST)
    .u8(1 + HASH_KINDS.indexOf(kind))
    .bytes(hash);
  return key;
}

export function encodeHeader(info: ListInfo): Buffer {
  const name = Buffer.from(info.name, 'utf8');
  const header = Buffer.alloc(3 + name.length);
  new Writer(header)
    .u8(FORMAT_VERSION)
    .u8(LIST_REASONS.indexOf(info.reason))
    .u8(LIST_ACTIONS.indexOf(info.action))
    .bytes(name);
  return header;
}

export function parseHeader(value: Buffer): ListInfo {
  const reader = new Reader(value);
  invariant(reader.u8() === FORMAT_VERSION, 'a block list has a known version');
  const reason = LIST_REASONS[reader.u8()];
  const action = LIST_ACTIONS[reader.u8()];
  if (reason === undefined || action === undefined) throw new CursorError('unknown reason or action of a block list');
  return { reason, action, name: reader.bytes(reader.remaining).toString('utf8') };
}

/** name 16 ‖ length u64. */
export interface Body {
  readonly name: BodyName;
  readonly length: number;
}

export function encodeBody({ name, length }: Body): Buffer {
  const value = Buffer.alloc(name.length + 8);
  new Writer(value).bytes(Buffer.from(name, 'latin1')).u64(length);
  return value;
}

function parseBody(value: Buffer): Body {
  const reader = new Reader(value);
  const name = parseBodyName(reader.bytes(16).toString('latin1'));
  invariant(name !== null, 'a body has a name');
  return { name, length: reader.u64() };
}

/** What a body holds: bytes of each kind u32 ‖ the hashes of each kind. */
export function encodeHashes(hashes: Hashes): Buffer {
  const head = Buffer.alloc(4 * HASH_KINDS.length);
  const writer = new Writer(head);
  for (const kind of HASH_KINDS) writer.u32(hashes[kind].length);
  return Buffer.concat([head, ...HASH_KINDS.map((kind) => hashes[kind])]);
}

export function parseHashes(body: Buffer): Hashes {
  const reader = new Reader(body);
  const lengths = HASH_KINDS.map(() => reader.u32());
  const [pdq = EMPTY, md5 = EMPTY, sha1 = EMPTY, sha256 = EMPTY] = lengths.map((length) => reader.bytes(length));
  return { pdq, md5, sha1, sha256 };
}

export function* chunksOf(id: number, hashes: Hashes): Generator<[Buffer, Buffer]> {
  for (const [at, kind] of HASH_KINDS.entries()) {
    const step = CHUNK_HASHES * HASH_LENGTH[kind];
    for (let from = 0, chunk = 0; from < hashes[kind].length; from += step, chunk++) {
      yield [keyOf(id, 1 + at, chunk), hashes[kind].subarray(from, from + step)];
    }
  }
}

export interface BookContent {
  /** Where the hashes of large lists lie. */
  readonly bodies: ReadonlyMap<number, Body>;
  /** Bodies of lists without a header. */
  readonly orphanBodies: readonly Body[];
  readonly infos: ReadonlyMap<number, ListInfo>;
  readonly hashes: ReadonlyMap<number, Hashes>;
  /** Chunks of lists without a header. */
  readonly orphans: readonly Buffer[];
}

/** Entries come in the order of their keys, so the chunks of a list are in order, and so are its hashes. */
export function readBook(book: Book): BookContent {
  const infos = new Map<number, ListInfo>([[OWN_LIST, OWN]]);
  const parts = new Map<number, Record<HashKind, Buffer[]>>();
  const orphans: Buffer[] = [];
  const bodies = new Map<number, Body>();
  const orphanBodies: Body[] = [];
  for (const { key, value } of book.entries()) {
    const id = listOf(key);
    const part = key.readUInt8(4);
    const kind = HASH_KINDS[part - 1];
    if (part === HEADER) infos.set(id, parseHeader(value));
    else if (part === BODY && infos.has(id)) bodies.set(id, parseBody(value));
    else if (kind === undefined || !infos.has(id)) {
      orphans.push(key);
      if (part === BODY) orphanBodies.push(parseBody(value));
    } else {
      const lists = parts.get(id) ?? { pdq: [], md5: [], sha1: [], sha256: [] };
      lists[kind].push(...(id === OWN_LIST ? [key.subarray(OWN_PREFIX), value] : [value]));
      parts.set(id, lists);
    }
  }
  const joined = ({ pdq, md5, sha1, sha256 }: Record<HashKind, Buffer[]>): Hashes => ({
    pdq: Buffer.concat(pdq),
    md5: Buffer.concat(md5),
    sha1: Buffer.concat(sha1),
    sha256: Buffer.concat(sha256),
  });
  return {
    infos,
    bodies,
    orphanBodies,
    hashes: new Map([...parts].map(([id, lists]) => [id, joined(lists)])),
    orphans,
  };
}

/** The bans in a book, by their own hashes. */
export function bansIn(book: Book): { readonly pdq: readonly Buffer[]; readonly sha256: readonly Buffer[] } {
  const keys = book.entries().flatMap(({ key }) => (listOf(key) === OWN_LIST ? [key] : []));
  const of = (kind: HashKind): Buffer[] =>
    keys.filter((key) => HASH_KINDS[key.readUInt8(4) - 1] === kind).map((key) => key.subarray(OWN_PREFIX));
  return { pdq: of('pdq'), sha256: of('sha256') };
}
