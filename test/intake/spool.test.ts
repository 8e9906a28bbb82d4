/** Where uploads wait: small ones in memory as long as there is room, the others sealed in units of the store. */
import { Readable } from 'node:stream';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type Test } from 'tap';
import { readAll } from '../../src/base/source.js';
import { KeptBytes } from '../../src/intake/kept-bytes.js';
import { spool, type SpoolLimits } from '../../src/intake/spool.js';
import type { Arena } from '../../src/store/arena.js';
import { startAppliance } from '../stories/appliance.js';

const MB = 1024 * 1024;
const MOST = 50 * MB;

async function arenaOf(t: Test): Promise<{ readonly arena: Arena; readonly used: () => number }> {
  const appliance = await startAppliance();
  t.teardown(() => appliance.stop());
  const { arena } = appliance.app.store;
  const free = arena.capacity().free;
  return { arena, used: () => free - arena.capacity().free };
}

async function* pieces(bytes: Buffer, given: Buffer[] = []): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    // Every other piece is a part of a larger buffer, as those of a form are: its memory can't be given back, only wiped.
    const room = Buffer.from(new ArrayBuffer(Math.min(65_536, bytes.length - at) + (given.length % 2)));
    const piece = room.subarray(0, bytes.copy(room, 0, at, at + 65_536));
    given.push(piece);
    yield await Promise.resolve(piece);
  }
}

const limits = (expected: number | null, bytes = MOST): SpoolLimits => ({ bytes, expected });
const words = (length: number): Buffer => Buffer.alloc(length, 'words of a visitor ');

async function allOf(some: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const all: Buffer[] = [];
  for await (const piece of some) all.push(piece);
  return all;
}

/** `arena`, on a disk that takes nothing. */
function broken(arena: Arena): Arena {
  return {
    unitBytes: arena.unitBytes,
    reserve: (count) => arena.reserve(count),
    write: () => Promise.reject(new Error('no disk')),
    read: (...args) => arena.read(...args),
    readInto: (...args) => arena.readInto(...args),
    sync: () => arena.sync(),
    capacity: () => arena.capacity(),
  };
}

const isGone = (piece: Buffer): boolean => piece.length === 0 || piece.every((byte) => byte === 0);

test.test('what is small waits in memory, and of what is larger one that is alone', async (t) => {
  const { arena, used } = await arenaOf(t);
  const other = await spool(arena, pieces(words(10)), limits(9 * MB));
  for (const [length, expected, inStore] of [
    [0, 0, false],
    [100_000, 100_000, false],
    [100_000, 101_000, false],
    [100_000, null, true],
    [100_000, 9 * MB, true],
  ] as const) {
    const given: Buffer[] = [];
    const spooled = await spool(arena, pieces(words(length), given), limits(expected));
    t.equal(used() > 0, inStore, `${length} bytes of ${expected}`);
    t.ok((await readAll(spooled.source)).equals(words(length)));
    t.ok((await spooled.source.read(5, 10)).equals(words(length).subarray(5, 15)));
    spooled.release();
    spooled.release();
    t.ok(given.every(isGone), 'pieces are wiped');
    t.equal(used(), 0);
    await t.rejects(async () => spooled.source.read(0, 1), 'gone, and not zeros');
  }
  other.release();
});

test.test('together they have so much room and no more, and what is released can be used again', async (t) => {
  const { arena, used } = await arenaOf(t);
  const whole = 8 * MB;
  const large = await spool(arena, pieces(words(10)), limits(9 * MB));
  const first = await spool(arena, pieces(words(10)), limits(whole));
  const second = await spool(arena, pieces(words(10)), limits(whole));
  t.equal(used(), 0);
  const third = await spool(arena, pieces(words(10)), limits(whole));
  t.equal(used(), 1, 'the third is in the store');
  first.release();
  const fourth = await spool(arena, pieces(words(10)), limits(whole));
  t.equal(used(), 1, 'the fourth took the room of the first');
  for (const spooled of [large, second, third, fourth]) spooled.release();
  t.equal(used(), 0);
});

