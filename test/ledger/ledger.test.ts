/** What the ledger promises to those who share and open: on a simulated disk, with a clock of its own. */
import test, { type Test } from 'tap';
import type { GoneCause, LedgerChange, NewShare, Share, ShareId, TakenView } from '../../src/ledger/ledger.js';
import { mintDeletionToken, mintLinkToken, parseFileId } from '../../src/ledger/tokens.js';
import { loadModules, openBench, TestClock, TINY, type BenchStore } from './bench-store.js';
import { seeded, SimDisk } from '../store/sim-disk.js';

const modules = await loadModules();

interface Bench extends BenchStore {
  readonly clock: TestClock;
  readonly disk: SimDisk;
}

async function bench(t: Test, from?: Bench): Promise<Bench> {
  const clock = from?.clock ?? new TestClock();
  const disk = new SimDisk(from?.disk.asWritten() ?? new Map(), seeded(1));
  const store = await openBench(modules, { files: disk, clock });
  await store.opened.filling;
  t.teardown(async () => {
    await store.opened.close();
    store.state.close();
  });
  return { ...store, clock, disk };
}

function newShare({ opened }: BenchStore, change: Partial<NewShare> = {}): NewShare {
  return {
    link: mintLinkToken(),
    deletion: mintDeletionToken(),
    secret: Buffer.alloc(32, 5),
    expiresAt: null,
    mode: 'never',
    views: null,
    hasPassphrase: false,
    held: false,
    hold: opened.store.arena.reserve(2)!,
    ...change,
  };
}

test.test('a share is found by its link, its deletion token and its file ID, and by nothing else', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b, {
    expiresAt: b.clock.time + 1000,
    mode: 'timed',
    views: 3,
    hasPassphrase: true,
    held: true,
  });
  const units = [...wanted.hold.units];
  const share = await b.ledger.put(wanted);
  t.ok(parseFileId(share.fileId));
  t.match(share, { expiresAt: b.clock.time + 1000, mode: 'timed', viewsLeft: 3, hasPassphrase: true, held: true });
  t.strictSame([...share.units], units);
  t.strictSame(b.ledger.find(wanted.link), share);
  t.strictSame(b.ledger.findByDeletion(wanted.deletion), share);
  t.strictSame(b.ledger.findByFileId(share.fileId), share);
  t.equal(b.ledger.find(mintLinkToken()), null);
  t.equal(b.ledger.findByDeletion(mintDeletionToken()), null);
  t.strictSame(b.ledger.secretOf(share), Buffer.alloc(32, 5));
  t.equal(b.ledger.live, 1);
  t.equal(b.ledger.unitsOf('timed'), 2);
});

test.test('everything about a share survives a restart', async (t) => {
  const b = await bench(t);
  const kept = newShare(b, { expiresAt: b.clock.time + 5000, mode: 'timed', views: 4 });
  const share = await b.ledger.put(kept);
  await b.ledger.takeView(share)?.durable;
  b.ledger.markOpened(share);
  await b.ledger.setHeld(share, true);
  await b.ledger.shorten(share, b.clock.time + 3000);
  const before = b.ledger.find(kept.link);
  t.match(before, { viewsLeft: 3, opened: true, held: true, expiresAt: b.clock.time + 3000 });
  const again = await bench(t, b);
  t.strictSame(again.ledger.find(kept.link), before);
  t.strictSame(again.ledger.secretOf(share), Buffer.alloc(32, 5));
  t.equal(again.ledger.unitsOf('timed'), 2);
  t.equal(again.opened.store.arena.capacity().free, TINY.units - 2);
});

test.test('every life begins with a round', async (t) => {
  const first = await bench(t);
  t.match(first.opened.store.stats(), { epoch: 1, rounds: 1 });
  const killed = await bench(t, first);
  t.match(killed.opened.store.stats(), { epoch: 2, rounds: 1 });
  await killed.opened.close();
  const clean = killed.opened.store.stats().epoch;
  t.match((await bench(t, killed)).opened.store.stats(), { epoch: clean + 1, rounds: 1 });
});

