/**
 * Every part of the files flipped, cut, swapped, doubled, missing or older: a start gives the acknowledged state, or
 * cuts the torn last page, or refuses and names the part. Never another state, never a crash or a hang.
 */
import test from 'tap';
import { StoreFault } from '../../src/base/errors.js';
import { mintDeletionToken, mintLinkToken, type LinkToken } from '../../src/ledger/tokens.js';
import { SETS, type FileName, type SetName } from '../../src/store/files.js';
import { loadModules, openBench, rootOf, TestClock, TINY, type BenchStore } from './bench-store.js';
import { seeded, SimDisk, type Platters } from '../store/sim-disk.js';

const modules = await loadModules();
const clock = new TestClock();

interface Kept {
  /** As a kill leaves it: an open epoch with pages in its log. */
  readonly platters: Platters;
  readonly links: readonly LinkToken[];
  readonly dead: LinkToken;
  /** The set in use. */
  readonly set: SetName;
  /** Pages written, the mark included. */
  readonly pages: number;
}

async function put({ ledger, opened }: BenchStore): Promise<LinkToken> {
  const [link, deletion] = [mintLinkToken(), mintDeletionToken()];
  const hold = opened.store.arena.reserve(1)!;
  await ledger.put({
    link,
    deletion,
    secret: Buffer.alloc(32, 9),
    expiresAt: null,
    mode: 'never',
    views: null,
    hasPassphrase: false,
    held: false,
    hold,
  });
  return link;
}

/** A store with three shares and one that was deleted after the last round; then the power fails. */
async function make(): Promise<Kept> {
  const disk = new SimDisk(new Map(), seeded(1));
  const bench = await openBench(modules, { files: disk, clock });
  await bench.opened.filling;
  await bench.opened.store.roll();
  const links = [await put(bench), await put(bench)];
  const dead = await put(bench);
  await bench.ledger.remove(bench.ledger.find(dead)!, 'deleted');
  links.push(await put(bench));
  const platters = disk.asWritten();
  disk.pull();
  const set = bench.opened.store.stats().epoch % 2 === 1 ? 'a' : 'b';
  bench.state.close();
  return { platters, links, dead, set, pages: 6 };
}

type Outcome = 'same' | 'one page cut' | `refused: ${string}`;

/** Starts on what is there and says what came of it. Throws where it is another state. */
async function startOn(platters: Platters, { links, dead }: Kept, root = 7): Promise<Outcome> {
  const disk = new SimDisk(platters, seeded(2));
  let bench: BenchStore;
  try {
    bench = await openBench(modules, { files: disk, clock, rootKey: rootOf(root) });
  } catch (error) {
    if (!(error instanceof StoreFault)) throw error;
    if (error.remedy === '') throw new Error('a refusal without a remedy', { cause: error });
    return `refused: ${error.part}`;
  }
  try {
    const found = links.map((link) => bench.ledger.find(link) !== null);
    if (bench.ledger.find(dead) !== null) throw new Error('a dead share came back');
    if (found.every(Boolean)) return 'same';
    if (found[0] === true && found[1] === true && found[2] === false) return 'one page cut';
    throw new Error(`another state: ${found.join(' ')}`);
  } finally {
    await bench.opened.close();
    bench.state.close();
  }
}

function changed(platters: Platters, name: FileName, change: (bytes: Buffer) => Buffer | null): Platters {
  const copy = new Map(platters);
  const bytes = change(Buffer.from(copy.get(name)!));
  if (bytes === null) copy.delete(name);
  else copy.set(name, bytes);
  return copy;
}

function flipped(at: number): (bytes: Buffer) => Buffer {
  return (bytes) => {
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << (at % 8)), at);
    return bytes;
  };
}

const kept = await make();
const other: SetName = kept.set === 'a' ? 'b' : 'a';

test.test('undamaged files give the acknowledged state', async (t) => {
  t.equal(await startOn(kept.platters, kept), 'same');
});

