/** How much of a film is read: where samples are large, their beginnings; where they are small, all of it, once. */
import test from 'tap';
import { bufferSource, type ByteSource } from '../../../src/base/source.js';
import { scrub } from '../../../src/media/scrubber.js';
import { fakeAudio, fakeVideo, makeMp4, nal, noise, sei } from './make.js';

/** A film of `frames` frames of `length` bytes, in each of which a note stands between two slices. */
function film(frames: number, length: number): Buffer {
  const slice = noise(length, 3);
  const track = fakeVideo(frames, 4, (index) => [
    nal(index === 0 ? 5 : 1, slice.subarray(0, (length * 3) / 4)),
    sei(5, noise(120, index)),
    nal(1, slice.subarray((length * 3) / 4)),
  ]);
  return makeMp4([track, fakeAudio(1.5 * frames)], { index: 'last', dirty: true });
}

async function readBy(bytes: Buffer): Promise<{ readonly read: number; readonly notes: number }> {
  const whole = bufferSource(bytes);
  let read = 0;
  const source: ByteSource = {
    size: whole.size,
    read: (offset, length) => {
      read += length;
      return whole.read(offset, length);
    },
  };
  const { removed } = await scrub(source, 'video/mp4');
  return { read, notes: removed.get('encoder-note') ?? 0 };
}

test.test('of large samples little is read, and every note is found', async (t) => {
  const bytes = film(60, 120_000);
  const { read, notes } = await readBy(bytes);
  t.ok(notes >= 60, `${notes} notes`);
  t.ok(read < bytes.length / 4, `${read} of ${bytes.length}`);
});

test.test('small samples are read in large pieces, and once', async (t) => {
  const bytes = film(600, 8_000);
  const { read, notes } = await readBy(bytes);
  t.ok(notes >= 600, `${notes} notes`);
  t.ok(read < bytes.length * 1.5, `${read} of ${bytes.length}`);
});
