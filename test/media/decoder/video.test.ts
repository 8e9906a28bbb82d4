/** Videos through ffmpeg: poster, sample frames, and what is refused. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import test from 'tap';
import { bufferSource } from '../../../src/base/source.js';
import { SAMPLE_FRAMES, startDecoder } from '../../../src/media/decoder/decoder.js';
import { NetpbmReader, Spread } from '../../../src/media/decoder/netpbm.js';
import { needs } from '../../needs.js';
import { stalledSource } from './made.js';
import { childrenOf } from './processes.js';

// Each picture is a process: on a busy machine that adds up to more than tap waits for a file by itself.
test.setTimeout(240_000);

const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-test-'));
test.teardown(() => rmSync(folder, { recursive: true }));

/** An MP4 of `seconds`, its index first, a key frame each half second; `extra` are arguments of ffmpeg. */
function made(name: string, input: string, extra: readonly string[] = [], output = 'mp4'): Buffer {
  const file = path.join(folder, `${name}.${output}`);
  const source = ['-nostdin', '-v', 'error', '-y', '-f', 'lavfi', '-i', input];
  const coding = [
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
    '-pix_fmt',
    'yuv420p',
    '-g',
    '5',
    '-movflags',
    '+faststart',
  ];
  const ran = spawnSync('ffmpeg', [...source, ...coding, ...extra, file], { encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(ran.stderr);
  return readFileSync(file);
}

const unreadable = { name: 'Refusal', code: 'unreadable' };

test.test('a video gives a poster and frames', needs('ffmpeg'), async (t) => {
  const decoder = startDecoder({ children: 1, warm: 1 });
  t.teardown(() => decoder.close());
  const bytes = made('plain', 'testsrc=duration=10:size=640x360:rate=10');
  const decoded = await decoder.decodeVideo(bufferSource(bytes), { preview: { longSide: 320 }, luma: true });
  const poster = await sharp(decoded?.preview ?? Buffer.alloc(0)).metadata();
  t.match(poster, { format: 'webp', width: 320, height: 180 });
  for (const trace of ['exif', 'icc', 'xmp', 'iptc'] as const) t.notOk(trace in poster, trace);
  t.ok((decoded?.frames.length ?? 0) > SAMPLE_FRAMES / 2);
  t.match(decoded?.frames[0], { width: 512, height: 288 });
  t.strictSame(await decoder.decodeVideo(bufferSource(bytes), {}), { preview: null, frames: [], colours: [] });
  t.equal(childrenOf().length, 1, 'one warm child, and no ffmpeg');
});

test.test('a poster is not the black that videos begin with', needs('ffmpeg'), async (t) => {
  const decoder = startDecoder({ children: 1, warm: 0 });
  t.teardown(() => decoder.close());
  const bytes = made(
    'black',
    'color=black:duration=1:size=320x240:rate=10[a];testsrc=duration=3:size=320x240:rate=10[b];[a][b]concat',
  );
  const decoded = await decoder.decodeVideo(bufferSource(bytes), { preview: { longSide: 320 }, luma: true });
  const { channels } = await sharp(decoded?.preview ?? Buffer.alloc(0)).stats();
  t.ok(channels.some(({ mean }) => mean > 60));
  t.ok((decoded?.frames[0]?.data[1000] ?? 255) < 8, 'though the first sample is black, in the full range');
});

test.test('a video that was turned is seen upright', needs('ffmpeg'), async (t) => {
  const decoder = startDecoder({ children: 1, warm: 0 });
  t.teardown(() => decoder.close());
  made('lying', 'testsrc=duration=2:size=320x240:rate=10');
  const turned = path.join(folder, 'turned.mp4');
  const args = ['-nostdin', '-v', 'error', '-y', '-i', path.join(folder, 'lying.mp4'), '-c', 'copy'];
  spawnSync('ffmpeg', [...args, '-metadata:s:v', 'rotate=90', '-movflags', '+faststart', turned]);
  const decoded = await decoder.decodeVideo(bufferSource(readFileSync(turned)), { preview: { longSide: 120 } });
  t.match(await sharp(decoded?.preview ?? Buffer.alloc(0)).metadata(), { width: 90, height: 120 });
});

test.test('what is no MP4 with H.264 is refused', needs('ffmpeg'), async (t) => {
  const decoder = startDecoder({ children: 1, warm: 0 });
  t.teardown(() => decoder.close());
  const input = 'testsrc=duration=1:size=320x240:rate=10';
  const playlist = '#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n';
  const table: [string, Buffer][] = [
    ['MPEG-4 part 2 in MP4', made('old', input, ['-c:v', 'mpeg4'])],
    ['H.264 in Matroska', made('matroska', input, [], 'mkv')],
    ['a playlist that names a file', Buffer.from(playlist)],
    ['its beginning only', made('plain2', input).subarray(0, 400)],
    ['nothing', Buffer.alloc(0)],
  ];
  for (const [name, bytes] of table) {
    const decoding = decoder.decodeVideo(bufferSource(bytes), { preview: { longSide: 64 }, luma: true });
    await t.rejects(decoding, unreadable, name);
  }
  t.equal(childrenOf().length, 0);
});

test.test('a video is bounded in time and memory, and ends when its sender leaves', needs('ffmpeg'), async (t) => {
  const decoder = startDecoder({ children: 1, warm: 0 });
  const hasty = startDecoder({ children: 1, warm: 0, limits: { wallMilliseconds: 300 } });
  const small = startDecoder({ children: 1, warm: 0, limits: { memoryBytes: 40 * 2 ** 20 } });
  const narrow = startDecoder({ children: 1, warm: 0, limits: { pixels: 1920 * 1080 } });
  t.teardown(() => Promise.all([decoder.close(), hasty.close(), small.close(), narrow.close()]));
  const bytes = made('short', 'testsrc=duration=1:size=1920x1080:rate=10');
  const stalled = stalledSource(bytes.subarray(0, 500));
  await t.rejects(hasty.decodeVideo(stalled, { luma: true }), { ...unreadable, detail: { reason: 'time' } });
  await t.rejects(small.decodeVideo(bufferSource(bytes), { luma: true }), unreadable);
  t.ok(await narrow.decodeVideo(bufferSource(bytes), { luma: true }));
  const wide = made('wide', 'testsrc=duration=1:size=1936x1088:rate=10');
  await t.rejects(narrow.decodeVideo(bufferSource(wide), { luma: true }), unreadable, 'and in pixels');
  const leaving = new AbortController();
  const waiting = stalledSource(bytes.subarray(0, 500));
  const decoding = decoder.decodeVideo(waiting, { luma: true }, leaving.signal);
  decoding.catch(() => undefined);
  await waiting.stalled;
  leaving.abort();
  await t.rejects(decoding, { name: 'Refusal', code: 'cut-off' });
  const broken = { size: 1000, read: () => Promise.reject(new Error('the store is broken')) };
  await t.rejects(decoder.decodeVideo(broken, { luma: true }), { message: 'the store is broken' });
  t.equal(childrenOf().length, 0);
  waiting.finish();
  stalled.finish();
});

test.test('grey pictures are cut alike whole and byte by byte', (t) => {
  const stream = Buffer.from('P5\n3 2\n255\nabcdefP5\n1 1\n255\nPP5\n512 1\n255\n' + 'x'.repeat(512));
  for (const size of [1, 2, 7, 11, 17, 18, stream.length]) {
    const got: string[] = [];
    const reader = new NetpbmReader(1, ({ width, height, data }) => got.push(`${width}x${height} ${data.toString()}`));
    for (let at = 0; at < stream.length; at += size) reader.push(stream.subarray(at, at + size));
    t.strictSame(got, ['3x2 abcdef', '1x1 P', `512x1 ${'x'.repeat(512)}`], `in pieces of ${size}`);
  }
  for (const bad of [
    'P6\n3 2\n255\nabcdefgh',
    'P5\n513 1\n255\nxxxxx',
    'P5\n0 1\n255\nxxxxxxx',
    'P5\n99999 1\n255\nxx',
  ]) {
    t.throws(() => new NetpbmReader(1, () => undefined).push(Buffer.from(bad)), { name: 'WireError' }, bad);
  }
  t.end();
});

test.test('a spread keeps the first, and steps that double', (t) => {
  const kept = (count: number): number[] => {
    const spread = new Spread(4);
    for (let index = 0; index < count; index++) spread.add({ width: 1, height: 1, data: Buffer.from([index]) });
    return spread.kept.map(({ data }) => data[0] ?? -1);
  };
  t.strictSame([0, 1, 3, 4, 5, 7, 9, 100].map(kept), [
    [],
    [0],
    [0, 1, 2],
    [0, 2],
    [0, 2, 4],
    [0, 4],
    [0, 4, 8],
    [0, 64],
  ]);
  t.end();
});
