import test from 'tap';
import { BitWriter } from '../../../src/media/mp4/bits.js';
import { cleanSei } from '../../../src/media/mp4/sei.js';
import { timingOf, withEmulation, withoutEmulation } from '../../../src/media/mp4/sps.js';
import { fakeSlices, fakeVideo, makeMp4, nal, noise, SECRET, sei, text } from './make.js';
import { nalsOf, samplesOf, scrubbed } from './read.js';

const secret = text(SECRET);
const STOP = Buffer.from([0x80]);

/** A message inside an SEI NAL unit. */
function message(type: number, payload: Buffer): Buffer {
  const number = (value: number): Buffer =>
    Buffer.from([...Array<number>(Math.floor(value / 255)).fill(255), value % 255]);
  return Buffer.concat([number(type), number(payload.length), payload]);
}

function unit(...messages: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from([6]), withEmulation(Buffer.concat([...messages, STOP]))]);
}

const recovery = message(6, Buffer.from([0x84]));

test.test('of several messages those that playing needs stay', (t) => {
  const dirty = unit(
    message(5, Buffer.concat([Buffer.alloc(16), secret])),
    recovery,
    message(4, secret),
    message(300, secret),
  );
  const clean = cleanSei(dirty, null);
  t.strictSame(clean.nal, unit(recovery));
  t.equal(clean.removed, 3);
  t.end();
});

test.test('a message of nothing but notes leaves nothing', (t) => {
  for (const type of [2, 3, 4, 5, 7, 19, 128, 200, 255, 1000]) {
    t.equal(cleanSei(unit(message(type, secret)), null).nal.length, 0, `type ${type}`);
  }
  t.end();
});

test.test('a kept type is no hiding place: longer than it can be, it goes', (t) => {
  const largest: readonly (readonly [number, number])[] = [
    [0, 32],
    [6, 8],
    [45, 16],
    [47, 8],
    [137, 24],
    [144, 4],
    [147, 1],
  ];
  for (const [type, size] of largest) {
    const honest = unit(message(type, noise(size, type)));
    t.strictSame(cleanSei(honest, null).nal, honest, `type ${type} of ${size} bytes`);
    t.equal(cleanSei(unit(message(type, noise(size + 1, type))), null).nal.length, 0, `type ${type}, one more`);
  }
  t.end();
});

test.test('what follows the last whole message goes', (t) => {
  const broken = Buffer.concat([Buffer.from([6]), recovery, Buffer.from([5, 200]), secret, STOP]);
  t.strictSame(cleanSei(broken, null), { nal: unit(recovery), removed: 1 });
  const endless = Buffer.concat([Buffer.from([6]), Buffer.alloc(5000, 0xff)]);
  t.equal(cleanSei(endless, null).nal.length, 0);
  t.equal(cleanSei(Buffer.from([6]), null).nal.length, 0);
  t.end();
});

test.test('emulation prevention is taken off and put on again', (t) => {
  for (const bytes of [[], [0, 0], [0, 0, 0, 0, 1], [0, 0, 3], [1, 0, 0, 2, 0, 0, 3, 0], [0, 0, 4, 0, 0]]) {
    const plain = Buffer.from(bytes);
    t.strictSame(withoutEmulation(withEmulation(plain)), plain, bytes.join(' '));
    t.notOk(withEmulation(plain).includes(Buffer.from([0, 0, 0])));
  }
  t.end();
});

/** An SPS of the baseline profile whose VUI has `hrd` and a picture structure. */
function spsWithTiming(hrd: boolean): Buffer {
  const bits = new BitWriter().bits(66, 8).bits(0, 8).bits(30, 8);
  const one = (): BitWriter => bits.bits(1, 1);
  one(); // SPS number 0
  one(); // frame numbers of 4 bits
  one(); // picture order of type 0
  one(); // of 4 bits
  bits.bits(0b010, 3).bits(0, 1); // one reference frame, no gaps
  bits.bits(0b00100, 5).bits(0b011, 3); // 4 by 3 macroblocks
  bits.bits(1, 1).bits(1, 1).bits(0, 1).bits(1, 1); // frames only, direct inference, no cropping, VUI
  bits.bits(0, 1).bits(0, 1).bits(0, 1).bits(0, 1).bits(0, 1); // no ratio, overscan, signal type, chroma place, timing
  bits.bits(hrd ? 1 : 0, 1);
  if (hrd) bits.bits(1, 1).bits(0, 8).bits(0b11, 2).bits(0, 1).bits(0, 5).bits(23, 5).bits(23, 5).bits(0, 5);
  bits.bits(0, 1);
  if (hrd) bits.bits(0, 1);
  bits.bits(1, 1).bits(0, 1).bits(1, 1);
  return Buffer.concat([Buffer.from([0x67]), withEmulation(bits.align().take())]);
}

