/** Units, holds, the vault and the arena. */
import test from 'tap';
import type { UnitList } from '../../src/store/arena.js';
import { ArenaFile } from '../../src/store/arena-file.js';
import { UnitPool } from '../../src/store/unit-pool.js';
import { Vault } from '../../src/store/vault.js';
import { seeded, SimDisk } from './sim-disk.js';

const list = (...units: number[]): UnitList => Uint32Array.from(units) as UnitList;

function pool(units: number, filled = units): UnitPool {
  const made = new UnitPool(units);
  made.setFilled(filled);
  return made;
}

test.test('only filled units are handed out, each once', (t) => {
  const units = pool(10, 6);
  const hold = units.reserve(6)!;
  t.strictSame([...hold.units].sort(), [0, 1, 2, 3, 4, 5]);
  t.equal(units.reserve(1), null);
  units.setFilled(10);
  t.strictSame(units.capacity(), { total: 10, filled: 10, free: 4 });
  hold.release();
  t.equal(units.capacity().free, 10);
  t.end();
});

test.test('units come in random order', (t) => {
  const orders = new Set(Array.from({ length: 20 }, () => [...pool(50).reserve(50)!.units].join()));
  t.equal(orders.size, 20);
  t.end();
});

test.test('a hold grows at its end, is trimmed at its end, and is released once', (t) => {
  const units = pool(10);
  const hold = units.reserve(2)!;
  const first = [...hold.units];
  t.equal(hold.grow(3), true);
  t.strictSame([...hold.units.subarray(0, 2)], first);
  t.equal(hold.grow(6), false, 'all or nothing');
  t.equal(hold.units.length, 5);
  hold.trim(1);
  t.strictSame([...hold.units], first.slice(0, 1));
  t.equal(units.capacity().free, 9);
  hold.release();
  hold.release();
  hold.trim(0);
  t.equal(units.capacity().free, 10);
  t.throws(() => hold.grow(1));
  t.end();
});

test.test('a unit is in one share', (t) => {
  const units = pool(4);
  units.own(list(1, 2));
  t.throws(() => units.own(list(2)), { message: /unit 2 .* claimed by two shares/ });
  t.throws(() => units.own(list(4)), { message: /does not exist/ });
  units.disown(list(1, 2));
  units.own(list(2));
  t.throws(() => units.disown(list(1)));
  t.end();
});

test.test('a unit that is kept is free when neither its share nor the keeping nor a reader is left', (t) => {
  const orders = [
    ['disown', 'letGo', 'release'],
    ['letGo', 'disown', 'release'],
    ['release', 'letGo', 'disown'],
    ['disown', 'release', 'letGo'],
  ] as const;
  for (const order of orders) {
    const units = pool(4);
    units.own(list(1, 2));
    units.keep(list(1, 2), true);
    const hold = units.hold(list(1, 2));
    const steps = {
      disown: () => units.disown(list(1, 2)),
      letGo: () => units.letGo(list(1, 2)),
      release: () => hold.release(),
    };
    for (const step of order) {
      t.equal(units.capacity().free, 2, `before ${step} of ${order.join()}`);
      steps[step]();
    }
    t.equal(units.capacity().free, 4);
  }
  t.end();
});

test.test('a unit is kept once, and for the share that has it', (t) => {
  const units = pool(4);
  units.own(list(1));
  units.keep(list(1), true);
  t.throws(() => units.keep(list(1), true), { message: /unit 1 .* claimed by two shares/ });
  t.throws(() => units.keep(list(2), true), { message: /claimed by two shares/ }, 'its share does not have it');
  t.throws(() => units.keep(list(4), false), { message: /does not exist/ });
  units.disown(list(1));
  t.throws(() => units.own(list(1)), { message: /claimed by two shares/ }, 'kept for another one');
  units.letGo(list(1));
  t.throws(() => units.letGo(list(1)));
  units.own(list(1));
  t.throws(() => units.keep(list(1), false), { message: /claimed by two shares/ }, 'another share has it');
  t.end();
});

