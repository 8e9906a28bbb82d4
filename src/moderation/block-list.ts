/**
 * The block lists: what an operator imported, and the site's own bans.
 *
 * Kept in a book (docs/format/moderation.md, section 1) and, indexed, in memory. A picture is looked up by the digests
 * of its file and by the perceptual hashes of its eight turns.
 *
 * What holds: an import is there as a whole or not at all, also after a crash in the middle; a ban counts from the
 * moment its promise resolves, also after a crash. Nothing of what was looked up is kept.
 * Knows nothing of: what a match leads to.
 */
import { invariant, Refusal } from '../base/errors.js';
import { KiB } from '../base/units.js';
import type { BannedContent, BannedLook } from './ban.js';
import type { Book } from './book.js';
import { ExactSet } from './exact-set.js';
import {
  bansIn,
  bodyKey,
  chunksOf,
  encodeBody,
  encodeHashes,
  encodeHeader,
  headerKey,
  listOf,
  LIST_ACTIONS,
  LIST_REASONS,
  MAX_NAME_BYTES,
  NO_HASHES,
  OWN,
  OWN_LIST,
  ownKey,
  parseHashes,
  readBook,
  type Body,
  type Hashes,
  type ListInfo,
} from './block-list-format.js';
import type { ListBodies } from './list-bodies.js';
import { HASH_LENGTH, sortHashes, type HashKind, type ParsedList } from './list-parse.js';
import { PdqIndex, SCAN_BELOW } from './pdq-index.js';
import type { PdqHash } from './pdq.js';

export interface ListState extends ListInfo {
  readonly id: number;
  readonly counts: Readonly<Record<HashKind, number>>;
}

/** Digests of one file by kind; those that nobody asked for may be left out. */
export type FileDigests = Partial<Readonly<Record<Exclude<HashKind, 'pdq'>, Uint8Array>>>;

export interface Match {
  readonly list: ListInfo;
  /** Bits of difference; 0 for a digest. */
  readonly distance: number;
  readonly by: 'digest' | 'appearance';
}

interface Loaded extends ListInfo {
  readonly id: number;
  readonly exact: Readonly<Record<Exclude<HashKind, 'pdq'>, ExactSet>>;
  readonly pdq: PdqIndex;
}

export class BlockLists {
  readonly #book: Book;
  readonly #bodies: ListBodies | null;
  #lists: readonly Loaded[];
  #nextId: number;
  /** Bans that are not in the index of `#lists` yet: few, so they are compared one by one. */
  #fresh: Fresh = NONE_FRESH;
  /** Bans on their way into the book. */
  #inFlight = 0;
  /** Indexing of the bans, one after the other: the last one has seen everything before it. */
  #indexing: Promise<void> = Promise.resolve();
  #nextIndexing: Promise<void> | null = null;

  private constructor(book: Book, bodies: ListBodies | null, lists: readonly Loaded[]) {
    this.#book = book;
    this.#bodies = bodies;
    this.#nextId = 1 + Math.max(...lists.map(({ id }) => id));
    this.#lists = lists;
  }

  /**
   * Opens the lists: reads and indexes everything; sweeps what an import that never ended left behind. Without `bodies`
   * all of a list stands in the book, which has little room.
   */
  static async load(book: Book, bodies: ListBodies | null = null): Promise<BlockLists> {
    const content = readBook(book);
    for (const { name } of content.orphanBodies) await bodies?.drop(name);
    for (const key of content.orphans) await book.delete(key);
    const lists: Loaded[] = [];
    for (const [id, info] of content.infos) {
      const body = content.bodies.get(id);
      const hashes = body === undefined ? content.hashes.get(id) : await loadBody(bodies, body);
      lists.push(await index(id, info, hashes ?? NO_HASHES));
    }
    return new BlockLists(book, bodies, lists);
  }

  /** The imported lists with what they hold. */
  states(): readonly ListState[] {
    return this.#lists.filter(({ id }) => id !== OWN_LIST).map((list) => stateOf(list));
  }