/** A picture timing message: two delays, structure 0, one clock time. */
function timing(hrd: boolean, clock: 'none' | 'full' | 'partial'): Buffer {
  const bits = new BitWriter();
  if (hrd) bits.bits(1234567, 24).bits(7654321, 24);
  bits.bits(0, 4).bits(clock === 'none' ? 0 : 1, 1);
  if (clock !== 'none') bits.bits(1, 2).bits(1, 1).bits(0, 5);
  if (clock === 'full') bits.bits(1, 1).bits(0, 2).bits(7, 8).bits(42, 6).bits(17, 6).bits(9, 5);
  if (clock === 'partial')
    bits.bits(0, 1).bits(0, 2).bits(7, 8).bits(1, 1).bits(42, 6).bits(1, 1).bits(17, 6).bits(0, 1);
  if (clock !== 'none' && !hrd) bits.bits(0xabcdef, 24);
  if ((bits.position & 7) !== 0) bits.bits(1, 1).align();
  return bits.take();
}

for (const hrd of [true, false]) {
  test.test(`clock times leave picture timing, its structure stays: ${hrd ? 'with' : 'without'} delays`, (t) => {
    const known = timingOf(spsWithTiming(hrd));
    t.strictSame(known, { delayBits: hrd ? 48 : 0, offsetBits: hrd ? 0 : 24, hasPictureStructure: true });
    const still = unit(message(1, timing(hrd, 'none')));
    t.strictSame(cleanSei(still, known), { nal: still, removed: 0 });
    for (const clock of ['full', 'partial'] as const) {
      t.strictSame(cleanSei(unit(message(1, timing(hrd, clock))), known), { nal: still, removed: 1 }, clock);
    }
    t.end();
  });
}

test.test('picture timing that is not laid out as its SPS says goes', (t) => {
  const known = timingOf(spsWithTiming(false));
  t.equal(cleanSei(unit(message(1, Buffer.concat([timing(false, 'none'), secret]))), known).nal.length, 0);
  t.equal(cleanSei(unit(message(1, Buffer.alloc(0))), known).nal.length, 0);
  t.equal(cleanSei(unit(message(1, Buffer.from([0xf0]))), known).nal.length, 0, 'an unknown structure');
  t.equal(cleanSei(unit(message(1, timing(false, 'none'))), null).nal.length, 0, 'no SPS to go by');
  t.end();
});

test.test('only NAL units that draw the picture are kept', async (t) => {
  const filler = nal(12, Buffer.concat([Buffer.alloc(70, 0xff), STOP]));
  const strange = [0, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 28, 30, 31].map((type) => nal(type, secret));
  const note = nal(12, Buffer.concat([Buffer.alloc(9, 0xff), secret, STOP]));
  const video = fakeVideo(3, 4, (index) => [filler, ...strange, note, Buffer.alloc(0), ...fakeSlices(index)]);
  const { bytes, removed } = await scrubbed(makeMp4([video]));
  t.strictSame(
    samplesOf(bytes).map((sample) => nalsOf(sample)),
    [0, 1, 2].map((index) => [filler, ...fakeSlices(index)]),
  );
  t.equal(removed.get('encoder-note'), 3 * (strange.length + 1));
});

test.test('messages that cross the window are seen whole, and large ones go', async (t) => {
  const long = sei(5, Buffer.alloc(200, 3));
  const huge = Buffer.concat([
    Buffer.from([6, 5]),
    Buffer.alloc(1000, 0xff),
    Buffer.from([0]),
    secret,
    Buffer.alloc(300_000, 7),
  ]);
  const big = (index: number): Buffer => nal(1, noise(130_000, index));
  const video = fakeVideo(12, 4, (index) => [
    big(index),
    long,
    unit(recovery, message(5, secret)),
    huge,
    ...fakeSlices(index),
  ]);
  const { bytes } = await scrubbed(makeMp4([video]));
  const expected = Array.from({ length: 12 }, (_, index) => [big(index), unit(recovery), ...fakeSlices(index)]);
  t.ok(
    samplesOf(bytes).every((sample, index) => Buffer.concat(nalsOf(sample)).equals(Buffer.concat(expected[index]!))),
  );
  t.notOk(bytes.includes(secret));
});