test.test('units that a replay found owned are not free when they turn out to be filled', (t) => {
  const units = new UnitPool(4);
  units.own(list(0, 3));
  units.own(list(1));
  units.disown(list(1));
  units.setFilled(4);
  t.equal(units.capacity().free, 2);
  units.disown(list(0, 3));
  t.equal(units.capacity().free, 4);
  t.end();
});

test.test('the vault wipes at once, and gives a place to one secret at a time', (t) => {
  const vault = new Vault(3);
  const secret = Buffer.alloc(32, 7);
  const places = [vault.store(secret), vault.store(secret), vault.store(secret)];
  t.equal(new Set(places).size, 3);
  t.throws(() => vault.store(secret));
  const copy = vault.copyOf(places[0]!);
  vault.wipe(places[0]!);
  t.strictSame(copy, secret, 'a copy is its owner’s to wipe');
  t.strictSame(vault.copyOf(places[0]!), Buffer.alloc(32));
  vault.free(places[1]!);
  vault.free(places[1]!);
  t.equal(vault.store(Buffer.alloc(32, 8)), places[1]);
  const other = new Vault(3);
  other.restore(vault.bytes, [places[2]!]);
  t.strictSame(other.copyOf(places[2]!), secret);
  t.equal(other.bytes.indexOf(8), -1, 'places that no share has are wiped');
  vault.wipeAll();
  t.strictSame(vault.bytes, Buffer.alloc(96));
  t.end();
});

test.test('bytes written across units are read back at any offset', async (t) => {
  const unitBytes = 512;
  const disk = new SimDisk(new Map([['arena', Buffer.alloc(unitBytes * 6)]]), seeded(1));
  const geometry = { unitBytes, units: 6, slotBytes: 1, pageBytes: 1, pages: 1, pieceBytes: 1, snapPieces: 1 };
  const arena = new ArenaFile(await disk.open('arena'), geometry, pool(6), () => undefined);
  const units = list(4, 1, 3);
  const content = Buffer.from(Array.from({ length: 3 * unitBytes }, (_, index) => index % 251));
  for (const cut of [1, unitBytes - 1, unitBytes, unitBytes + 1, 2 * unitBytes]) {
    await arena.write(units, 0, content.subarray(0, cut));
    await arena.write(units, cut, content.subarray(cut));
    for (const [at, length] of [
      [0, 3 * unitBytes],
      [cut, 0],
      [cut - 1, 2],
      [unitBytes - 1, unitBytes + 2],
    ] as const) {
      t.ok((await arena.read(units, at, length)).equals(content.subarray(at, at + length)), `${length} at ${at}`);
    }
  }
  await t.rejects(arena.read(units, 3 * unitBytes, 1), { message: /within their bytes/ });
  await t.rejects(arena.write(units, -1, content), { message: /within their bytes/ });
});

test.test('a sync covers everything written before it was asked for, and is shared', async (t) => {
  const disk = new SimDisk(new Map([['arena', Buffer.alloc(2048)]]), seeded(1));
  const geometry = { unitBytes: 512, units: 4, slotBytes: 1, pageBytes: 1, pages: 1, pieceBytes: 1, snapPieces: 1 };
  let [begun, ended] = [0, 0];
  const file = await disk.open('arena');
  const slow = {
    ...file,
    sync: async () => {
      begun++;
      await new Promise((resolve) => setTimeout(resolve, 5));
      await file.sync();
      ended++;
    },
  };
  const arena = new ArenaFile(slow, geometry, pool(4), () => undefined);
  const first = arena.sync();
  const others = [arena.sync(), arena.sync(), arena.sync()];
  await first;
  t.equal(ended, 1);
  await Promise.all(others);
  t.strictSame([begun, ended], [2, 2], 'those who came while one was under way share the next');
});