/** Pieces that come when they are let: `send` gives some, `end` ends them, `fail` breaks them off. */
function held(): { send: (...some: Buffer[]) => void; end: () => void; pieces: Readable } {
  const stream = new Readable({ objectMode: true, read: () => undefined });
  return { send: (...some) => some.forEach((one) => stream.push(one)), end: () => stream.push(null), pieces: stream };
}

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test.test('a large one in memory goes on in the store when another comes, even while it stands still', async (t) => {
  const { arena, used } = await arenaOf(t);
  const bytes = words(3_000_000);
  const given: Buffer[] = [];
  const sent = await allOf(pieces(bytes, given));
  const one = held();
  const first = spool(arena, one.pieces, limits(9 * MB));
  one.send(...sent.slice(0, 20));
  await turn();
  t.equal(used(), 0, 'alone it is in memory');
  const second = await spool(arena, pieces(words(10)), limits(9 * MB));
  await turn();
  t.ok(used() > 4, 'both are in the store');
  t.ok(given.slice(0, 20).every(isGone), 'nothing is left of what was in memory');
  one.send(...sent.slice(20));
  one.end();
  const spooled = await first;
  t.ok((await readAll(spooled.source)).equals(bytes), 'in the order in which it came');
  const third = await spool(arena, pieces(words(10)), limits(9 * MB));
  for (const each of [spooled, second, third]) each.release();
  t.equal(used(), 0);
  const fourth = await spool(arena, pieces(words(10)), limits(9 * MB));
  t.equal(used(), 0, 'and there is room for one again');
  const fifth = await spool(arena, pieces(words(10)), limits(9 * MB));
  t.equal(used(), 1, 'one that is whole stays, and the next goes into the store');
  t.ok((await readAll(fourth.source)).equals(words(10)));
  for (const each of [fourth, fifth]) each.release();
});

test.test('what comes while it moves is put behind what was there', async (t) => {
  const { arena } = await arenaOf(t);
  const bytes = words(6_000_000);
  const sent = await allOf(pieces(bytes));
  const one = held();
  const first = spool(arena, one.pieces, limits(9 * MB));
  one.send(...sent.slice(0, 60));
  await turn();
  const second = spool(arena, pieces(words(10)), limits(9 * MB));
  one.send(...sent.slice(60));
  one.end();
  const spooled = await first;
  t.ok((await readAll(spooled.source)).equals(bytes));
  spooled.release();
  (await second).release();
});

test.test('one that breaks off or fails while it moves leaves nothing', async (t) => {
  const { arena, used } = await arenaOf(t);
  for (const fails of [false, true]) {
    const one = held();
    const first = spool(fails ? broken(arena) : arena, one.pieces, limits(9 * MB));
    one.send(...(await allOf(pieces(words(3_000_000)))));
    await turn();
    const second = spool(arena, pieces(words(10)), limits(9 * MB));
    if (fails) one.end();
    else one.pieces.destroy(new Error('cut off'));
    await t.rejects(first, fails ? /no disk/ : /cut off/);
    (await second).release();
    t.equal(used(), 0);
    const after = await spool(arena, pieces(words(10)), limits(9 * MB));
    t.equal(used(), 0, 'there is room in memory');
    after.release();
  }
});

test.test('where the store has no unit left, the one in memory stays there', async (t) => {
  const { arena } = await arenaOf(t);
  const one = held();
  const first = spool(arena, one.pieces, limits(9 * MB));
  one.send(words(100_000));
  await turn();
  const all = arena.reserve(arena.capacity().free);
  await t.rejects(spool(arena, pieces(words(10)), limits(9 * MB)), { code: 'store-full' });
  one.send(words(100_000));
  one.end();
  const spooled = await first;
  t.equal((await readAll(spooled.source)).length, 200_000);
  spooled.release();
  all?.release();
});