test.test('of N openers of a burn link one gets content', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b, { mode: 'burn', views: 1 });
  await b.ledger.put(wanted);
  const gone: [ShareId, GoneCause][] = [];
  b.ledger.onGone((id, cause) => gone.push([id, cause]));
  const openers = Array.from({ length: 100 }, async (_, index): Promise<TakenView | null> => {
    if (index % 2 === 0) await Promise.resolve();
    const share = b.ledger.find(wanted.link);
    return share === null ? null : b.ledger.takeView(share);
  });
  const [winner, ...others] = (await Promise.all(openers)).filter((view) => view !== null);
  t.equal(others.length, 0);
  t.match(winner, { last: true, viewsLeft: 0 });
  t.strictSame(winner?.secret, Buffer.alloc(32, 5));
  await winner?.durable;
  t.strictSame(
    gone.map(([, cause]) => cause),
    ['viewed'],
  );
  t.equal((await bench(t, b)).ledger.find(wanted.link), null, 'and a restart does not bring it back');
});

test.test('of N openers of a share with three views left three get content', async (t) => {
  const b = await bench(t);
  const share = await b.ledger.put(newShare(b, { views: 3 }));
  const views = Array.from({ length: 100 }, () => b.ledger.takeView(share)).filter((view) => view !== null);
  t.strictSame(
    views.map(({ viewsLeft }) => viewsLeft),
    [2, 1, 0],
  );
  await Promise.all(views.map(({ durable }) => durable));
  t.equal(b.ledger.live, 0);
});

test.test('a view of an unlimited share writes nothing', async (t) => {
  const b = await bench(t);
  const share = await b.ledger.put(newShare(b));
  const calls = b.disk.calls;
  const view = b.ledger.takeView(share);
  await view?.durable;
  t.match(view, { last: false, viewsLeft: null });
  t.equal(b.disk.calls, calls);
});

test.test('of a deletion, a burn and a takedown at once exactly one is first', async (t) => {
  const b = await bench(t);
  const share = await b.ledger.put(newShare(b, { views: 1, mode: 'burn' }));
  const done = await Promise.all([
    b.ledger.remove(share, 'deleted'),
    b.ledger.remove(share, 'taken-down'),
    Promise.resolve(b.ledger.takeView(share) !== null),
  ]);
  t.strictSame(done, [true, false, false]);
});

test.test('after expiry no request gets content, to the millisecond', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b, { expiresAt: b.clock.time + 1000, mode: 'timed' });
  const share = await b.ledger.put(wanted);
  const gone: string[] = [];
  b.ledger.onGone((_, cause) => gone.push(cause));
  b.clock.advance(999);
  t.ok(b.ledger.find(wanted.link));
  b.clock.advance(1);
  t.equal(b.ledger.find(wanted.link), null);
  t.equal(b.ledger.findByDeletion(wanted.deletion), null);
  t.equal(b.ledger.findByFileId(share.fileId), null);
  t.equal(b.ledger.secretOf(share), null);
  t.equal(b.ledger.takeView(share), null);
  t.equal(b.ledger.hold(share), null);
  t.equal(await b.ledger.remove(share, 'deleted'), false);
  t.equal(await b.ledger.shorten(share, b.clock.time + 5000), null);
  t.equal(b.ledger.sweepExpired(), 1);
  t.strictSame(gone, ['expired']);
  t.equal(b.ledger.sweepExpired(), 0);
  await b.opened.store.roll();
  t.equal(b.opened.store.arena.capacity().free, TINY.units);
});

test.test('the clock never goes back, so nothing expired lives again', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b, { expiresAt: b.clock.time + 1000, mode: 'timed' });
  await b.ledger.put(wanted);
  b.clock.advance(1000);
  b.ledger.sweepExpired();
  await b.opened.store.recordClock();
  const now = b.ledger.now();
  b.clock.set(b.clock.time - 86_400_000);
  t.ok(b.ledger.now() >= now);
  t.equal(b.ledger.find(wanted.link), null);
  const again = await bench(t, b);
  t.ok(again.ledger.now() >= now, 'not even over a restart');
  t.equal(again.ledger.find(wanted.link), null);
});

test.test('a forward jump of more than a day at start asks before it drops anything', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b, { expiresAt: b.clock.time + 3_600_000, mode: 'timed' });
  await b.ledger.put(wanted);
  const [platters, then] = [b.disk.asWritten(), b.clock.time];
  const clock = new TestClock();
  const start = (time: number, acceptClockJump = false): Promise<BenchStore> => {
    clock.set(time);
    return openBench(modules, { files: new SimDisk(platters, seeded(2)), clock, acceptClockJump });
  };
  await t.rejects(start(then + 86_400_000 + 1), { message: /1 days ahead .* 1 shares would expire/ });
  const early = await start(then + 1000);
  t.ok(early.ledger.find(wanted.link), 'the refused start changed nothing');
  const accepted = await start(then + 86_400_000 + 1, true);
  t.equal(accepted.ledger.find(wanted.link), null);
  for (const { opened, state } of [early, accepted]) {
    await opened.close();
    state.close();
  }
});

