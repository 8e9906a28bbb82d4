import test from 'tap';
import { parseModelCard, type ModelCard } from '../../../src/moderation/classifier/model-card.js';
import { explicitProbability, inputOf } from '../../../src/moderation/classifier/tensor.js';
import {
  encodeFrame,
  encodeModel,
  encodePicture,
  encodeProbability,
  parseFrames,
  parseModel,
  parsePicture,
  parseProbability,
  type Frame,
} from '../../../src/moderation/classifier/wire.js';

const card = (fields: Partial<ModelCard>): ModelCard =>
  parseModelCard(JSON.stringify({ labels: ['a', 'b'], explicit: ['b'], ...fields }))!;

test.test('samples are placed, ordered and scaled as the card says', (t) => {
  const picture = { width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 40, 50, 60) };
  const plain = { side: 2, scale: 1 } as const;
  t.strictSame([...inputOf(picture, card(plain))], [10, 40, 10, 40, 20, 50, 20, 50, 30, 60, 30, 60]);
  t.strictSame(
    [...inputOf(picture, card({ ...plain, layout: 'nhwc' }))],
    [10, 20, 30, 40, 50, 60, 10, 20, 30, 40, 50, 60],
  );
  t.strictSame(
    [...inputOf(picture, card({ side: 1, scale: 1, order: 'bgr' }))],
    [45, 35, 25],
    'mean of what is covered',
  );
  t.strictSame([...inputOf(picture, card({ side: 1, scale: 2, mean: [10, 20, 30], std: [1, 2, 4] }))], [40, 25, 15]);
  t.end();
});

test.test('outputs become one probability, or none where they are not what the card promises', (t) => {
  const two = card({});
  t.equal(explicitProbability([0.25, 0.75], two), 0.75);
  t.equal(explicitProbability([0.25, 1.0005], two), 1);
  for (const outputs of [[], [1], [0, 0, 1], [0, NaN], [0, Infinity], [0, 2], [0, -1]]) {
    t.equal(explicitProbability(outputs, two), null, JSON.stringify(outputs));
  }
  const logits = card({ output: 'logits' });
  t.equal(explicitProbability([3, 3], logits), 0.5);
  t.equal(explicitProbability([-5000, 5000], logits), 1);
  const one = card({ labels: ['b'], output: 'logits' });
  t.equal(explicitProbability([0], one), 0.5);
  const several = card({ labels: ['x', 'y', 'z'], explicit: ['x', 'z'] });
  t.equal(explicitProbability([0.25, 0.25, 0.5], several), 0.75);
  t.end();
});

test.test('a card has every field right or is none', (t) => {
  const good = { labels: ['a', 'b'], explicit: ['b'] };
  t.match(parseModelCard(JSON.stringify(good)), { side: 224, layout: 'nchw', threshold: 0.8 });
  for (const bad of [
    '',
    'null',
    '[]',
    '3',
    '{}',
    ...[
      { side: 0 },
      { side: 1.5 },
      { side: 1025 },
      { side: '224' },
      { layout: 'chw' },
      { order: 'grey' },
      { scale: 0 },
      { mean: [0, 0] },
      { std: [0, 1, 1] },
      { labels: [] },
      { labels: [1, 2] },
      { explicit: ['c'] },
      { explicit: [] },
      { output: 'x' },
      { threshold: 1.1 },
      { treshold: 0.5 },
      { __proto__: { side: 8 }, constructor: 1 },
    ].map((fields) => JSON.stringify({ ...good, ...fields })),
  ]) {
    t.equal(parseModelCard(bad), null, bad);
  }
  t.end();
});

async function framesOf(bytes: Buffer, piece: number): Promise<Frame[]> {
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += piece) yield await Promise.resolve(bytes.subarray(at, at + piece));
  }
  const frames: Frame[] = [];
  for await (const frame of parseFrames(pieces())) frames.push(frame);
  return frames;
}

test.test('frames come out of a stream whole, in pieces and byte by byte', async (t) => {
  const stream = Buffer.concat([encodeFrame(3), encodeFrame(2, Buffer.from('body'), Buffer.from('!')), encodeFrame(9)]);
  const expected = [
    { kind: 3, body: Buffer.alloc(0) },
    { kind: 2, body: Buffer.from('body!') },
    { kind: 9, body: Buffer.alloc(0) },
  ];
  for (const piece of [1, 2, 4, 5, 6, 7, 100]) t.same(await framesOf(stream, piece), expected, `pieces of ${piece}`);
  t.same(await framesOf(stream.subarray(0, -1), 3), expected.slice(0, 2), 'an unfinished frame is none');
  await t.rejects(framesOf(Buffer.from([0, 0, 0, 0, 1]), 5));
  await t.rejects(framesOf(Buffer.from([255, 255, 255, 255, 1]), 5));
});

test.test('what is sent is what is read', (t) => {
  const body = (frame: Buffer): Buffer => frame.subarray(5);
  const picture = { width: 2, height: 1, data: Buffer.from('abcdef') };
  t.same(parsePicture(body(encodePicture(picture))), picture);
  t.equal(parsePicture(body(encodePicture({ ...picture, width: 3 }))), null);
  t.equal(parsePicture(body(encodePicture({ width: 0, height: 1, data: Buffer.alloc(0) }))), null);
  t.same(parseModel(body(encodeModel('{"ä":1}', Buffer.from('model')))), {
    card: '{"ä":1}',
    model: Buffer.from('model'),
  });
  for (const value of [0, 0.1, 1]) t.equal(parseProbability(body(encodeProbability(value))), value);
  for (const value of [-0.1, 1.1, NaN]) t.equal(parseProbability(body(encodeProbability(value))), null);
  t.equal(parseProbability(Buffer.alloc(7)), null);
  t.end();
});