test.test('pieces of any size come back as they were', async (t) => {
  const bytes = Buffer.from(Array.from({ length: 500_000 }, (_, at) => (at * 7 + (at >> 9)) & 255));
  const kept = new KeptBytes(MOST);
  const sizes = [1, 1, 70, 65_536, 3, 20_000, 16_384, 100_000, 5, 65_535];
  let at = 0;
  for (let i = 0; at < bytes.length; i++) {
    const piece = Buffer.from(new Uint8Array(bytes.subarray(at, at + (sizes[i % sizes.length] ?? 1))).buffer);
    kept.add(i % 3 === 0 ? Buffer.concat([piece, Buffer.alloc(80_000)]).subarray(0, piece.length) : piece);
    at += Math.min(sizes[i % sizes.length] ?? 1, bytes.length - at);
  }
  const source = kept.source();
  t.ok((await readAll(source)).equals(bytes));
  for (const [from, length] of [
    [0, 1],
    [1, 2],
    [71, 65_540],
    [65_607, 4],
    [250_000, 300_000],
    [499_999, 9],
  ] as const) {
    t.ok((await source.read(from, length)).equals(bytes.subarray(from, from + length)), `${length} at ${from}`);
  }
  kept.release();
  await t.rejects(source.read(0, 1));
});

test.test('what was kept is wiped, by release and by handing it out', (t) => {
  for (const [most, drains] of [
    [MOST, false],
    [MOST, true],
    [400_000, false],
    [200_000, false],
    [200_000, true],
  ] as const) {
    const kept = new KeptBytes(most);
    const memory: Buffer[] = [];
    const piece = words(Math.min(most, 300_000));
    const copy = piece.copy.bind(piece);
    piece.copy = (target, ...places) => {
      memory.push(target as Buffer);
      return copy(target, ...places);
    };
    kept.add(piece);
    t.ok(memory.length > 0 && memory.every((slab) => !isGone(slab)));
    if (drains) for (const part of kept.drain()) t.notOk(isGone(part));
    else kept.release();
    t.ok(memory.every(isGone), `of ${most}${drains ? ', handed out' : ''}`);
  }
  t.end();
});

/** Twice: what the first collection finds dead is freed beside it, and surely by the second. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  const once = runInNewContext('gc') as () => void;
  once();
  once();
}

test.test('a million pieces of a byte take hardly more than a million bytes', async (t) => {
  const kept = new KeptBytes(MOST);
  collect();
  const before = process.memoryUsage();
  for (let i = 0; i < 1e6; i++) kept.add(Buffer.from('x'));
  collect();
  const after = process.memoryUsage();
  const grown = after.heapUsed + after.external - before.heapUsed - before.external;
  t.ok(grown < 8e6, `grew by ${grown}`);
  t.equal((await readAll(kept.source())).length, 1e6);
  kept.release();
});

test.test('what waits in the store holds hardly any memory', async (t) => {
  const { arena } = await arenaOf(t);
  const alone = await spool(arena, pieces(words(10)), limits(9 * MB));
  const waiting = [];
  collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let i = 0; i < 100; i++) waiting.push(await spool(arena, pieces(words(10)), limits(9 * MB)));
  for (let i = 0; i < 100; i++) {
    const breaksOff = Readable.from([words(10), Promise.reject(new Error('cut off'))]);
    await t.rejects(spool(arena, breaksOff, limits(9 * MB)));
  }
  const grown = process.memoryUsage().arrayBuffers - before;
  t.ok(grown < 1e6, `grew by ${grown}`);
  for (const each of [alone, ...waiting]) each.release();
});

test.test('what is too large, or breaks off, is refused and gives its room back', async (t) => {
  const { arena, used } = await arenaOf(t);
  const broken = async function* (): AsyncGenerator<Buffer> {
    yield await Promise.resolve(Buffer.from('words'));
    throw new Error('cut off');
  };
  for (let i = 0; i < 5; i++) {
    let told = 0;
    const onTooLarge = (): number => told++;
    const tooLarge = spool(arena, pieces(words(300_000)), { ...limits(8 * MB, 200_000), onTooLarge });
    await t.rejects(tooLarge, { code: 'too-large', detail: { limit: 200_000 } });
    t.equal(told, 1);
    await t.rejects(spool(arena, broken(), limits(8 * MB)), /cut off/);
  }
  const after = await spool(arena, pieces(words(10)), limits(8 * MB));
  t.equal(used(), 0, 'there is room in memory');
  after.release();
});
