/** What this room keeps, on the real store: sealed files on a disk, closed and opened again. */
import path from 'node:path';
import test, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { generateHpkeKeyPair } from '../../src/crypto/hpke.js';
import { openStore } from '../../src/ledger/open-store.js';
import type { OpenedStore } from '../../src/ledger/opened-store.js';
import { AuditTrail } from '../../src/moderation/audit.js';
import { BlockLists } from '../../src/moderation/block-list.js';
import { SPACE } from '../../src/moderation/book.js';
import { Cases } from '../../src/moderation/cases.js';
import { Counters } from '../../src/moderation/counters.js';
import { arenaBodies, type ListBodies } from '../../src/moderation/list-bodies.js';
import { ListParser, type ParsedList } from '../../src/moderation/list-parse.js';
import type { PdqHash } from '../../src/moderation/pdq.js';
import { openShareKey } from '../../src/moderation/staff-seal.js';
import type { FileId } from '../../src/ledger/tokens.js';
import { keyFile } from '../../src/store/root-key.js';
import { generator } from './planes.js';

const LIST = { name: 'large', reason: 'child-abuse', action: 'refuse' } as const;
const COUNT = 20_000;
const NOW = Date.UTC(2026, 10, 24);

/** Opens the store of a folder; whoever closes it may open it again. */
async function open(dataDir: string): Promise<OpenedStore> {
  const rootKey = keyFile(path.join(dataDir, 'root.key'));
  const store = await openStore({ dataDir, slotDir: dataDir, rootKey, storeMegabytes: 16, clock: systemClock });
  while (store.arena.capacity().filled < store.arena.capacity().total) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return store;
}

const folder = (t: Test): string => path.join(t.testdir({}), 'data');

const load = ({ ledger, arena }: OpenedStore, bodies: ListBodies = arenaBodies(ledger, arena)): Promise<BlockLists> =>
  BlockLists.load(ledger.book(SPACE.lists), bodies);

function hashes(count: number): PdqHash[] {
  const next = generator(5);
  return Array.from({ length: count }, () => {
    const hash = Buffer.alloc(32);
    for (let at = 0; at < 32; at += 4) hash.writeUInt32LE(next(), at);
    return hash as PdqHash;
  });
}

const ALL = hashes(COUNT);

function parsed(): ParsedList {
  const parser = new ListParser();
  for (const hash of ALL) parser.push(Buffer.from(`${hash.toString('hex')}\n`));
  return parser.end();
}

test.test(
  'a large list lies in the arena, is there after a restart, and gives its units back when removed',
  async (t) => {
    const dataDir = folder(t);
    let store = await open(dataDir);
    const { free } = store.arena.capacity();
    const first = await load(store);
    await first.add(LIST, parsed());
    t.equal(store.arena.capacity().free, free - 3, '640,016 bytes in units of 256 KiB');
    t.ok(store.ledger.book(SPACE.lists).entries().length === 2, 'the book has the header and the name');
    await store.close();
    store = await open(dataDir);
    const lists = await load(store);
    t.strictSame(lists.states(), [{ id: 1, ...LIST, counts: { pdq: COUNT, md5: 0, sha1: 0, sha256: 0 } }]);
    t.ok(ALL.every((hash) => lists.match([], [hash], 0) !== null));
    t.equal(await lists.remove(1), true);
    t.equal(store.ledger.live, 0);
    t.equal(store.arena.capacity().free, free);
    t.equal((await load(store)).states().length, 0);
    await store.close();
  },
);

test.test('an import of a large list that ends at any step leaves nothing behind at the next start', async (t) => {
  const store = await open(folder(t));
  const { ledger, arena } = store;
  const real = arenaBodies(ledger, arena);
  const { free } = arena.capacity();
  const dies = (): Promise<never> => Promise.reject(new Error('killed'));
  const steps: readonly ListBodies[] = [
    { ...real, save: dies },
    { ...real, save: (name, bytes) => real.save(name, bytes).then(dies) },
  ];
  for (const bodies of steps) {
    await t.rejects((await load(store, bodies)).add(LIST, parsed()), { message: 'killed' });
    const lists = await load(store);
    t.equal(lists.states().length, 0);
    t.equal(lists.match([], [ALL[0]!], 31), null);
    t.strictSame(ledger.book(SPACE.lists).entries(), []);
    t.strictSame([ledger.live, arena.capacity().free], [0, free]);
  }
  await store.close();
});

test.test('a list that the arena has no room for is refused, and nothing of it stays', async (t) => {
  const store = await open(folder(t));
  const { arena, ledger } = store;
  const hold = arena.reserve(arena.capacity().free)!;
  await t.rejects((await load(store)).add(LIST, parsed()), { code: 'store-full' });
  hold.release();
  t.equal((await load(store)).states().length, 0);
  t.strictSame(ledger.book(SPACE.lists).entries(), []);
  await store.close();
});

test.test('cases, counters, bans and the audit trail are there after a restart', async (t) => {
  const dataDir = folder(t);
  const staff = generateHpkeKeyPair();
  const key = Buffer.alloc(32, 3);
  const casesOf = ({ ledger, arena }: OpenedStore): Cases =>
    new Cases({
      ledger,
      isPreserved: () => false,
      staffKey: staff.publicKey,
      arenaUnits: () => arena.capacity().total,
    });
  let store = await open(dataDir);
  const flag = { kind: 'report', reason: 'minors', note: 'look' } as const;
  const hold = store.arena.reserve(2)!;
  const { free } = store.arena.capacity();
  await casesOf(store).flag('cp-aaaaaaaaaa' as FileId, flag, NOW, { key, hold });
  hold.release();
  const counting = new Counters(store.ledger.book(SPACE.counters));
  await Promise.all(Array.from({ length: 12 }, () => counting.add('reports', NOW)));
  const trail = (await AuditTrail.open(store.ledger.book(SPACE.audit)))!;
  await trail.add({ at: NOW, actor: 'anna', action: 'kept', subject: 'cp-aaaaaaaaaa' });
  await (await load(store)).ban({ looks: [{ original: ALL[0]!, crops: [ALL[1]!] }], sha256: [] });
  await store.close();

  store = await open(dataDir);
  const [item] = casesOf(store).queue();
  t.match(item, { fileId: 'cp-aaaaaaaaaa', severity: 3 });
  t.equal(store.arena.capacity().free, free, 'its units are kept over the restart');
  t.same(openShareKey(staff.privateKey, 'key', 'cp-aaaaaaaaaa', item!.evidence!.sealedKey), key);
  t.equal(new Counters(store.ledger.book(SPACE.counters)).exact('reports', NOW), 12);
  t.equal(new Counters(store.ledger.book(SPACE.counters)).report(NOW)[0]?.counts['reports'], 10);
  t.equal((await AuditTrail.open(store.ledger.book(SPACE.audit)))?.entries()[0]?.actor, 'anna');
  const lists = await load(store);
  for (const hash of ALL.slice(0, 2)) t.equal(lists.match([], [hash], 31)?.list.reason, 'banned-here');
  await store.close();
});
