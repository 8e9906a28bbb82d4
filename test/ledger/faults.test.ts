/** A call on a file that fails: nothing is acknowledged from then on, and the next start finds what was. */
import test, { type Test } from 'tap';
import { Refusal, StoreFault } from '../../src/base/errors.js';
import { mintDeletionToken, mintLinkToken, type LinkToken } from '../../src/ledger/tokens.js';
import { loadModules, openBench, TestClock, type BenchStore } from './bench-store.js';
import { faultOf, seeded, SimDisk, type Call } from '../store/sim-disk.js';

const modules = await loadModules();

interface Work {
  readonly acknowledged: Map<LinkToken, Buffer>;
  readonly gone: Set<LinkToken>;
  readonly unsure: Set<LinkToken>;
}

async function put({ ledger, opened }: BenchStore, work: Work, index: number): Promise<void> {
  const [link, secret] = [mintLinkToken(), Buffer.alloc(32, index + 1)];
  const hold = opened.store.arena.reserve(1);
  if (hold === null) return;
  await opened.store.arena.write(hold.units, 0, secret);
  await opened.store.arena.sync();
  work.unsure.add(link);
  const share = { link, deletion: mintDeletionToken(), secret, expiresAt: null, mode: 'never', views: null } as const;
  await ledger.put({ ...share, hasPassphrase: false, held: false, hold });
  work.unsure.delete(link);
  work.acknowledged.set(link, secret);
}

/** Shares, deletions and rounds until something fails. */
async function labour(bench: BenchStore, work: Work): Promise<unknown> {
  try {
    for (let index = 0; index < 12; index++) {
      await put(bench, work, index);
      if (index % 3 === 2) {
        const [link] = work.acknowledged.keys();
        work.acknowledged.delete(link!);
        work.unsure.add(link!);
        await bench.ledger.remove(bench.ledger.find(link!)!, 'deleted');
        work.unsure.delete(link!);
        work.gone.add(link!);
      }
      if (index % 4 === 3) await bench.opened.store.roll();
    }
    return null;
  } catch (error) {
    return error;
  }
}

async function check(t: Test, disk: SimDisk, work: Work, clock: TestClock): Promise<void> {
  const bench = await openBench(modules, { files: new SimDisk(disk.asWritten(), seeded(9)), clock });
  for (const [link, secret] of work.acknowledged) {
    const share = bench.ledger.find(link);
    if (share === null || bench.ledger.secretOf(share)?.equals(secret) !== true)
      t.fail('an acknowledged share is lost');
  }
  for (const link of work.gone) if (bench.ledger.find(link) !== null) t.fail('a deleted share is back');
  await bench.opened.close();
  bench.state.close();
}

for (const code of ['EIO', 'ENOSPC']) {
  for (const kind of code === 'EIO' ? (['write', 'sync', 'read'] as const) : (['write', 'sync'] as const)) {
    test.test(`${code} on any ${kind} ends the store, and the next start has what was acknowledged`, async (t) => {
      let failures = 0;
      for (let k = 1; k < 400; k += k < 60 ? 1 : 7) {
        const clock = new TestClock();
        const disk = new SimDisk(new Map(), seeded(k));
        const bench = await openBench(modules, { files: disk, clock });
        await bench.opened.filling;
        let calls = 0;
        let failed: Call | null = null;
        disk.meddle = (call) => {
          if (call.kind !== kind || ++calls !== k) return undefined;
          failed = call;
          return faultOf(call.kind, call.name, code);
        };
        const work: Work = { acknowledged: new Map(), gone: new Set(), unsure: new Set() };
        const error = await labour(bench, work);
        disk.meddle = () => undefined;
        const call = failed as Call | null;
        if (call === null) {
          bench.opened.close().catch(() => undefined);
          break;
        }
        failures++;
        t.ok(error instanceof StoreFault && error.part === call.name, `${call.kind} of ${call.name}`);
        t.equal((await bench.opened.store.poisoned).message, (error as Error).message);
        t.throws(() => bench.ledger.find(mintLinkToken()), { code: 'busy' }, 'it answers nothing any more');
        await t.rejects(bench.opened.store.roll());
        await bench.opened.close();
        bench.state.close();
        await check(t, disk, work, clock);
      }
      t.ok(failures > 5, `${failures} calls were failed`);
    });
  }
}

