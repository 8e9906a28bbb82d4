/** The files that are sent: made here, the same each time, full of metadata, kept in the cache because they take seconds. */
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { toolPath } from '../src/media/decoder/confine.js';
import { box, fakeAudio, fakeVideo, makeMp4, nal, noise, sei, text } from '../test/media/mp4/make.js';

function cached(cache: string, name: string, make: () => Promise<Buffer>): Promise<Buffer> {
  const file = path.join(cache, name);
  if (existsSync(file)) return Promise.resolve(readFileSync(file));
  mkdirSync(cache, { recursive: true });
  return make().then((bytes) => {
    writeFileSync(file, bytes);
    return bytes;
  });
}

const FRAMES_A_SECOND = 30;
const SOUND_FRAMES_A_SECOND = 43;
const KEY_EVERY = 30;
/** Bytes a second of a film in 1080p as phones write it. */
const PHONE_RATE = 2.15e6;
/** ffmpeg stops once so much is written, and then writes the index. */
const OVERSHOOT = 500_000;

/**
 * A film as phones write them, of at most `bytes` and hardly less: H.264 in 1080p with AAC, index last, an encoder's note, a
 * title and a place in it. Without ffmpeg one of which no picture can be drawn; a scrubber does not draw.
 */
export function video(cache: string, bytes: number): Promise<Buffer> {
  const ffmpeg = toolPath('ffmpeg');
  if (ffmpeg === null) return cached(cache, `plain-video-${bytes}.mp4`, () => Promise.resolve(makeVideo(bytes)));
  return cached(cache, `video-${bytes}.mp4`, () => filmed(ffmpeg, cache, bytes));
}

async function filmed(ffmpeg: string, cache: string, bytes: number): Promise<Buffer> {
  const file = path.join(cache, 'film-under-way.mp4');
  const seconds = String(Math.ceil((1.5 * bytes) / PHONE_RATE) + 1);
  const picture = 'testsrc2=size=1920x1080:rate=30,noise=alls=24:allf=t';
  const rate = String(8 * PHONE_RATE);
  await promisify(execFile)(ffmpeg, [
    ...['-v', 'error', '-y', '-f', 'lavfi', '-i', picture, '-f', 'lavfi', '-i', 'sine=frequency=440', '-t', seconds],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', String(KEY_EVERY)],
    ...['-b:v', rate, '-maxrate', rate, '-bufsize', rate, '-c:a', 'aac', '-b:a', '96k'],
    ...['-metadata', 'title=A Title', '-metadata', 'location=+48.8584+002.2945/'],
    ...['-fs', String(bytes - OVERSHOOT), file],
  ]);
  const film = readFileSync(file);
  rmSync(file);
  if (film.length > bytes) throw new Error(`a film of ${film.length} bytes, ${bytes} at most were wanted`);
  return film;
}

function makeVideo(bytes: number): Buffer {
  const seconds = Math.max(1, Math.round(bytes / (FRAMES_A_SECOND * 24_000 + SOUND_FRAMES_A_SECOND * 80)));
  const frames = seconds * FRAMES_A_SECOND;
  const frameBytes = Math.round(bytes / frames) - 140;
  const material = noise(frameBytes * 6, 1);
  const track = fakeVideo(frames, 4, (index) => {
    const key = index % KEY_EVERY === 0;
    // Key frames are some five times as large as the others; the mean stays what it was.
    const length = Math.round(key ? frameBytes * 5 : (frameBytes * (KEY_EVERY - 5)) / (KEY_EVERY - 1));
    const slice = nal(key ? 5 : 1, material.subarray(index % frameBytes, (index % frameBytes) + length));
    return key ? [sei(5, noise(120, index)), slice] : [slice];
  });
  const udta = box('udta', box('\xa9xyz', text('\0\x12\x15\xc7+48.8584+002.2945/')));
  return makeMp4([track, fakeAudio(seconds * SOUND_FRAMES_A_SECOND)], {
    index: 'last',
    dirty: true,
    inMovie: [udta],
  });
}

/** A photo of 12 megapixels and about 5 MB, with EXIF and a place in it. */
export function photo(cache: string): Promise<Buffer> {
  return cached(cache, 'photo.jpg', async () => {
    const width = 4000;
    const height = 3000;
    const pixels = Buffer.from(noise(width * height * 3, 7));
    const soft = await sharp(pixels, { raw: { width, height, channels: 3 } })
      .blur(0.9)
      .raw()
      .toBuffer();
    return sharp(soft, { raw: { width, height, channels: 3 } })
      .withExif({
        IFD0: { Make: 'Maker', Model: 'Model', Artist: 'A Person' },
        IFD3: {
          GPSLatitudeRef: 'N',
          GPSLatitude: '48/1 51/1 30/1',
          GPSLongitudeRef: 'E',
          GPSLongitude: '2/1 17/1 40/1',
        },
      })
      .jpeg({ quality: 86 })
      .toBuffer();
  });
}
