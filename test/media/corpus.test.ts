/** What is promised of still pictures, held against every file of the corpus with nothing but Node and libvips. */
import sharp from 'sharp';
import test from 'tap';
import { bufferSource, readAll } from '../../src/base/source.js';
import { proveClean, scrub } from '../../src/media/scrubber.js';
import type { Scrubbing } from '../../src/media/scrub.js';
import { corpus } from './corpus/corpus.js';
import { holdsPlanted, type Sample } from './corpus/plant.js';
import { rendered } from './corpus/rendered.js';

const samples = await corpus();

async function scrubbed(sample: Sample): Promise<{ scrubbing: Scrubbing; bytes: Buffer }> {
  const source = bufferSource(sample.bytes);
  const scrubbing = await scrub(source, sample.type);
  return { scrubbing, bytes: await readAll(await proveClean(scrubbing, source)) };
}

test.test('nothing planted comes out, and what comes out is proved clean', async (t) => {
  const left: string[] = [];
  for (const sample of samples) {
    const { bytes } = await scrubbed(sample);
    if (holdsPlanted(bytes)) left.push(sample.name);
  }
  t.strictSame(left, []);
  t.ok(samples.length > 400, `${samples.length} files`);
  t.ok(samples.filter(({ bytes }) => holdsPlanted(bytes)).length > 350, 'most of them are planted');
});

test.test('pictures render alike: every frame, every delay, colours and the way up', async (t) => {
  const changed: string[] = [];
  for (const sample of samples) {
    const turn = sample.orientation !== 1;
    const { bytes } = await scrubbed(sample);
    if ((await rendered(sample.bytes, turn)) !== (await rendered(bytes, turn))) changed.push(sample.name);
  }
  t.strictSame(changed, []);
});

test.test('width and height are those of the picture as displayed', async (t) => {
  for (const sample of samples.filter(({ orientation }) => orientation > 1)) {
    const { scrubbing } = await scrubbed(sample);
    const { width, height, autoOrient } = await sharp(sample.bytes).metadata();
    t.equal(width > 0 && height > 0, true);
    t.strictSame([scrubbing.width, scrubbing.height], [autoOrient.width, autoOrient.height], sample.name);
  }
});

test.test('what is removed is told by kind', async (t) => {
  const removed = async (name: string): Promise<Record<string, number>> => {
    const sample = samples.find((each) => each.name === name)!;
    return Object.fromEntries((await scrubbed(sample)).scrubbing.removed);
  };
  t.strictSame(await removed('jpeg-420-exif-thumbnail'), {
    author: 3,
    camera: 3,
    comment: 1,
    date: 4,
    description: 1,
    location: 1,
    'maker-note': 1,
    'serial-number': 1,
    software: 1,
    thumbnail: 1,
  });
  t.strictSame(await removed('jpeg-420-motion-photo'), { 'embedded-video': 1 });
  t.strictSame(await removed('jpeg-420-multi-picture'), { 'metadata-block': 1, 'embedded-picture': 1 });
  t.strictSame(await removed('jpeg-420-trailing'), { 'trailing-data': 1 });
  t.strictSame(await removed('png-rgb-texts-before'), {
    author: 2,
    comment: 1,
    date: 1,
    description: 2,
    'edit-history': 1,
    location: 1,
    'metadata-block': 2,
    software: 1,
  });
  t.strictSame(await removed('gif-still-comment'), { comment: 2 });
  t.strictSame(await removed('webp-lossy-in-frames'), {});
  t.strictSame(await removed('webp-animated-in-frames'), {
    ...Object.fromEntries(
      (await scrubbed(samples.find(({ name }) => name === 'webp-animated-in-frames')!)).scrubbing.removed,
    ),
    'unknown-block': 4,
  });
});