test.test('a unit is reused only when its tombstone is durable and its last reader gone', async (t) => {
  const b = await bench(t);
  const free = (): number => b.opened.store.arena.capacity().free;
  const share = await b.ledger.put(newShare(b));
  t.equal(free(), TINY.units - 2);
  const reader = b.ledger.hold(share)!;
  const removed = b.ledger.remove(share, 'deleted');
  t.equal(free(), TINY.units - 2, 'claimed, not durable');
  await removed;
  t.equal(free(), TINY.units - 2, 'durable, but read');
  reader.release();
  t.equal(free(), TINY.units);
  reader.release();
  t.equal(free(), TINY.units, 'a second release does nothing');
});

test.test('units that are kept outlive their share and a restart, and are free when they are let go', async (t) => {
  let b = await bench(t);
  const free = (): number => b.opened.store.arena.capacity().free;
  const wanted = newShare(b);
  const content = Buffer.alloc(2 * TINY.unitBytes, 9);
  await b.opened.store.arena.write(wanted.hold.units, 0, content);
  const share = await b.ledger.put(wanted);
  const hold = b.ledger.hold(share)!;
  t.equal(b.ledger.holdKept(share.fileId), null);
  const keep = { kind: 'keep', fileId: share.fileId, hold } as const;
  await b.ledger.change([keep, { kind: 'put', space: 9, key: Buffer.from('case'), value: Buffer.from('one') }]);
  await b.ledger.change([keep]);
  hold.release();
  t.equal(b.ledger.keptUnits, 2, 'once, however often it is asked for');
  await b.ledger.remove(share, 'deleted');
  t.equal(b.ledger.find(wanted.link), null, 'the link is gone as ever');
  t.equal(b.state.vault.bytes.indexOf(5), -1, 'and so is its secret');
  t.equal(free(), TINY.units - 2);
  await b.opened.store.roll();
  await b.opened.close();
  b = await bench(t, b);
  t.equal(b.ledger.find(wanted.link), null);
  t.strictSame([b.ledger.keptUnits, free()], [2, TINY.units - 2]);
  const kept = b.ledger.holdKept(share.fileId)!;
  t.ok((await b.opened.store.arena.read(kept.units, 0, content.length)).equals(content));
  await b.ledger.change([{ kind: 'let-go', fileId: share.fileId }]);
  t.equal(b.ledger.holdKept(share.fileId), null);
  t.equal(free(), TINY.units - 2, 'let go, but read');
  t.not(b.opened.store.stats().dirtySince, null, 'something is there to be sealed away');
  kept.release();
  t.equal(free(), TINY.units);
  await b.ledger.change([{ kind: 'let-go', fileId: share.fileId }]);
});

test.test('a share can be kept in the commit that makes it, and let go in the one that ends it', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b);
  const share = await b.ledger.put({
    ...wanted,
    also: ({ fileId }) => [{ kind: 'keep', fileId, hold: wanted.hold }],
  });
  t.equal(b.ledger.keptUnits, 2);
  t.equal(await b.ledger.remove(share, 'moderated', [{ kind: 'let-go', fileId: share.fileId }]), true);
  t.equal(b.opened.store.arena.capacity().free, TINY.units);
});

test.test('units that are being kept are nobody else’s, though their share expires meanwhile', async (t) => {
  const b = await bench(t);
  const { arena } = b.opened.store;
  const share = await b.ledger.put(newShare(b, { expiresAt: b.clock.time + 10, mode: 'timed' }));
  const hold = b.ledger.hold(share)!;
  // Three entries fill a page, so what is asked for last stands in the page after it, whose clock is past the expiry.
  const before = [1, 2, 3].map((n) => b.ledger.book(3).put(Buffer.from([n]), Buffer.alloc(TINY.pageBytes / 2)));
  const keeping = b.ledger.change([{ kind: 'keep', fileId: share.fileId, hold }]);
  hold.release();
  b.clock.advance(10);
  await before[0];
  t.equal(b.ledger.keptUnits, 0, 'not kept yet');
  t.equal(arena.reserve(TINY.units - 1), null, 'and not free');
  await Promise.all([...before, keeping]);
  t.strictSame([b.ledger.keptUnits, arena.capacity().free], [2, TINY.units - 2]);
});

