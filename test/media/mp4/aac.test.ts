import test from 'tap';
import { BitWriter } from '../../../src/media/mp4/bits.js';
import { cleanAudioConfig, cleanEsds } from '../../../src/media/mp4/audio-config.js';
import { aacEntry, descriptor, fakeAudio, fakeVideo, full, makeMp4, SECRET, text, u16, u32 } from './make.js';
import { find, samplesOf, scrubbed } from './read.js';

const secret = text(SECRET);

function bytesInto(bits: BitWriter, bytes: Buffer): BitWriter {
  for (const byte of bytes) bits.bits(byte, 8);
  return bits;
}

/** A fill element of an extension type around `payload`. */
function fill(bits: BitWriter, type: number, payload: Buffer): BitWriter {
  const count = payload.length + 1;
  bits.bits(6, 3);
  if (count < 15) bits.bits(count, 4);
  else bits.bits(15, 4).bits(count - 14, 8);
  bits.bits(type, 4);
  return bytesInto(bits, payload).bits(0, 4);
}

function dataStream(bits: BitWriter, payload: Buffer, aligned: boolean): BitWriter {
  bits
    .bits(4, 3)
    .bits(0, 4)
    .bits(aligned ? 1 : 0, 1);
  if (payload.length < 255) bits.bits(payload.length, 8);
  else bits.bits(255, 8).bits(payload.length - 255, 8);
  return bytesInto(aligned ? bits.align() : bits, payload);
}

/** Sound: a channel pair and bits that must not change. */
function sound(bits: BitWriter): Buffer {
  return bits.bits(1, 3).bits(0x5a5a5a5a, 32).bits(0x77, 7).take();
}

async function afterwards(frame: Buffer): Promise<{ frame: Buffer; notes: number }> {
  const audio = { ...fakeAudio(3), samples: [frame, ...fakeAudio(3).samples] };
  const { bytes, removed } = await scrubbed(makeMp4([fakeVideo(4), audio]));
  return { frame: samplesOf(bytes, 1)[0]!, notes: removed.get('encoder-note') ?? 0 };
}

const NOTES: Readonly<Record<string, (bits: BitWriter, note: Buffer) => BitWriter>> = {
  'a fill element': (bits, note) => fill(bits, 0, note),
  'a long fill element': (bits, note) => fill(bits, 0, Buffer.concat([note, Buffer.alloc(200), note])),
  'filler data': (bits, note) => fill(bits, 1, note),
  'ancillary data': (bits, note) => fill(bits, 2, note),
  'a data stream element': (bits, note) => dataStream(bits, note, false),
  'an aligned data stream element': (bits, note) => dataStream(bits, note, true),
  'a long data stream element': (bits, note) => dataStream(bits, Buffer.concat([note, Buffer.alloc(240)]), true),
  'two in a row': (bits, note) => dataStream(fill(bits, 0, note), note, true),
};

for (const [name, write] of Object.entries(NOTES)) {
  test.test(`${name} before the sound comes out as zeros, the sound as it was`, async (t) => {
    const dirty = sound(write(new BitWriter(), secret));
    const after = await afterwards(dirty);
    t.equal(after.frame.length, dirty.length);
    t.equal(after.notes, 1);
    t.equal(bitsOf(after.frame).slice(-42), bitsOf(dirty).slice(-42), 'the sound');
    t.equal(longestNote(after.frame, dirty), 0, 'nothing of the note at any shift');
    t.equal((await afterwards(after.frame)).notes, 0, 'twice is the same');
  });
}

