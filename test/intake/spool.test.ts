/** Where uploads wait: small ones in memory as long as there is room, the others sealed in units of the store. */
import test, { type Test } from 'tap';
import { readAll } from '../../src/base/source.js';
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
    const piece = Buffer.from(bytes.subarray(at, at + 65_536));
    given.push(piece);
    yield await Promise.resolve(piece);
  }
}

const limits = (expected: number | null, bytes = MOST): SpoolLimits => ({ bytes, expected });
const words = (length: number): Buffer => Buffer.alloc(length, 'words of a visitor ');

test.test('what is small waits in memory, what says nothing of its length or is large in the store', async (t) => {
  const { arena, used } = await arenaOf(t);
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
    t.ok(
      given.every((piece) => piece.every((byte) => byte === 0)),
      'pieces are wiped',
    );
    spooled.release();
    spooled.release();
    t.equal(used(), 0);
    await t.rejects(async () => spooled.source.read(0, 1), 'gone, and not zeros');
  }
});

test.test('together they have so much room and no more, and what is released can be used again', async (t) => {
  const { arena, used } = await arenaOf(t);
  const whole = 8 * MB;
  const first = await spool(arena, pieces(words(10)), limits(whole));
  const second = await spool(arena, pieces(words(10)), limits(whole));
  t.equal(used(), 0);
  const third = await spool(arena, pieces(words(10)), limits(whole));
  t.equal(used(), 1, 'the third is in the store');
  first.release();
  const fourth = await spool(arena, pieces(words(10)), limits(whole));
  t.equal(used(), 1, 'the fourth took the room of the first');
  for (const spooled of [second, third, fourth]) spooled.release();
  t.equal(used(), 0);
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