test.test('a full ledger still lets go', async (t) => {
  const b = await bench(t);
  const share = await b.ledger.put(newShare(b));
  const hold = b.ledger.hold(share)!;
  const key = Buffer.from('case');
  const put = (length: number): LedgerChange => ({ kind: 'put', space: 9, key, value: Buffer.alloc(length) });
  await b.ledger.change([put(100), { kind: 'keep', fileId: share.fileId, hold }]);
  hold.release();
  const fill = async (length: number): Promise<void> => {
    for (let n = 0; n < 1000; n++) await b.ledger.book(3).put(Buffer.from(`${length} ${n}`), Buffer.alloc(length));
  };
  for (const length of [TINY.pageBytes / 2, 64, 1]) await t.rejects(fill(length), { code: 'store-full' });
  await t.rejects(b.ledger.change([put(TINY.pageBytes)]), { code: 'store-full' });
  await b.ledger.change([put(10), { kind: 'let-go', fileId: share.fileId }]);
  t.equal(b.ledger.keptUnits, 0);
});

test.test('a refused share leaves its hold with the caller', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b);
  await b.opened.close();
  await t.rejects(b.ledger.put(wanted), { code: 'busy' });
  wanted.hold.release();
  t.equal(b.opened.store.arena.capacity().free, TINY.units);
});

test.test('shortening never makes a life longer', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b, { expiresAt: b.clock.time + 1000, mode: 'timed' });
  const share = await b.ledger.put(wanted);
  t.equal((await b.ledger.shorten(share, b.clock.time + 2000))?.expiresAt, b.clock.time + 1000);
  t.equal((await b.ledger.shorten(share, b.clock.time + 500))?.expiresAt, b.clock.time + 500);
  const never = await b.ledger.put(newShare(b));
  t.equal((await b.ledger.shorten(never, b.clock.time + 7))?.expiresAt, b.clock.time + 7);
  b.clock.advance(500);
  t.equal(b.ledger.sweepExpired(), 2);
});

test.test('a takedown and its audit entry are one commit', async (t) => {
  const b = await bench(t);
  const share: Share = await b.ledger.put(newShare(b));
  const also = [{ kind: 'put', space: 9, key: Buffer.from('audit 1'), value: Buffer.from('removed') }] as const;
  const [first, second] = await Promise.all([
    b.ledger.remove(share, 'taken-down', also),
    b.ledger.remove(share, 'taken-down', [{ kind: 'add', space: 9, key: Buffer.from('count'), by: 1 }]),
  ]);
  t.strictSame([first, second], [true, false]);
  t.strictSame(b.ledger.book(9).get(Buffer.from('audit 1')), Buffer.from('removed'));
  t.equal(b.ledger.book(9).count(Buffer.from('count')), 0, 'who came second changed nothing');
});

test.test('books keep what was put, in order of keys, over a restart', async (t) => {
  const b = await bench(t);
  const book = b.ledger.book(200);
  await Promise.all(['b', 'a', 'c'].map((key) => book.put(Buffer.from(key), Buffer.from(`of ${key}`))));
  await Promise.all(Array.from({ length: 50 }, () => book.add(Buffer.from('n'), 2)));
  t.equal(book.count(Buffer.from('n')), 100, 'additions made at the same time all count');
  t.equal(await book.delete(Buffer.from('b')), true);
  t.equal(await book.delete(Buffer.from('b')), false);
  await book.put(Buffer.from('a'), Buffer.alloc(0));
  const again = (await bench(t, b)).ledger.book(200);
  t.strictSame(
    again.entries().map(({ key, value }) => [key.toString(), value.length]),
    [
      ['a', 0],
      ['c', 4],
      ['n', 8],
    ],
  );
  t.equal(again.get(Buffer.from('b')), null);
  t.strictSame(b.ledger.book(201).entries(), [], 'spaces are apart');
});

test.test('nothing of a share stands in the tables: no token, no secret', async (t) => {
  const b = await bench(t);
  const secret = Buffer.from('0123456789abcdefghijklmnopqrstuv');
  const wanted = newShare(b, { secret });
  await b.ledger.put(wanted);
  for (const tables of b.state.shards) {
    const image = tables.image();
    for (const word of [wanted.link, wanted.deletion, secret]) t.notOk(image.includes(word));
  }
});

test.test('after a close or a panic it answers nothing, and panic leaves nothing to open', async (t) => {
  const b = await bench(t);
  const wanted = newShare(b);
  await b.ledger.put(wanted);
  const rolling = b.opened.store.roll().catch(() => undefined);
  await b.opened.store.panic();
  await rolling;
  t.throws(() => b.ledger.find(wanted.link), { code: 'busy' });
  await t.rejects(openBench(modules, { files: new SimDisk(b.disk.asWritten(), seeded(3)), clock: b.clock }), /neither/);
});
