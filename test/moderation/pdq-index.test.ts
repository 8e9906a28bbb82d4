import test from 'tap';
import { MAX_RADIUS, PdqIndex } from '../../src/moderation/pdq-index.js';
import { hammingDistance, type PdqHash } from '../../src/moderation/pdq.js';
import { generator } from './planes.js';

function randomHashes(count: number, seed: number): Buffer {
  const next = generator(seed);
  const bytes = Buffer.alloc(count * 32);
  for (let at = 0; at < bytes.length; at += 4) bytes.writeUInt32LE(next(), at);
  return bytes;
}

const hashAt = (hashes: Buffer, entry: number): PdqHash =>
  Buffer.from(hashes.subarray(entry * 32, entry * 32 + 32)) as PdqHash;

/** `hash` with exactly `bits` bits changed, spread over all bands as evenly as can be: the hardest case for bands. */
function changed(hash: PdqHash, bits: number, next: () => number): PdqHash {
  const out = Buffer.from(hash);
  for (let bit = 0; bit < bits; bit++) {
    const band = bit % 16;
    const inBand = (((next() % 8) * 2 + Math.floor(bit / 16)) % 16) + band * 16; // two passes never meet
    out[inBand >> 3]! ^= 1 << (inBand & 7);
  }
  return out as PdqHash;
}

function found(index: PdqIndex, hash: PdqHash, radius: number): number[] {
  const entries = new Set<number>();
  index.search(hash, radius, (entry) => entries.add(entry));
  return [...entries].sort((a, b) => a - b);
}

test.test('every hash within the radius is met, and no other: the same as comparing with each', async (t) => {
  const hashes = randomHashes(6000, 1);
  const next = generator(2);
  // Clusters: many of the list are near each other, so that answers have several entries.
  for (let entry = 0; entry < 3000; entry++)
    changed(hashAt(hashes, entry % 50), next() % 24, next).copy(hashes, entry * 32);
  const index = await PdqIndex.build(hashes);
  let met = 0;
  for (let query = 0; query < 300; query++) {
    const hash = changed(hashAt(hashes, next() % 6000), next() % 34, next);
    const radius = next() % (MAX_RADIUS + 1);
    const expected: number[] = [];
    for (let entry = 0; entry < 6000; entry++) {
      if (hammingDistance(hash, hashAt(hashes, entry)) <= radius) expected.push(entry);
    }
    met += expected.length;
    t.strictSame(found(index, hash, radius), expected);
  }
  t.ok(met > 1000, 'the clusters were met');
});

test.test('a hash with 31 bits changed is met wherever they are, with 32 it is not', async (t) => {
  const hashes = randomHashes(5000, 3);
  const index = await PdqIndex.build(hashes);
  const next = generator(4);
  for (let query = 0; query < 500; query++) {
    const entry = next() % 5000;
    t.ok(found(index, changed(hashAt(hashes, entry), 31, next), MAX_RADIUS).includes(entry));
    t.notOk(found(index, changed(hashAt(hashes, entry), 32, next), MAX_RADIUS).includes(entry));
  }
});

test.test('sizes around the change from scan to bands answer alike', async (t) => {
  for (const size of [0, 1, 2, 4095, 4096, 4097]) {
    const hashes = randomHashes(size, 5);
    const index = await PdqIndex.build(hashes);
    t.equal(index.size, size);
    for (const entry of new Set([0, size - 1])) {
      if (entry >= 0 && entry < size) t.strictSame(found(index, hashAt(hashes, entry), 31), [entry]);
    }
    t.strictSame(found(index, randomHashes(1, 99) as PdqHash, 31), []);
  }
});

test.test('a list of one hash many times over is scanned, not walked band by band', async (t) => {
  const hashes = Buffer.alloc(5000 * 32, 0xaa);
  const index = await PdqIndex.build(hashes);
  let visits = 0;
  index.search(hashAt(hashes, 0), 31, () => visits++);
  t.equal(visits, 5000);
});

test.test('other work runs while a large list is indexed', async (t) => {
  let turns = 0;
  await PdqIndex.build(randomHashes(5000, 6), () => {
    turns++;
    return Promise.resolve();
  });
  t.equal(turns, 16);
});

/** Milliseconds of CPU that this process has used: what a busy machine does meanwhile is no part of it. */
function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

test.test('a million hashes: a look-up takes less than 5 ms at the 99th percentile', async (t) => {
  const hashes = randomHashes(1_000_000, 7);
  const before = cpu();
  const index = await PdqIndex.build(hashes);
  const built = cpu() - before;
  const next = generator(8);
  const times: number[] = [];
  let missed = 0;
  for (let query = 0; query < 3000; query++) {
    const near = query % 2 === 0;
    const hash = near ? changed(hashAt(hashes, next() % 1_000_000), 31, next) : (randomHashes(1, next()) as PdqHash);
    const start = cpu();
    const hits = found(index, hash, MAX_RADIUS);
    times.push(cpu() - start);
    if (near && hits.length === 0) missed++;
  }
  times.sort((a, b) => a - b);
  const at = (part: number): string => times[Math.floor(times.length * part)]!.toFixed(2);
  t.comment(
    `built in ${built.toFixed(0)} ms; look-up p50 ${at(0.5)} p99 ${at(0.99)} max ${times.at(-1)!.toFixed(2)} ms`,
  );
  t.equal(missed, 0);
  t.ok(Number(at(0.99)) < 5);
});
