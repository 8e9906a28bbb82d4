import test from 'tap';
import { chooseFrames, lumaOf } from '../../../src/media/decoder/luma.js';

test.test('luma is BT.601 on white', (t) => {
  const table: [number[], number, number][] = [
    [[255, 0, 0], 3, 76],
    [[0, 255, 0], 3, 150],
    [[0, 0, 255], 3, 29],
    [[255, 255, 255], 3, 255],
    [[0, 0, 0, 0], 4, 255],
    [[0, 0, 0, 255], 4, 0],
    [[0, 0, 0, 128], 4, 127],
    [[77], 1, 77],
    [[0, 0], 2, 255],
  ];
  for (const [data, channels, luma] of table) {
    t.equal(lumaOf({ width: 1, height: 1, channels, data: Buffer.from(data) }).data[0], luma, data.join());
  }
  t.end();
});

const grey = (value: number) => ({ width: 16, height: 16, data: Buffer.alloc(256, value) });

test.test('the frames chosen are the first and those that differ most', (t) => {
  const frames = Array.from({ length: 500 }, (_, index) => grey(index === 333 ? 250 : index === 77 ? 130 : 10));
  t.strictSame(chooseFrames(frames, 16), [0, 77, 333], 'frames like one chosen already add nothing');
  t.strictSame(chooseFrames(frames, 2), [0, 333]);
  t.strictSame(chooseFrames(frames, 1), [0]);
  t.strictSame(chooseFrames(frames, 0), []);
  t.strictSame(chooseFrames([], 4), []);
  t.end();
});