test.test('a read of the arena that fails is told to its reader and ends nothing', async (t) => {
  const disk = new SimDisk(new Map(), seeded(1));
  const bench = await openBench(modules, { files: disk, clock: new TestClock() });
  await bench.opened.filling;
  const hold = bench.opened.store.arena.reserve(1)!;
  disk.meddle = (call) => (call.kind === 'read' ? faultOf('read', call.name, 'EIO') : undefined);
  await t.rejects(bench.opened.store.arena.read(hold.units, 0, 10), /arena: read failed/);
  disk.meddle = () => undefined;
  t.equal((await bench.opened.store.arena.read(hold.units, 0, 10)).length, 10);
  t.equal(bench.opened.store.ended, null);
  await bench.opened.close();
  bench.state.close();
});

test.test('burn, delete and expiry work on a full disk and a full arena', async (t) => {
  const clock = new TestClock();
  const disk = new SimDisk(new Map(), seeded(1));
  // The disk is full in the middle of filling: holes in the arena can't be filled, all other files are whole.
  disk.meddle = (call) =>
    call.kind === 'write' && call.name === 'arena' && (call.position ?? 0) >= 512 * 12
      ? faultOf('write', 'arena', 'ENOSPC')
      : undefined;
  const bench = await openBench(modules, { files: disk, clock });
  await bench.opened.filling;
  const { ledger, opened } = bench;
  const { filled, total } = opened.store.arena.capacity();
  t.ok(filled > 0 && filled < total, 'the arena is smaller than was asked for');
  const links: LinkToken[] = [];
  for (let hold = opened.store.arena.reserve(1); hold !== null; hold = opened.store.arena.reserve(1)) {
    const link = mintLinkToken();
    const share = { link, deletion: mintDeletionToken(), secret: Buffer.alloc(32, 1), mode: 'burn', views: 1 } as const;
    await ledger.put({ ...share, expiresAt: ledger.now() + 60_000, hasPassphrase: false, held: false, hold });
    links.push(link);
  }
  t.equal(opened.store.arena.capacity().free, 0);
  const burned = ledger.takeView(ledger.find(links[0]!)!)!;
  await burned.durable;
  burned.hold.release();
  t.equal(await ledger.remove(ledger.find(links[1]!)!, 'deleted'), true);
  t.equal(opened.store.arena.capacity().free, 2);
  clock.advance(60_000);
  t.equal(ledger.find(links[2]!), null);
  t.ok(ledger.sweepExpired() > 0);
  while (ledger.live > 0 || opened.store.arena.capacity().free < filled) await new Promise(setImmediate);
  await opened.store.roll();
  t.equal(opened.store.arena.capacity().free, filled);
  await bench.opened.close();
  bench.state.close();
});

test.test('the ledger refuses new entries before its snapshot is full, and still deletes', async (t) => {
  const bench = await openBench(modules, { files: new SimDisk(new Map(), seeded(1)), clock: new TestClock() });
  await bench.opened.filling;
  const book = bench.ledger.book(3);
  let entries = 0;
  const refused = await (async () => {
    for (; entries < 2000; entries++) await book.put(Buffer.from(`key ${entries}`), Buffer.alloc(200, entries));
    return null;
  })().catch((error: unknown) => error);
  t.ok(refused instanceof Refusal && refused.code === 'store-full', `refused after ${entries}`);
  await bench.opened.store.roll();
  for (let i = 0; i < entries; i++) await book.delete(Buffer.from(`key ${i}`));
  await bench.opened.store.roll();
  await book.put(Buffer.from('again'), Buffer.alloc(200));
  t.equal(book.entries().length, 1);
  await bench.opened.close();
  bench.state.close();
});
