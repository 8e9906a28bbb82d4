import test from 'tap';
import { sha256 } from '../../src/crypto/hash.js';
import type { BannedContent } from '../../src/moderation/ban.js';
import type { ListInfo } from '../../src/moderation/block-list-format.js';
import { BlockLists, type Match } from '../../src/moderation/block-list.js';
import { ExactSet } from '../../src/moderation/exact-set.js';
import { ListParser, type ParsedList } from '../../src/moderation/list-parse.js';
import { parsePdqHash, type PdqHash } from '../../src/moderation/pdq.js';
import { MapBook } from './map-book.js';
import { generator } from './planes.js';

const ABUSE: ListInfo = { name: 'programme ä', reason: 'child-abuse', action: 'refuse' };
const REVIEW: ListInfo = { name: 'to look at', reason: 'other', action: 'review' };
const RADIUS = 31;

function hash(seed: number): PdqHash {
  const next = generator(seed);
  return parsePdqHash(Array.from({ length: 8 }, () => next().toString(16).padStart(8, '0')).join(''))!;
}

function listOf(...lines: readonly (Buffer | string)[]): ParsedList {
  const parser = new ListParser();
  for (const line of lines) parser.push(Buffer.from(`${typeof line === 'string' ? line : line.toString('hex')}\n`));
  return parser.end();
}

function near(of: PdqHash, bits: number): PdqHash {
  const out = Buffer.from(of);
  for (let bit = 0; bit < bits; bit++) out[bit]! ^= 1;
  return out as PdqHash;
}

const banned = (pdq: readonly PdqHash[], digests: readonly Buffer[] = []): BannedContent => ({
  looks: pdq.map((original) => ({ original, crops: [] })),
  sha256: digests,
});

const reasonOf = (match: Match | null): string | null => match && match.list.reason;

test.test('what is on a list is found by appearance and by each digest, after a restart too', async (t) => {
  const book = new MapBook();
  const lists = await BlockLists.load(book);
  const digest = sha256('file');
  await lists.add(ABUSE, listOf(hash(1), 'aa'.repeat(16), 'bb'.repeat(20), `${digest.toString('hex')},sha256`));
  for (const opened of [lists, await BlockLists.load(book)]) {
    t.strictSame(opened.match([], [hash(1)], RADIUS), { list: ABUSE, distance: 0, by: 'appearance' });
    t.strictSame(opened.match([], [near(hash(1), 31)], RADIUS), { list: ABUSE, distance: 31, by: 'appearance' });
    t.equal(opened.match([], [near(hash(1), 32)], RADIUS), null);
    t.equal(opened.match([], [near(hash(1), 11)], 10), null);
    t.strictSame(opened.match([{ md5: Buffer.alloc(16, 0xaa) }], [], RADIUS)?.by, 'digest');
    t.strictSame(opened.match([{ sha1: Buffer.alloc(20, 0xbb) }], [], RADIUS)?.by, 'digest');
    t.strictSame(opened.match([{}, { sha256: digest }], [], RADIUS)?.by, 'digest');
    t.equal(opened.match([{ sha256: sha256('other'), md5: Buffer.alloc(16) }], [hash(2)], RADIUS), null);
    t.strictSame([...opened.wanted()], ['md5', 'sha1', 'sha256']);
    t.strictSame(opened.states()[0], { id: 1, ...ABUSE, counts: { pdq: 1, md5: 1, sha1: 1, sha256: 1 } });
  }
});

test.test('lists of more than one chunk come back whole', async (t) => {
  const book = new MapBook();
  const lists = await BlockLists.load(book);
  const hashes = Array.from({ length: 2001 }, (_, at) => hash(at + 1));
  await lists.add(ABUSE, listOf(...hashes));
  const opened = await BlockLists.load(book);
  t.equal(opened.states()[0]?.counts.pdq, 2001);
  for (const at of [0, 999, 1000, 1001, 1999, 2000]) t.ok(opened.match([], [hashes[at]!], RADIUS), `hash ${at}`);
});

