/** The door for intake, on real pictures that went through the real decoder, lists and classifier. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { bufferSource } from '../../src/base/source.js';
import { sha256 } from '../../src/crypto/hash.js';
import { startDecoder } from '../../src/media/decoder/decoder.js';
import { bannedContent } from '../../src/moderation/ban.js';
import type { ListInfo } from '../../src/moderation/block-list-format.js';
import { BlockLists } from '../../src/moderation/block-list.js';
import { startClassifier } from '../../src/moderation/classifier/classifier.js';
import { ListParser } from '../../src/moderation/list-parse.js';
import { pdqHash, type LumaPlane } from '../../src/moderation/pdq.js';
import { LIGHT_CROPS, lightCrops, withoutBorders } from '../../src/moderation/plane-crop.js';
import { createReviewer, type ReviewInput, type Reviewer } from '../../src/moderation/verdict.js';
import { MapBook } from './map-book.js';
import { asSharp, picture } from './pictures.js';
import { discs, generator } from './planes.js';
import { tinyModel } from './tiny-onnx.js';

const RADIUS = 31;
const NO_MODEL = startClassifier({ modelFile: null });
const input = (fields: Partial<ReviewInput>): ReviewInput => ({ digests: [], lumas: [], pictures: [], ...fields });

async function lists(info?: Omit<ListInfo, 'name'>, ...lines: readonly Buffer[]): Promise<[BlockLists, MapBook]> {
  const book = new MapBook();
  const loaded = await BlockLists.load(book);
  const parser = new ListParser({ untyped: 'pdq' });
  for (const line of lines) parser.push(Buffer.from(`${line.toString('hex')}\n`));
  if (info !== undefined) await loaded.add({ name: 'list', ...info }, parser.end());
  return [loaded, book];
}

async function reviewer(info?: Omit<ListInfo, 'name'>, ...lines: readonly Buffer[]): Promise<Reviewer> {
  const [loaded] = await lists(info, ...lines);
  return createReviewer({ lists: loaded, classifier: NO_MODEL, radius: RADIUS });
}

const PLANE = discs(400, 300, 6);
const HASH = pdqHash(PLANE)!.hash;

test.test(
  'a picture banned from one file is refused when another file shows it smaller, through the decoder',
  async (t) => {
    const decoder = startDecoder({ children: 1, warm: 1 });
    t.teardown(() => decoder.close());
    const rgb = await picture(5);
    const lumaOf = async (file: Buffer, type: 'image/jpeg' | 'image/webp'): Promise<LumaPlane> =>
      (await decoder.decode(bufferSource(file), type, { luma: true })).luma!;
    const [loaded] = await lists();
    const first = await lumaOf(await asSharp(rgb).jpeg({ quality: 95 }).toBuffer(), 'image/jpeg');
    const door = createReviewer({ lists: loaded, classifier: NO_MODEL, radius: RADIUS });
    t.strictSame(await door.review(input({ lumas: [first] })), { kind: 'clear' });
    await loaded.ban(await bannedContent([first], []));
    const again = await lumaOf(await asSharp(rgb).resize(200).webp({ quality: 40 }).toBuffer(), 'image/webp');
    t.strictSame(await door.review(input({ lumas: [again] })), { kind: 'prohibited', reason: 'banned-here' });
    const other = await lumaOf(
      await asSharp(await picture(6))
        .jpeg()
        .toBuffer(),
      'image/jpeg',
    );
    t.strictSame(await door.review(input({ lumas: [other] })), { kind: 'clear' });
  },
);

test.test('a clear upload leaves nothing in the book', async (t) => {
  const [loaded, book] = await lists({ reason: 'other', action: 'refuse' }, pdqHash(discs(200, 200, 9))!.hash);
  const { writes } = book;
  const door = createReviewer({ lists: loaded, classifier: NO_MODEL, radius: RADIUS });
  const seen = { digests: [{ sha256: sha256('clear') }], lumas: [PLANE] };
  t.strictSame(await door.review(input(seen)), { kind: 'clear' });
  t.equal(book.writes, writes);
  for (const { key, value } of book.entries()) t.notOk(Buffer.concat([key, value]).includes(HASH));
});

test.test('each list leads to what it is for', async (t) => {
  for (const reason of ['child-abuse', 'intimate-image', 'terrorism', 'other'] as const) {
    const refuse = await reviewer({ reason, action: 'refuse' }, HASH);
    t.strictSame(await refuse.review(input({ lumas: [PLANE] })), { kind: 'prohibited', reason });
    const review = await reviewer({ reason, action: 'review' }, HASH);
    const severity = reason === 'child-abuse' ? 3 : 2;
    t.strictSame(await review.review(input({ lumas: [PLANE] })), { kind: 'borderline', reason: 'listed', severity });
  }
});

test.test('one frame of several is enough', async (t) => {
  const door = await reviewer({ reason: 'other', action: 'refuse' }, HASH);
  const frames = [discs(400, 300, 1), discs(400, 300, 2), PLANE, discs(400, 300, 3)];
  t.equal((await door.review(input({ lumas: frames }))).kind, 'prohibited');
  t.equal((await door.review(input({ lumas: frames.filter((frame) => frame !== PLANE) }))).kind, 'clear');
});

test.test('a file is known by its digest, also where there is no picture', async (t) => {
  const digest = sha256('bad file');
  const book = new MapBook();
  const loaded = await BlockLists.load(book);
  await loaded.ban({ looks: [], sha256: [digest] });
  const door = createReviewer({ lists: loaded, classifier: NO_MODEL, radius: RADIUS });
  t.equal((await door.review(input({ digests: [{ sha256: digest }] }))).kind, 'prohibited');
  t.equal((await door.review(input({ digests: [{ sha256: sha256('good') }] }))).kind, 'clear');
});

test.test('a flat picture is never refused by its look alone: a human is asked; one colour says nothing', async (t) => {
  const flat = { ...PLANE, data: PLANE.data.map((value) => 128 + ((value - 128) >> 2)) };
  const { hash, quality } = pdqHash(flat)!;
  t.ok(quality > 0 && quality < 50, `quality ${quality}`);
  const door = await reviewer({ reason: 'other', action: 'refuse' }, hash);
  const verdict = { kind: 'borderline', reason: 'perhaps-listed', severity: 2 };
  t.strictSame(await door.review(input({ lumas: [flat] })), verdict);
  const plain = { ...PLANE, data: new Uint8Array(PLANE.data.length).fill(9) };
  const one = await reviewer({ reason: 'other', action: 'refuse' }, pdqHash(plain)!.hash);
  t.strictSame(await one.review(input({ lumas: [plain] })), { kind: 'clear' });
  t.strictSame((await bannedContent([plain], [])).looks, []);
});

test.test(
  'what the model calls explicit is put before a human, what is on a list is refused all the same',
  async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-model-'));
    const modelFile = path.join(folder, 'model.onnx');
    writeFileSync(modelFile, tinyModel(8));
    writeFileSync(
      `${modelFile}.json`,
      JSON.stringify({ side: 8, labels: ['plain', 'explicit'], explicit: ['explicit'] }),
    );
    const classifier = startClassifier({ modelFile });
    t.teardown(async () => {
      await classifier.close();
      rmSync(folder, { recursive: true });
    });
    const [loaded] = await lists({ reason: 'other', action: 'refuse' }, HASH);
    const door = createReviewer({ lists: loaded, classifier, radius: RADIUS });
    const red = { width: 2, height: 1, data: Uint8Array.of(255, 0, 0, 255, 0, 0) };
    const blue = { width: 2, height: 1, data: Uint8Array.of(0, 0, 255, 0, 0, 255) };
    const explicit = { kind: 'borderline', reason: 'explicit', severity: 1 };
    t.strictSame(await door.review(input({ pictures: [red] })), explicit);
    t.strictSame(await door.review(input({ pictures: [blue] })), { kind: 'clear' });
    t.strictSame(await door.review(input({ lumas: [PLANE], pictures: [red] })), {
      kind: 'prohibited',
      reason: 'other',
    });
  },
);

test.test(
  'an upload that a failing model did not see is clear, and counted; without a model there is nothing to count',
  async (t) => {
    const failing = startClassifier({ modelFile: '/nonexistent/model.onnx' });
    t.teardown(() => failing.close());
    const [loaded] = await lists();
    for (const [classifier, expected] of [
      [failing, 2],
      [NO_MODEL, 0],
    ] as const) {
      let unchecked = 0;
      const door = createReviewer({ lists: loaded, classifier, radius: RADIUS, onUnchecked: () => unchecked++ });
      const red = { width: 1, height: 1, data: Uint8Array.of(255, 0, 0) };
      t.strictSame(await door.review(input({ pictures: [red] })), { kind: 'clear' });
      t.strictSame(await door.review(input({ pictures: [red] })), { kind: 'clear' });
      t.strictSame(await door.review(input({ lumas: [PLANE] })), { kind: 'clear' });
      t.equal(unchecked, expected);
    }
    t.match(failing.status, { kind: 'failing', fault: 'card-unreadable' });
  },
);

test.test('of a video only frames with something to see are banned, each as it is', async (t) => {
  const dark = { ...PLANE, data: new Uint8Array(PLANE.data.length) };
  const { looks } = await bannedContent([dark, PLANE, discs(400, 300, 7)], []);
  t.equal(looks.length, 2);
  t.ok(looks.every(({ crops }) => crops.length === 0));
  t.same(looks[0]?.original, HASH);
});

test.test('crops are inside the picture, different from each other, and take at most 8 % of a side', (t) => {
  const plane = discs(100, 50, 3);
  const sizes = [...lightCrops(plane)].map(({ width, height, data }) => {
    t.equal(data.length, width * height);
    t.ok(width >= 92 && width <= 100 && height >= 46 && height <= 50, `${width}x${height}`);
    return Buffer.from(data).toString('hex');
  });
  t.equal(sizes.length, LIGHT_CROPS);
  t.equal(new Set(sizes).size, LIGHT_CROPS);
  for (const [width, height] of [
    [1, 1],
    [5, 5],
    [6, 200],
  ] as const) {
    t.equal([...lightCrops(discs(width, height, 1))].length, LIGHT_CROPS);
  }
  t.end();
});

test.test('plain borders are left aside, up to a quarter of a side, and only plain ones', (t) => {
  const next = generator(11);
  const busy = { ...PLANE, data: PLANE.data.map((value) => (value >> 1) + (next() & 127)) };
  const framed = (top: number, left: number, shade: (at: number) => number): LumaPlane => {
    const width = busy.width + left;
    const data = new Uint8Array(width * (busy.height + top)).map((_, at) => shade(at));
    for (let row = 0; row < busy.height; row++) {
      data.set(busy.data.subarray(row * busy.width, (row + 1) * busy.width), (top + row) * width + left);
    }
    return { width, height: busy.height + top, data };
  };
  t.equal(withoutBorders(busy), null);
  const inner = withoutBorders(framed(30, 20, () => 0))!;
  t.strictSame([inner.width, inner.height], [busy.width, busy.height]);
  t.same(Buffer.from(inner.data), Buffer.from(busy.data));
  t.equal(withoutBorders(framed(30, 0, (at) => 100 + (at % 16)))?.height, busy.height, 'a little noise');
  t.equal(withoutBorders(framed(30, 0, (at) => (at % 2) * 40)), null, 'stripes are no border');
  t.equal(withoutBorders(framed(300, 0, () => 0))?.height, 450, 'at most a quarter');
  t.end();
});