test.test('a wrong root key is refused, and said to be one possible cause', async (t) => {
  t.equal(await startOn(kept.platters, kept, 8), 'refused: slot');
});

test.test('any flipped bit in the slot is refused', async (t) => {
  for (let at = 0; at < TINY.slotBytes; at += 97) {
    t.equal(await startOn(changed(kept.platters, `slot.${kept.set}`, flipped(at)), kept), 'refused: slot');
  }
});

test.test('any flipped bit in the snapshot is refused by name, or lies in noise', async (t) => {
  const step = TINY.snapPieces / 8;
  let used = 0;
  for (let piece = 0; piece < TINY.snapPieces; piece++) {
    const platters = changed(kept.platters, `snap.${kept.set}`, flipped(piece * TINY.pieceBytes + 13 * piece));
    const outcome = await startOn(platters, kept);
    if (outcome !== 'same') used = piece + 1;
    t.ok(piece === 0 ? outcome === 'refused: slot' : ['same', `refused: snap.${kept.set}`].includes(outcome), outcome);
  }
  t.equal(used % step, 0, 'the snapshot ends at an eighth of its file');
});

test.test('a damaged page of the log is refused by name, but for a torn last one, which is cut', async (t) => {
  for (let page = 0; page < TINY.pages; page++) {
    const platters = changed(kept.platters, `log.${kept.set}`, flipped(page * TINY.pageBytes + 77));
    // The first blank page may be one that was in flight; the one behind it can't.
    const expected =
      page === kept.pages - 1 ? 'one page cut' : page === kept.pages ? 'same' : `refused: log.${kept.set}`;
    t.equal(await startOn(platters, kept), expected, `page ${page} of ${kept.pages} written ones`);
  }
});

test.test('a log that lost more than its last page is refused', async (t) => {
  for (let first = 1; first < kept.pages - 1; first++) {
    const platters = changed(kept.platters, `log.${kept.set}`, (bytes) =>
      bytes.fill(0, first * TINY.pageBytes, kept.pages * TINY.pageBytes),
    );
    t.equal(await startOn(platters, kept), `refused: log.${kept.set}`);
  }
  const all = changed(kept.platters, `log.${kept.set}`, (bytes) => bytes.fill(0));
  t.equal(await startOn(all, kept), `refused: log.${kept.set}`);
});

test.test('a missing, cut or lengthened file is refused by name', async (t) => {
  for (const name of kept.platters.keys()) {
    t.match(
      await startOn(
        changed(kept.platters, name, () => null),
        kept,
      ),
      `refused: ${name}`,
    );
    t.match(
      await startOn(
        changed(kept.platters, name, (bytes) => bytes.subarray(0, -1)),
        kept,
      ),
      `refused: ${name}`,
    );
    t.match(
      await startOn(
        changed(kept.platters, name, (bytes) => bytes.subarray(0, 0)),
        kept,
      ),
      `refused: ${name}`,
    );
    t.match(
      await startOn(
        changed(kept.platters, name, (bytes) => Buffer.concat([bytes, bytes])),
        kept,
      ),
      `refused: ${name}`,
    );
  }
});

test.test('the set that is not in use may be damaged in any way', async (t) => {
  for (const part of ['slot', 'snap', 'log'] as const) {
    const name = `${part}.${other}` as const;
    t.equal(
      await startOn(
        changed(kept.platters, name, (bytes) => bytes.fill(0)),
        kept,
      ),
      'same',
    );
    const double = changed(kept.platters, name, () => Buffer.from(kept.platters.get(`${part}.${kept.set}`)!));
    t.equal(await startOn(double, kept), 'same', `${part} doubled`);
  }
});