test.test('an import that fails half-way leaves no list, and its rest is swept at the next start', async (t) => {
  const parsed = listOf(...Array.from({ length: 3000 }, (_, at) => hash(at + 1)));
  for (let fail = 0; fail < 4; fail++) {
    const book = new MapBook();
    const lists = await BlockLists.load(book);
    book.failAt = fail;
    await t.rejects(lists.add(ABUSE, parsed));
    t.equal(lists.match([], [hash(1)], RADIUS), null);
    book.failAt = Infinity;
    const opened = await BlockLists.load(book);
    t.equal(opened.match([], [hash(1)], RADIUS), null);
    t.equal(opened.states().length, 0);
    t.strictSame(book.entries(), []);
  }
});

test.test('a removed list is gone, also when it was cut off in the middle', async (t) => {
  for (const fail of [Infinity, 1]) {
    const book = new MapBook();
    const lists = await BlockLists.load(book);
    const { id } = await lists.add(ABUSE, listOf(hash(1), 'aa'.repeat(16)));
    book.failAt = book.writes + fail;
    if (fail === Infinity) t.equal(await lists.remove(id), true);
    else await t.rejects(lists.remove(id));
    book.failAt = Infinity;
    t.equal(lists.match([], [hash(1)], RADIUS), null);
    t.equal((await BlockLists.load(book)).match([], [hash(1)], RADIUS), null);
    t.strictSame(book.entries(), []);
    t.equal(await lists.remove(id), false);
  }
});

test.test('a ban counts at once and after a restart, and can be lifted', async (t) => {
  const book = new MapBook();
  const lists = await BlockLists.load(book);
  const digest = sha256('banned');
  const durable = lists.ban(banned([hash(1)], [digest]));
  t.equal(reasonOf(lists.match([], [near(hash(1), 20)], RADIUS)), 'banned-here', 'before it is durable');
  await durable;
  await Promise.all([lists.ban(banned([hash(2)], [])), lists.ban(banned([hash(3)], []))]);
  await lists.ban(banned([hash(1)], [digest]));
  for (const opened of [lists, await BlockLists.load(book)]) {
    for (const seed of [1, 2, 3]) t.equal(reasonOf(opened.match([], [hash(seed)], RADIUS)), 'banned-here');
    t.equal(reasonOf(opened.match([{ sha256: digest }], [], RADIUS)), 'banned-here');
  }
  const opened = await BlockLists.load(book);
  await opened.ban(banned([hash(4)], []));
  t.equal(await opened.lift('pdq', hash(1)), true);
  t.equal(await opened.lift('pdq', hash(1)), false);
  t.equal(await opened.lift('sha256', digest), true);
  for (const after of [opened, await BlockLists.load(book)]) {
    t.equal(after.match([{ sha256: digest }], [hash(1)], RADIUS), null);
    for (const seed of [2, 3, 4]) t.equal(reasonOf(after.match([], [hash(seed)], RADIUS)), 'banned-here');
    t.equal(after.bans().pdq.length, 3);
    t.equal(after.bans().sha256.length, 0);
  }
});

test.test('a ban covers its crops, and lifting it lifts them', async (t) => {
  const book = new MapBook();
  const lists = await BlockLists.load(book);
  await lists.ban({ looks: [{ original: hash(1), crops: [hash(2), hash(3)] }], sha256: [] });
  for (const opened of [lists, await BlockLists.load(book)]) {
    for (const seed of [1, 2, 3]) t.equal(reasonOf(opened.match([], [hash(seed)], RADIUS)), 'banned-here');
  }
  t.equal(await lists.lift('pdq', hash(2)), false, 'a crop is no ban of its own');
  t.equal(await lists.lift('pdq', hash(1)), true);
  for (const opened of [lists, await BlockLists.load(book)]) {
    for (const seed of [1, 2, 3]) t.equal(opened.match([], [hash(seed)], RADIUS), null);
  }
  t.strictSame(book.entries(), []);
});

