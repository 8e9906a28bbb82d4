/**
 * Mutated files through real children, and mutated answers of a child through the parent. Whatever comes: a picture or a
 * refusal, in bounded time, and no process left. CHATPIC_FUZZ_ROUNDS sets the files per type (default 4).
 */
import test from 'tap';
import { Refusal } from '../../../../src/base/errors.js';
import { bufferSource } from '../../../../src/base/source.js';
import type { PictureType } from '../../../../src/media/media-type.js';
import { Answer } from '../../../../src/media/decoder/answer.js';
import { startDecoder } from '../../../../src/media/decoder/decoder.js';
import type { WireRequest } from '../../../../src/media/decoder/wire.js';
import {
  encodeFacts,
  encodeHeader,
  encodeLuma,
  encodeReason,
  FrameReader,
  KIND,
} from '../../../../src/media/decoder/wire.js';
import { animation, encoded, noise, TYPES } from '../made.js';
import { childrenOf } from '../processes.js';

// Each picture is a process: on a busy machine that adds up to more than tap waits for a file by itself.
test.setTimeout(240_000);

const ROUNDS = Number(process.env['CHATPIC_FUZZ_ROUNDS'] ?? 4);
const MARKS = [0x00, 0x01, 0x7f, 0x80, 0xff];

/** A small generator of its own, so that a failure can be had again by its seed. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Flips, marks, cuts, repeats and moves, more often in the header than behind it. */
function mutated(bytes: Buffer, random: (below: number) => number): Buffer {
  let out = Buffer.from(bytes);
  for (let change = random(6) + 1; change > 0; change--) {
    const at = random(random(2) === 0 ? Math.min(64, out.length) : out.length);
    const length = Math.min(random(40) + 1, out.length - at);
    const kind = random(6);
    if (kind === 0) out[at] = (out[at] ?? 0) ^ (1 << random(8));
    else if (kind === 1) out[at] = MARKS[random(MARKS.length)] ?? 0;
    else if (kind === 2) out = Buffer.concat([out.subarray(0, at), out.subarray(at + length)]);
    else if (kind === 3) out = Buffer.concat([out.subarray(0, at + length), out.subarray(at)]);
    else if (kind === 4) out.fill(random(256), at, at + length);
    else out.copy(out, random(out.length), at, at + length);
  }
  return random(8) === 0 ? out.subarray(0, random(out.length)) : out;
}

test.test('mutated files end in a picture or a refusal', { timeout: 240_000 }, async (t) => {
  const decoder = startDecoder({ children: 2, warm: 2 });
  const seeds: [PictureType, Buffer][] = [
    ...(await Promise.all(
      TYPES.map(async (type): Promise<[PictureType, Buffer]> => [type, await encoded(noise(90, 70), type)]),
    )),
    ['image/gif', await animation('gif', 8, 40, 30, (frame) => 30 * frame)],
    ['image/webp', await animation('webp', 8, 40, 30, (frame) => 30 * frame)],
  ];
  let refused = 0;
  const one = async ([type, bytes]: [PictureType, Buffer], seed: number): Promise<void> => {
    const source = bufferSource(mutated(bytes, generator(seed)));
    const request = { preview: { longSide: 64 }, luma: true, reencode: { type } };
    try {
      const { facts, luma } = await decoder.decode(source, type, request);
      if (facts.frames < 1 || luma === null) t.fail(`seed ${seed} of ${type}: an empty answer`);
    } catch (error) {
      if (!(error instanceof Refusal) || error.code !== 'unreadable')
        t.fail(`seed ${seed} of ${type}: ${String(error)}`);
      refused++;
    }
  };
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(seeds.map((seed, index) => one(seed, round * seeds.length + index)));
  }
  t.ok(decoder.healthy);
  t.ok(refused > 0 && refused < ROUNDS * seeds.length, `${refused} of ${ROUNDS * seeds.length} refused`);
  await decoder.close();
  if (process.platform === 'linux') t.equal(childrenOf().length, 0);
});

test.test('mutated answers of a child end in an answer, a refusal or a broken format', (t) => {
  const asked: WireRequest = {
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
    outputLimit: 100,
    size: 1,
  };
  const luma = encodeLuma({ width: 3, height: 2, data: Buffer.from('abcdef') });
  const frames: [number, Buffer][] = [
    [KIND.facts, encodeFacts({ width: 2, height: 1, frames: 1, hasAlpha: false })],
    [KIND.luma, luma],
    [KIND.frameLuma, luma],
    [KIND.preview, Buffer.from('RIFF\x05\0\0\0WEBP!', 'latin1')],
    [KIND.reencoded, Buffer.from('12345')],
    [KIND.done, Buffer.alloc(0)],
  ];
  const streams = [frames, [frames[0]!, [KIND.refused, encodeReason('memory')] as [number, Buffer]]].map((sent) =>
    Buffer.concat(sent.flatMap(([kind, body]) => [encodeHeader(kind, body.length), body])),
  );
  const ends = { answer: 0, waits: 0, WireError: 0, Refusal: 0 };
  for (let seed = 0; seed < 20_000; seed++) {
    const answer = new Answer(asked);
    let end: keyof typeof ends = 'waits';
    const reader = new FrameReader((kind, body) => {
      if (answer.take(kind, body) !== null) end = 'answer';
    });
    try {
      reader.push(mutated(streams[seed % streams.length]!, generator(seed)));
    } catch (error) {
      const { name } = error as Error;
      if (name !== 'WireError' && name !== 'Refusal') t.fail(`seed ${seed}: ${String(error)}`);
      end = name as keyof typeof ends;
    }
    ends[end]++;
  }
  t.ok(
    Object.values(ends).every((count) => count > 0),
    JSON.stringify(ends),
  );
  t.end();
});