test.test('parts of two sets, swapped, are refused; whole sets, swapped, are the same', async (t) => {
  const swap = (platters: Platters, part: 'slot' | 'snap' | 'log'): Platters => {
    const copy = new Map(platters);
    copy.set(`${part}.a`, platters.get(`${part}.b`)!);
    copy.set(`${part}.b`, platters.get(`${part}.a`)!);
    return copy;
  };
  t.equal(await startOn(swap(kept.platters, 'slot'), kept), 'refused: slot');
  t.equal(await startOn(swap(kept.platters, 'snap'), kept), 'refused: slot');
  t.match(await startOn(swap(kept.platters, 'log'), kept), /refused: log/);
  const whole = swap(swap(swap(kept.platters, 'slot'), 'snap'), 'log');
  t.equal(await startOn(whole, kept), 'same');
});

test.test('swapped or doubled pages and pieces are refused', async (t) => {
  const log = (change: (bytes: Buffer) => Buffer): Platters => changed(kept.platters, `log.${kept.set}`, change);
  const page = (bytes: Buffer, index: number): Buffer =>
    Buffer.from(bytes.subarray(index * TINY.pageBytes, (index + 1) * TINY.pageBytes));
  const swapped = log((bytes) => {
    const [second, third] = [page(bytes, 2), page(bytes, 3)];
    third.copy(bytes, 2 * TINY.pageBytes);
    second.copy(bytes, 3 * TINY.pageBytes);
    return bytes;
  });
  t.equal(await startOn(swapped, kept), `refused: log.${kept.set}`);
  const doubled = log((bytes) => {
    page(bytes, 3).copy(bytes, 2 * TINY.pageBytes);
    return bytes;
  });
  t.equal(await startOn(doubled, kept), `refused: log.${kept.set}`);
  const pieces = changed(kept.platters, `snap.${kept.set}`, (bytes) => {
    bytes.copyWithin(TINY.pieceBytes, 2 * TINY.pieceBytes, 3 * TINY.pieceBytes);
    return bytes;
  });
  t.equal(await startOn(pieces, kept), `refused: snap.${kept.set}`);
});

test.test('parts of an older epoch are refused, or are not the ones in use', async (t) => {
  const disk = new SimDisk(kept.platters, seeded(3));
  const bench = await openBench(modules, { files: disk, clock });
  await bench.opened.store.roll();
  await bench.opened.store.roll();
  const newer = disk.asWritten();
  disk.pull();
  bench.state.close();
  for (const set of SETS) {
    for (const part of ['slot', 'snap', 'log'] as const) {
      const name = `${part}.${set}` as const;
      const outcome = await startOn(
        changed(newer, name, () => kept.platters.get(name)!),
        kept,
      );
      t.ok(outcome === 'same' || outcome.startsWith('refused: '), `${name} older: ${outcome}`);
    }
  }
});

test.test('thousands of random changes give no other state, no crash, no hang', async (t) => {
  const cases = Number(process.env['CHATPIC_DAMAGE_CASES'] ?? 300);
  const random = seeded(4);
  const names = [...kept.platters.keys()].filter((name) => name !== 'arena');
  const outcomes = new Map<string, number>();
  for (let i = 0; i < cases; i++) {
    let platters = kept.platters;
    for (let changes = 1 + Math.floor(random() * 3); changes > 0; changes--) {
      const name = names[Math.floor(random() * names.length)]!;
      platters = changed(platters, name, (bytes) => {
        const start = Math.floor(random() * bytes.length);
        const end = Math.min(bytes.length, start + 1 + Math.floor(random() ** 4 * bytes.length));
        if (random() < 0.3) bytes.fill(0, start, end);
        else if (random() < 0.5) bytes.copyWithin(Math.floor(random() * (bytes.length - 1)), start, end);
        else return flipped(start)(bytes);
        return bytes;
      });
    }
    const outcome = await startOn(platters, kept);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
  t.comment(JSON.stringify(Object.fromEntries(outcomes)));
  t.ok((outcomes.get('same') ?? 0) < cases);
});
