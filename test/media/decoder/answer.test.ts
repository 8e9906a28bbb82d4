import test from 'tap';
import { Answer } from '../../../src/media/decoder/answer.js';
import type { WireRequest } from '../../../src/media/decoder/wire.js';
import { encodeColour, encodeFacts, encodeLuma, encodeReason, KIND } from '../../../src/media/decoder/wire.js';

const ASKED: WireRequest = {
  type: 'image/png',
  previewSide: 64,
  luma: true,
  colour: false,
  sampleFrames: 2,
  reencodeType: 'image/png',
  reencodePixels: 0,
  pixelLimit: 100,
  frameLimit: 10,
  animatedPixelLimit: 1000,
  outputLimit: 10,
  size: 1,
};
const COLOURED: WireRequest = { ...ASKED, colour: true };
const BARE: WireRequest = { ...ASKED, previewSide: 0, luma: false, sampleFrames: 0, reencodeType: null };

const facts: [number, Buffer] = [KIND.facts, encodeFacts({ width: 2, height: 1, frames: 1, hasAlpha: false })];
const luma: [number, Buffer] = [KIND.luma, encodeLuma({ width: 2, height: 1, data: Buffer.from([1, 2]) })];
const frame: [number, Buffer] = [KIND.frameLuma, luma[1]];
const colour: [number, Buffer] = [KIND.colour, encodeColour({ width: 1, height: 1, data: Buffer.from('rgb') })];
const preview: [number, Buffer] = [KIND.preview, Buffer.from('RIFF\x05\0\0\0WEBP!', 'latin1')];
const piece: [number, Buffer] = [KIND.reencoded, Buffer.from('12345')];
const done: [number, Buffer] = [KIND.done, Buffer.alloc(0)];

function taken(asked: WireRequest, frames: [number, Buffer][]): unknown {
  const answer = new Answer(asked);
  return frames.map(([kind, body]) => answer.take(kind, Buffer.from(body))).at(-1);
}

test.test('a child that answers what was asked is believed', (t) => {
  t.match(taken(ASKED, [facts, luma, frame, frame, preview, piece, piece, done]), {
    facts: { width: 2, height: 1 },
    frames: [{ width: 2 }, { width: 2 }],
    reencoded: Buffer.from('1234512345'),
  });
  t.match(taken(COLOURED, [facts, luma, colour, frame, colour, preview, piece, done]), {
    frames: [{ width: 2 }],
    colours: [{ data: Buffer.from('rgb') }, { width: 1 }],
  });
  t.match(taken(BARE, [facts, done]), { preview: null, luma: null, reencoded: null, frames: [] });
  t.end();
});

test.test('a child that answers anything else is not', (t) => {
  const table: [string, WireRequest, [number, Buffer][]][] = [
    ['nothing but done', BARE, [done]],
    ['facts twice', BARE, [facts, facts]],
    ['luma before facts', ASKED, [luma]],
    ['luma not asked for', BARE, [facts, luma]],
    ['luma twice', ASKED, [facts, luma, luma]],
    ['a frame too many', ASKED, [facts, frame, frame, frame]],
    ['colour not asked for', ASKED, [facts, luma, colour]],
    ['colour of nothing', COLOURED, [facts, colour]],
    ['colour twice', COLOURED, [facts, luma, colour, colour]],
    ['a plane without its colour', COLOURED, [facts, luma, preview, piece, done]],
    ['a preview not asked for', BARE, [facts, preview]],
    ['a preview that is no WebP', ASKED, [facts, [KIND.preview, Buffer.from('GIF89a, or something')]]],
    ['a preview with bytes behind it', ASKED, [facts, [KIND.preview, Buffer.concat([preview[1], piece[1]])]]],
    ['a result not asked for', BARE, [facts, piece]],
    ['a result over its bound', ASKED, [facts, piece, piece, piece]],
    ['done too early', ASKED, [facts, luma, preview, done]],
    ['ready again', ASKED, [facts, [KIND.ready, Buffer.from([1])]]],
  ];
  for (const [name, asked, frames] of table) t.throws(() => taken(asked, frames), { name: 'WireError' }, name);
  t.end();
});

test.test('a refusal by the child is a refusal of the picture', (t) => {
  t.throws(() => taken(BARE, [facts, [KIND.refused, encodeReason('pixels')]]), {
    name: 'Refusal',
    code: 'unreadable',
    detail: { reason: 'pixels' },
  });
  t.end();
});
