/** Snapshots: docs/format/store.md, "Snapshot". */
import test from 'tap';
import type { OpenFile } from '../../src/store/files.js';
import { geometryOf, SNAP_STEPS } from '../../src/store/geometry.js';
import { aesGcm } from '../../src/store/sealer.js';
import { bodyCapacity, SnapshotReading, writeSnapshot } from '../../src/store/snapshot.js';
import { seeded, SimDisk } from './sim-disk.js';

const PIECE = 512;
const GEOMETRY = {
  unitBytes: 512,
  units: 4,
  slotBytes: 512,
  pageBytes: 512,
  pages: 4,
  pieceBytes: PIECE,
  snapPieces: 2 * SNAP_STEPS,
};
const KEY = Buffer.alloc(32, 3);
const HEAD = { epoch: 4, clock: 1_800_000_000_000, unitBytes: 512, units: 4, filled: 2 };
const CAPACITY = bodyCapacity(GEOMETRY);

interface Written {
  readonly file: OpenFile;
  readonly bytes: () => Buffer;
}

async function written(body: Buffer, pieceOfBody = body.length): Promise<Written> {
  const disk = new SimDisk(new Map([['snap.a', Buffer.alloc(PIECE * GEOMETRY.snapPieces)]]), seeded(1));
  const file = await disk.open('snap.a');
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; at += pieceOfBody) pieces.push(Buffer.from(body.subarray(at, at + pieceOfBody)));
  await writeSnapshot(aesGcm, file, KEY, GEOMETRY, { ...HEAD, bodyLength: body.length }, pieces);
  return { file, bytes: () => disk.asWritten().get('snap.a')! };
}

function bodyOf(length: number): Buffer {
  return Buffer.from(Array.from({ length }, (_, index) => 1 + (index % 250)));
}

const open = (file: OpenFile): Promise<SnapshotReading | null> =>
  SnapshotReading.open(aesGcm, file, 'a', KEY, GEOMETRY);

test.test('a snapshot gives back its head and body, for every length around a piece', async (t) => {
  const plain = PIECE - 16;
  for (const length of [
    0,
    1,
    plain - 39,
    plain - 38,
    plain - 37,
    plain,
    2 * plain,
    4 * plain,
    5 * plain,
    7 * plain,
    CAPACITY - 1,
    CAPACITY,
  ]) {
    const body = bodyOf(length);
    for (const piece of [1, 7, plain, Math.max(1, length)].filter((size) => size > 1 || length < 2000)) {
      const { file } = await written(body, piece);
      const reading = await open(file);
      t.strictSame(reading?.head, { ...HEAD, bodyLength: length });
      t.ok((await reading?.take(length))?.equals(body), `${length} in pieces of ${piece}`);
      await reading?.finish();
    }
  }
});

test.test('a body that is longer or shorter than its head says is our own bug', async (t) => {
  const disk = new SimDisk(new Map([['snap.a', Buffer.alloc(PIECE * GEOMETRY.snapPieces)]]), seeded(1));
  const file = await disk.open('snap.a');
  const head = { ...HEAD, bodyLength: 10 };
  for (const length of [9, 11]) {
    await t.rejects(writeSnapshot(aesGcm, file, KEY, GEOMETRY, head, [bodyOf(length)]), { message: /length/ });
  }
});

test.test('a snapshot is written in eighths, so its length tells no more than a tenth', async (t) => {
  for (const length of [1, 300, 3000, CAPACITY]) {
    const { bytes } = await written(bodyOf(length));
    const used = [...Array(GEOMETRY.snapPieces).keys()].filter(
      (piece) =>
        !bytes()
          .subarray(piece * PIECE, (piece + 1) * PIECE)
          .equals(Buffer.alloc(PIECE)),
    ).length;
    t.equal(used % (GEOMETRY.snapPieces / SNAP_STEPS), 0);
  }
});

test.test('a piece that is damaged is named; the first one is not told from noise', async (t) => {
  const { file, bytes } = await written(bodyOf(2000));
  const flip = async (piece: number): Promise<void> => {
    const at = piece * PIECE + 5;
    await file.write(Buffer.from([bytes().readUInt8(at) ^ 1]), at);
  };
  await flip(2);
  const reading = await open(file);
  await t.rejects(reading!.take(2000), { message: 'piece 2 of snap.a is damaged' });
  await flip(0);
  t.equal(await open(file), null);
});

test.test('buffers of the body are wiped when they are sealed', async (t) => {
  const secret = bodyOf(100);
  const disk = new SimDisk(new Map([['snap.a', Buffer.alloc(PIECE * GEOMETRY.snapPieces)]]), seeded(1));
  await writeSnapshot(aesGcm, await disk.open('snap.a'), KEY, GEOMETRY, { ...HEAD, bodyLength: 100 }, [secret]);
  t.strictSame(secret, Buffer.alloc(100));
});

test.test('the snapshot has room for a row per unit, at any size of store', (t) => {
  for (const megabytes of [8, 64, 2048, 26_215]) {
    const geometry = geometryOf(megabytes);
    t.equal(geometry.units, Math.floor((megabytes * 1_000_000) / 262_144));
    t.equal(geometry.snapPieces % SNAP_STEPS, 0);
    t.ok(bodyCapacity(geometry) > 512 * geometry.units);
  }
  t.end();
});