  /** The site's own bans: their own hashes, without crops. */
  bans(): { readonly pdq: readonly Buffer[]; readonly sha256: readonly Buffer[] } {
    return bansIn(this.#book);
  }

  /** The kinds of digest that any list holds: no need to compute the others. */
  wanted(): ReadonlySet<Exclude<HashKind, 'pdq'>> {
    const wanted = new Set<Exclude<HashKind, 'pdq'>>();
    for (const kind of ['md5', 'sha1', 'sha256'] as const) {
      if ([...this.#lists, this.#fresh.list].some(({ exact }) => exact[kind].size > 0)) wanted.add(kind);
    }
    return wanted;
  }

  /** Whether any list knows pictures by how they look: otherwise no look needs to be taken. */
  wantLooks(): boolean {
    return [...this.#lists, this.#fresh.list].some(({ pdq }) => pdq.size > 0);
  }

  /** Adds a list. Resolves when all of it is durable; what fails half-way is not there at the next load. */
  async add(info: ListInfo, parsed: Pick<ParsedList, 'hashes'>): Promise<ListState> {
    if (Buffer.byteLength(info.name) > MAX_NAME_BYTES) throw new Refusal('malformed', 'the name of a list is too long');
    const id = this.#nextId++;
    const list = await index(id, info, parsed.hashes);
    await this.#put(id, parsed.hashes);
    await this.#book.put(headerKey(id), encodeHeader(info));
    this.#lists = [...this.#lists, list];
    return stateOf(list);
  }

  /** Takes an imported list away; false if there is none of this number. The header goes first: half a list is none. */
  async remove(id: number): Promise<boolean> {
    if (id === OWN_LIST || !this.#lists.some((list) => list.id === id)) return false;
    this.#lists = this.#lists.filter((list) => list.id !== id);
    const body = readBook(this.#book).bodies.get(id);
    await this.#book.delete(headerKey(id));
    if (body !== undefined) await this.#bodies?.drop(body.name);
    for (const { key } of this.#book.entries()) if (listOf(key) === id) await this.#book.delete(key);
    return true;
  }

  /** Writes what a list holds: a small one into the book, a large one into a body that is named there first. */
  async #put(id: number, hashes: Hashes): Promise<void> {
    const bytes = encodeHashes(hashes);
    if (this.#bodies === null || bytes.length <= LARGE) {
      for (const [key, value] of chunksOf(id, hashes)) await this.#book.put(key, value);
      return;
    }
    const name = this.#bodies.newName();
    await this.#book.put(bodyKey(id), encodeBody({ name, length: bytes.length }));
    await this.#bodies.save(name, bytes);
  }

  /** Bans content from now on. Resolves when durable; it is refused from the call on. */
  async ban({ looks, sha256 }: BannedContent): Promise<void> {
    this.#fresh = fresh([...this.#fresh.looks, ...looks], [...this.#fresh.sha256, ...sha256]);
    this.#inFlight++;
    try {
      for (const { original, crops } of looks) await this.#book.put(ownKey('pdq', original), Buffer.concat(crops));
      for (const digest of sha256) await this.#book.put(ownKey('sha256', digest), NOTHING);
    } finally {
      this.#inFlight--;
    }
    if (this.#fresh.list.pdq.size > SCAN_BELOW) await this.#indexBans();
  }

  /** Lifts a ban made by mistake: of a look by its own hash, with its crops. False if there is none. */
  async lift(kind: 'pdq' | 'sha256', hash: Uint8Array): Promise<boolean> {
    if (!(await this.#book.delete(ownKey(kind, hash)))) return false;
    const { looks, sha256 } = this.#fresh;
    this.#fresh =
      kind === 'pdq'
        ? fresh(
            looks.filter(({ original }) => !original.equals(hash)),
            sha256,
          )
        : fresh(
            looks,
            sha256.filter((digest) => Buffer.compare(digest, hash) !== 0),
          );
    await this.#indexBans();
    return true;
  }

  /** Indexes the bans anew from the book. One that has not begun yet serves everyone who asks. */
  #indexBans(): Promise<void> {
    this.#nextIndexing ??= this.#indexing.then(async () => {
      this.#nextIndexing = null;
      const before = this.#inFlight === 0 ? this.#fresh : null;
      const own = await index(OWN_LIST, OWN, readBook(this.#book).hashes.get(OWN_LIST) ?? NO_HASHES);
      this.#lists = this.#lists.map((list) => (list.id === OWN_LIST ? own : list));
      // Everything fresh was in the book when it was read, unless a ban was on its way then or came since.
      if (this.#fresh === before) this.#fresh = NONE_FRESH;
    });
    this.#indexing = this.#nextIndexing.catch(() => undefined);
    return this.#nextIndexing;
  }

  /**
   * The gravest match of a file: refusals before reviews, then by reason. `hashes` are the turns of one picture, or of
   * the sample frames of a video.
   */
  match(digests: readonly FileDigests[], hashes: readonly PdqHash[], radius: number): Match | null {
    let gravest: Match | null = null;
    for (const list of [this.#fresh.list, ...this.#lists]) {
      const found = matchIn(list, digests, hashes, radius);
      if (found !== null && (gravest === null || gravity(found) < gravity(gravest))) gravest = found;
    }
    return gravest;
  }
}

const NOTHING = Buffer.alloc(0);
/** From here on a list is too large for the book. */
const LARGE = 256 * KiB;

async function loadBody(bodies: ListBodies | null, { name, length }: Body): Promise<Hashes> {
  const bytes = (await bodies?.load(name, length)) ?? null;
  invariant(bytes !== null, 'the body of a block list is there');
  return parseHashes(bytes);
}

async function index(id: number, info: ListInfo, hashes: Hashes): Promise<Loaded> {
  return loaded(id, info, hashes, await PdqIndex.build(hashes.pdq));
}

interface Fresh {
  readonly looks: readonly BannedLook[];
  readonly sha256: readonly Uint8Array[];
  readonly list: Loaded;
}

function fresh(looks: readonly BannedLook[], sha256: readonly Uint8Array[]): Fresh {
  const pdq = Buffer.concat(looks.flatMap(({ original, crops }) => [original, ...crops]));
  const digests = sortHashes(Buffer.concat(sha256), HASH_LENGTH.sha256);
  return { looks, sha256, list: loaded(OWN_LIST, OWN, { ...NO_HASHES, pdq, sha256: digests }, PdqIndex.unsorted(pdq)) };
}

const NONE_FRESH = fresh([], []);

function loaded(id: number, { name, reason, action }: ListInfo, hashes: Hashes, pdq: PdqIndex): Loaded {
  const set = (kind: HashKind): ExactSet => new ExactSet(hashes[kind], HASH_LENGTH[kind]);
  return { id, name, reason, action, pdq, exact: { md5: set('md5'), sha1: set('sha1'), sha256: set('sha256') } };
}

function stateOf({ id, name, reason, action, pdq, exact }: Loaded): ListState {
  const counts = { pdq: pdq.size, md5: exact.md5.size, sha1: exact.sha1.size, sha256: exact.sha256.size };
  return { id, name, reason, action, counts };
}

/** Smaller is graver. */
function gravity({ list, distance }: Match): number {
  return LIST_ACTIONS.indexOf(list.action) * 1e6 + LIST_REASONS.indexOf(list.reason) * 1e3 + distance;
}

function matchIn(
  list: Loaded,
  digests: readonly FileDigests[],
  hashes: readonly PdqHash[],
  radius: number,
): Match | null {
  const { name, reason, action } = list;
  const info = { name, reason, action };
  for (const file of digests) {
    for (const kind of ['md5', 'sha1', 'sha256'] as const) {
      const digest = file[kind];
      if (digest !== undefined && list.exact[kind].has(digest)) return { list: info, distance: 0, by: 'digest' };
    }
  }
  let nearest = Infinity;
  for (const hash of hashes) {
    list.pdq.search(hash, radius, (_entry, distance) => {
      nearest = Math.min(nearest, distance);
    });
  }
  return nearest === Infinity ? null : { list: info, distance: nearest, by: 'appearance' };
}
