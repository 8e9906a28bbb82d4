/** Pages and logs: docs/format/store.md, "Log". */
import test from 'tap';
import { wipeKeys, type EpochKeys } from '../../src/store/epoch.js';
import type { OpenFile } from '../../src/store/files.js';
import { readLog, writeBlankLog } from '../../src/store/log.js';
import {
  encodePage,
  longestWhole,
  openPage,
  parsePage,
  plainBytesOf,
  roomOfPage,
  sealBlank,
  sealPage,
  shareOfPage,
  type Page,
} from '../../src/store/log-page.js';
import { aesGcm } from '../../src/store/sealer.js';
import { seeded, SimDisk } from './sim-disk.js';

const PAGE = 1024;
const GEOMETRY = {
  unitBytes: 512,
  units: 4,
  slotBytes: 512,
  pageBytes: PAGE,
  pages: 8,
  pieceBytes: 1024,
  snapPieces: 8,
};
const MARK = { epoch: 9, clock: 1_800_000_000_000 };

function keysOf(byte: number): EpochKeys {
  return { snapshot: Buffer.alloc(32, byte), log: Buffer.alloc(32, byte + 1), blank: Buffer.alloc(32, byte + 2) };
}

async function blankLog(): Promise<OpenFile> {
  const disk = new SimDisk(new Map([['log.a', Buffer.alloc(PAGE * GEOMETRY.pages)]]), seeded(1));
  const file = await disk.open('log.a');
  await writeBlankLog(aesGcm, file, keysOf(1), GEOMETRY, MARK);
  return file;
}

async function add(file: OpenFile, index: number, page: Page): Promise<void> {
  await file.write(sealPage(aesGcm, keysOf(1), PAGE, index, page), index * PAGE);
}

test.test('a page says what was put into it, for every length of entry that fits', (t) => {
  for (const length of [1, 2, longestWhole(PAGE) - 1, longestWhole(PAGE)]) {
    const page: Page = { kind: 'entries', clock: 5, entries: [Buffer.alloc(length, 7)] };
    t.strictSame(parsePage(encodePage(PAGE, page)), page);
  }
  t.throws(() => encodePage(PAGE, { kind: 'entries', clock: 5, entries: [Buffer.alloc(longestWhole(PAGE) + 1)] }));
  const many = Array.from({ length: Math.floor(roomOfPage(PAGE) / shareOfPage(10)) }, (_, i) =>
    Buffer.alloc(10, i + 1),
  );
  t.strictSame(parsePage(encodePage(PAGE, { kind: 'entries', clock: 5, entries: many })), {
    kind: 'entries',
    clock: 5,
    entries: many,
  });
  t.strictSame(parsePage(encodePage(PAGE, { kind: 'mark', ...MARK })), { kind: 'mark', ...MARK });
  t.equal(parsePage(Buffer.alloc(plainBytesOf(PAGE))), null);
  t.end();
});

test.test('a page opens at its place and under its keys only', (t) => {
  const sealed = sealPage(aesGcm, keysOf(1), PAGE, 3, { kind: 'entries', clock: 1, entries: [Buffer.from('x')] });
  t.equal(sealed.length, PAGE);
  t.equal(openPage(aesGcm, keysOf(1), 3, sealed).kind, 'written');
  t.equal(openPage(aesGcm, keysOf(1), 4, sealed).kind, 'torn');
  t.equal(openPage(aesGcm, keysOf(5), 3, sealed).kind, 'torn');
  t.equal(openPage(aesGcm, keysOf(1), 3, sealBlank(aesGcm, keysOf(1), PAGE, 3)).kind, 'blank');
  t.equal(openPage(aesGcm, keysOf(1), 2, sealBlank(aesGcm, keysOf(1), PAGE, 3)).kind, 'torn');
  t.end();
});

test.test('a log gives back its commits in order, long entries whole', async (t) => {
  const file = await blankLog();
  t.strictSame(await readLog(aesGcm, file, 'a', keysOf(1), GEOMETRY), { ...MARK, commits: [], torn: false });
  const long = Buffer.from(Array.from({ length: 2 * longestWhole(PAGE) + 5 }, (_, i) => i % 250));
  await add(file, 1, { kind: 'entries', clock: MARK.clock + 1, entries: [Buffer.from('a'), Buffer.from('bc')] });
  for (let i = 0; i < 3; i++) {
    const bytes = long.subarray(i * longestWhole(PAGE), (i + 1) * longestWhole(PAGE));
    await add(file, 2 + i, { kind: 'part', clock: MARK.clock + 2, bytes, last: i === 2 });
  }
  const { commits, clock } = await readLog(aesGcm, file, 'a', keysOf(1), GEOMETRY);
  t.equal(clock, MARK.clock + 2);
  t.strictSame(
    commits.map(({ entries }) => entries),
    [[Buffer.from('a'), Buffer.from('bc')], [long]],
  );
});

test.test('a long entry without its last part was never acknowledged', async (t) => {
  const file = await blankLog();
  await add(file, 1, { kind: 'part', clock: 1, bytes: Buffer.alloc(9, 1), last: false });
  t.strictSame((await readLog(aesGcm, file, 'a', keysOf(1), GEOMETRY)).commits, []);
  await add(file, 2, { kind: 'entries', clock: 1, entries: [Buffer.from('a')] });
  await t.rejects(readLog(aesGcm, file, 'a', keysOf(1), GEOMETRY), { message: /page 2 of log.a/ });
});

test.test('every page of a full log is kept', async (t) => {
  const file = await blankLog();
  for (let index = 1; index < GEOMETRY.pages; index++) {
    await add(file, index, { kind: 'entries', clock: index, entries: [Buffer.from([index])] });
  }
  const { commits } = await readLog(aesGcm, file, 'a', keysOf(1), GEOMETRY);
  t.equal(commits.length, GEOMETRY.pages - 1);
  const last = GEOMETRY.pages - 1;
  await file.write(Buffer.alloc(PAGE), last * PAGE);
  t.match(await readLog(aesGcm, file, 'a', keysOf(1), GEOMETRY), { torn: true, commits: { length: last - 1 } });
});

test.test('a mark stands on page 0 and nowhere else', async (t) => {
  const file = await blankLog();
  await add(file, 1, { kind: 'mark', ...MARK });
  await t.rejects(readLog(aesGcm, file, 'a', keysOf(1), GEOMETRY), { message: /page 1 of log.a is damaged/ });
  const other = await blankLog();
  await add(other, 0, { kind: 'entries', clock: 1, entries: [Buffer.from('a')] });
  await t.rejects(readLog(aesGcm, other, 'a', keysOf(1), GEOMETRY), { message: /page 0 of log.a is damaged/ });
});

test.test('wiped keys are zeros', (t) => {
  const keys = keysOf(1);
  wipeKeys(keys);
  for (const key of Object.values(keys) as Buffer[]) t.strictSame(key, Buffer.alloc(32));
  t.end();
});