test.test('bans hold while thousands of them are indexed, lifted and added at once', async (t) => {
  const book = new MapBook();
  const lists = await BlockLists.load(book);
  const crops = Array.from({ length: 50 }, (_, at) => hash(10_000 + at));
  const work: Promise<unknown>[] = [];
  for (let seed = 1; seed <= 200; seed++)
    work.push(lists.ban({ looks: [{ original: hash(seed), crops }], sha256: [] }));
  await work[0];
  work.push(lists.lift('pdq', hash(1)), lists.ban(banned([hash(201)])), lists.ban(banned([hash(202)])));
  const missing = (): number[] =>
    Array.from({ length: 201 }, (_, at) => at + 2).filter((seed) => lists.match([], [hash(seed)], RADIUS) === null);
  t.strictSame(missing(), [], 'while at work');
  await Promise.all(work);
  t.strictSame(missing(), []);
  t.equal(lists.match([], [hash(1)], RADIUS), null);
  await lists.lift('pdq', hash(7));
  t.strictSame(missing(), [7]);
});

test.test('a ban that is on its way into the book holds while another is lifted', async (t) => {
  const book = new MapBook();
  const lists = await BlockLists.load(book);
  await lists.ban(banned([hash(1)]));
  let letThrough = (): void => undefined;
  const gate = new Promise<void>((resolve) => (letThrough = resolve));
  const put = book.put.bind(book);
  book.put = (key, value) => gate.then(() => put(key, value));
  const banning = lists.ban(banned([hash(2)]));
  await lists.lift('pdq', hash(1));
  t.ok(lists.match([], [hash(2)], RADIUS));
  letThrough();
  await banning;
  t.ok(lists.match([], [hash(2)], RADIUS));
  t.equal(lists.match([], [hash(1)], RADIUS), null);
});

test.test(
  'of several matches the gravest is told: refused before reviewed, then by reason, then nearest',
  async (t) => {
    const lists = await BlockLists.load(new MapBook());
    await lists.add(REVIEW, listOf(hash(1)));
    t.equal(reasonOf(lists.match([], [hash(1)], RADIUS)), 'other');
    await lists.ban(banned([near(hash(1), 5)], []));
    t.equal(reasonOf(lists.match([], [hash(1)], RADIUS)), 'banned-here');
    await lists.add(ABUSE, listOf(near(hash(1), 9)));
    t.equal(reasonOf(lists.match([], [hash(1)], RADIUS)), 'child-abuse');
    t.equal(lists.match([], [near(hash(1), 3), hash(1)], RADIUS)?.distance, 6);
  },
);

test.test('a name of more than 200 bytes is refused', async (t) => {
  const lists = await BlockLists.load(new MapBook());
  await lists.add({ ...ABUSE, name: 'ä'.repeat(100) }, listOf(hash(1)));
  await t.rejects(lists.add({ ...ABUSE, name: `${'ä'.repeat(100)}x` }, listOf(hash(1))), { code: 'malformed' });
});

test.test('a set of digests has what it was given and nothing else, at every size', (t) => {
  for (const size of [0, 1, 2, 3, 4, 5, 100]) {
    const digests = Array.from({ length: size }, (_, at) => sha256(String(at))).sort((a, b) => a.compare(b));
    const set = new ExactSet(Buffer.concat(digests), 32);
    t.equal(set.size, size);
    t.ok(digests.every((digest) => set.has(digest)));
    t.notOk(set.has(sha256('absent')));
    t.notOk(set.has(Buffer.alloc(32)));
    t.notOk(set.has(Buffer.alloc(32, 255)));
    t.notOk(set.has(Buffer.alloc(20)));
  }
  t.end();
});