function bitsOf(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

/** 1 if any eight characters of the secret stand in `bytes` at any bit. */
function longestNote(bytes: Buffer, dirty: Buffer): number {
  const has = (where: Buffer): boolean => bitsOf(where).includes(bitsOf(secret.subarray(4, 12)));
  if (!has(dirty)) throw new Error('nothing was planted');
  return has(bytes) ? 1 : 0;
}

test.test('dynamic range and SBR are heard, and stay', async (t) => {
  for (const type of [0b1011, 0b1100, 0b1101, 0b1110]) {
    const frame = sound(fill(new BitWriter(), type, Buffer.from([0x12, 0x34, 0x56])));
    t.strictSame(await afterwards(frame), { frame, notes: 0 });
  }
});

test.test('frames that end inside a note are zeroed as far as they go', async (t) => {
  const whole = fill(new BitWriter(), 0, Buffer.alloc(200, 0x5a)).take();
  const { frame } = await afterwards(whole.subarray(0, 60));
  t.strictSame(frame.subarray(2), Buffer.alloc(58));
});

/** A program config element: one pair in front, two behind, as 5.0 is written. */
function programConfig(bits: BitWriter, comment: Buffer): BitWriter {
  bits.bits(0, 4).bits(1, 2).bits(4, 4).bits(2, 4).bits(0, 4).bits(1, 4).bits(1, 2).bits(0, 3).bits(0, 4);
  bits.bits(0, 1).bits(0, 1).bits(0, 1).bits(0, 5).bits(0b10000, 5).bits(0b10001, 5).bits(0, 4).align();
  return bytesInto(bits.bits(comment.length, 8), comment);
}

test.test('the comment of a program config element goes, in the configuration and in frames', async (t) => {
  const config = (comment: Buffer): Buffer => {
    const bits = new BitWriter().bits(2, 5).bits(4, 4).bits(0, 4).bits(0, 3);
    return programConfig(bits, comment).take();
  };
  t.strictSame(cleanAudioConfig(config(secret)), { config: config(Buffer.alloc(0)), comments: 1 });
  t.strictSame(cleanAudioConfig(config(Buffer.alloc(0))), { config: config(Buffer.alloc(0)), comments: 0 });
  const dirty = sound(programConfig(new BitWriter().bits(5, 3), secret));
  const { frame } = await afterwards(dirty);
  t.strictSame(frame, sound(programConfig(new BitWriter().bits(5, 3), Buffer.alloc(secret.length))));
});

const CONFIGS: Readonly<Record<string, readonly number[]>> = {
  'LC, 44.1 kHz, stereo': [0x12, 0x10],
  'LC with a sync extension that says no SBR': [0x12, 0x10, 0x56, 0xe5, 0x00],
  'HE-AAC behind the core': [0x13, 0x10, 0x56, 0xe5, 0x9d, 0x48, 0x80],
  'HE-AAC told first': [0x2b, 0x11, 0x88, 0x00],
  'a rate of its own': [0x17, 0x80, 0x56, 0x22, 0x10],
};

for (const [name, bytes] of Object.entries(CONFIGS)) {
  test.test(`a configuration comes out as it was, without what follows it: ${name}`, (t) => {
    const config = Buffer.from(bytes);
    t.strictSame(cleanAudioConfig(config).config, config);
    t.strictSame(cleanAudioConfig(Buffer.concat([config, secret])).config, config);
    t.end();
  });
}

test.test('a stream descriptor loses its address, its clock and its strangers', (t) => {
  const config = descriptor(5, Buffer.from([0x12, 0x10]));
  const decoder = descriptor(4, Buffer.from([0x40, 0x15, 0, 1, 2]), u32(3, 4), config, descriptor(0x14, secret));
  const flags = Buffer.concat([u16(7), Buffer.from([0xe0]), u16(1), Buffer.from([secret.length]), secret, u16(2)]);
  const body = Buffer.concat([
    u32(0),
    descriptor(3, flags, decoder, descriptor(6, Buffer.from([2])), descriptor(0x41, secret)),
  ]);
  const { esds } = cleanEsds(body);
  const plain = full(
    'esds',
    0,
    0,
    Buffer.from([3, 25, 0, 0, 0, 4, 17, 0x40, 0x15, 0, 1, 2]),
    u32(3, 4),
    Buffer.from([5, 2, 0x12, 0x10, 6, 1, 2]),
  );
  t.strictSame(Buffer.concat(esds), plain);
  t.end();
});

test.test('a sound entry keeps its numbers only', async (t) => {
  const entry = aacEntry(Buffer.from([0x12, 0x10]), 2, 44100);
  entry.write('SeCr', 20, 'latin1');
  const { bytes, removed } = await scrubbed(makeMp4([fakeVideo(4), { ...fakeAudio(3), entry }]));
  t.notOk(find(bytes, 'moov').includes('SeCr'));
  t.equal(removed.get('software'), 1);
});
