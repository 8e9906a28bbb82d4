import test from 'tap';
import type { WireRequest } from '../../../src/media/decoder/wire.js';
import {
  encodeFacts,
  encodeHeader,
  encodeColour,
  encodeLuma,
  encodeReady,
  encodeReason,
  encodeRequest,
  FrameReader,
  KIND,
  MAX_PREVIEW,
  parseFacts,
  parseColour,
  parseLuma,
  parseReady,
  parseReason,
  parseRequest,
  PIECE_SIZE,
  REASONS,
} from '../../../src/media/decoder/wire.js';

const REQUEST: WireRequest = {
  type: 'image/gif',
  previewSide: 512,
  luma: true,
  colour: false,
  sampleFrames: 16,
  reencodeType: 'image/webp',
  reencodePixels: 12_000_000,
  pixelLimit: 110_000_000,
  frameLimit: 2000,
  animatedPixelLimit: 6e9,
  outputLimit: 2 ** 27,
  size: 2 ** 33,
};

test.test('what is encoded is parsed to the same', (t) => {
  t.strictSame(parseRequest(encodeRequest(REQUEST)), REQUEST);
  const bare: WireRequest = { ...REQUEST, reencodeType: null, luma: false, previewSide: 0 };
  t.strictSame(parseRequest(encodeRequest(bare)), bare);
  const facts = { width: 4000, height: 3000, frames: 7, hasAlpha: true };
  t.strictSame(parseFacts(encodeFacts(facts)), facts);
  const luma = { width: 3, height: 2, data: Buffer.from([1, 2, 3, 4, 5, 6]) };
  t.strictSame(parseLuma(encodeLuma(luma)), luma);
  const colour = { width: 2, height: 1, data: Buffer.from([1, 2, 3, 4, 5, 6]) };
  t.strictSame(parseColour(encodeColour(colour)), colour);
  t.strictSame(parseRequest(encodeRequest({ ...REQUEST, colour: true })), { ...REQUEST, colour: true });
  t.doesNotThrow(() => parseReady(encodeReady()));
  for (const reason of REASONS) t.equal(parseReason(encodeReason(reason)), reason);
  t.end();
});

test.test('what the format does not allow is refused', (t) => {
  t.throws(() => parseLuma(Buffer.from([0, 3, 0, 2, 1, 2, 3, 4, 5])), { name: 'WireError' });
  t.throws(() => parseLuma(Buffer.from([0, 0, 0, 0])), { name: 'WireError' });
  t.throws(() => parseColour(encodeLuma({ width: 2, height: 1, data: Buffer.alloc(2) })), { name: 'WireError' });
  t.throws(() => parseFacts(encodeFacts({ width: 0, height: 1, frames: 1, hasAlpha: false })), { name: 'WireError' });
  t.throws(() => parseReason(Buffer.from([0])), { name: 'WireError' });
  t.throws(() => parseReason(Buffer.from([REASONS.length + 1])), { name: 'WireError' });
  t.throws(() => parseReady(Buffer.from([2])), { name: 'WireError' });
  t.throws(() => parseRequest(Buffer.concat([encodeRequest(REQUEST), Buffer.alloc(1)])), { name: 'WireError' });
  t.end();
});

test.test('frames are cut alike whole, in pieces and byte by byte', (t) => {
  const bodies: [number, Buffer][] = [
    [KIND.ready, encodeReady()],
    [KIND.reencoded, Buffer.alloc(1000, 7)],
    [KIND.done, Buffer.alloc(0)],
    [KIND.refused, encodeReason('pixels')],
  ];
  const stream = Buffer.concat(bodies.flatMap(([kind, body]) => [encodeHeader(kind, body.length), body]));
  for (const size of [1, 2, 4, 5, 6, 100, stream.length]) {
    const got: [number, Buffer][] = [];
    const reader = new FrameReader((kind, body) => got.push([kind, body]));
    for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
    t.strictSame(got, bodies, `in pieces of ${size}`);
  }
  t.end();
});

test.test('no room is made for a frame longer than its kind', (t) => {
  const table: [number, number, boolean][] = [
    [KIND.preview, MAX_PREVIEW, true],
    [KIND.preview, MAX_PREVIEW + 1, false],
    [KIND.reencoded, PIECE_SIZE, true],
    [KIND.reencoded, PIECE_SIZE + 1, false],
    [KIND.luma, 4 + 512 * 512, true],
    [KIND.luma, 5 + 512 * 512, false],
    [KIND.done, 1, false],
    [KIND.refused, 2, false],
    [0x00, 0, false],
    [0xff, 0xffffffff, false],
  ];
  for (const [kind, length, allowed] of table) {
    const push = (): void => new FrameReader(() => undefined).push(encodeHeader(kind, length));
    if (allowed) t.doesNotThrow(push);
    else t.throws(push, { name: 'WireError' }, `kind ${kind}, ${length} bytes`);
  }
  t.end();
});
