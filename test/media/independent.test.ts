/** The corpus before and after, judged by programs that had no part in it: exiftool for what is left, ffmpeg for frames. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'tap';
import { bufferSource, readAll } from '../../src/base/source.js';
import { proveClean, scrub } from '../../src/media/scrubber.js';
import { needs } from '../needs.js';
import { corpus } from './corpus/corpus.js';
import type { Sample } from './corpus/plant.js';
import { residual } from './corpus/residual.js';

const ENDINGS = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/gif': 'gif', 'image/webp': 'webp' } as const;
const samples = await corpus();
const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-stills-'));
test.teardown(() => rmSync(folder, { recursive: true, force: true }));
const fileOf = (side: 'dirty' | 'clean', { name, type }: Sample): string =>
  path.join(folder, side, `${name}.${ENDINGS[type]}`);

for (const side of ['dirty', 'clean']) mkdirSync(path.join(folder, side));
for (const sample of samples) {
  const source = bufferSource(sample.bytes);
  writeFileSync(fileOf('dirty', sample), sample.bytes);
  writeFileSync(fileOf('clean', sample), await readAll(await proveClean(await scrub(source, sample.type), source)));
}

test.test('exiftool finds nothing but structure, colour and orientation', needs('exiftool'), (t) => {
  const before = residual(path.join(folder, 'dirty'));
  const after = residual(path.join(folder, 'clean'));
  t.ok(before.size > 350, `it found something in ${before.size} files before`);
  t.strictSame(Object.fromEntries(after), {});
  t.equal(readdirSync(path.join(folder, 'clean')).length, samples.length);
  t.end();
});

test.test('exiftool writes what it can into every file, and none of it comes out', needs('exiftool'), async (t) => {
  const written = path.join(folder, 'written');
  mkdirSync(written);
  const bases = samples.filter(({ name }) => /^(?:jpeg|png|gif|webp)-[a-z0-9]+$/.test(name));
  const tags = ['Artist', 'Comment', 'Make', 'Model', 'SerialNumber', 'UserComment', 'XMP-dc:Creator', 'IPTC:Keywords'];
  const options = ['-q', '-q', '-m', '-AllDates=2024:01:02 03:04:05', '-GPSLatitude=52.5', '-GPSLongitude=13.4'];
  const values = tags.map((tag) => `-${tag}=PLANTED`);
  spawnSync('exiftool', [
    ...options,
    ...values,
    '-o',
    `${written}/`,
    ...bases.map((sample) => fileOf('dirty', sample)),
  ]);
  const cleaned = path.join(folder, 'written-clean');
  mkdirSync(cleaned);
  let planted = 0;
  for (const sample of bases) {
    const file = path.join(written, path.basename(fileOf('dirty', sample)));
    const source = bufferSource(existsSync(file) ? readFileSync(file) : sample.bytes);
    if (source.size !== sample.bytes.length) planted++;
    const clean = await readAll(await proveClean(await scrub(source, sample.type), source));
    writeFileSync(path.join(cleaned, path.basename(file)), clean);
  }
  t.ok(planted > 20, `${planted} files were written to`);
  t.strictSame(Object.fromEntries(residual(cleaned)), {});
});

test.test('ffmpeg decodes the same frames at the same times', needs('ffmpeg'), (t) => {
  // ffmpeg 5 does not decode animated WebP; libvips compares those in corpus.test.ts.
  const decodable = samples.filter(({ name }) => !name.startsWith('webp-animated'));
  const bases = decodable.filter(({ name, base }) => name === base);
  const expected = frames(bases.map((sample) => fileOf('dirty', sample)));
  const got = frames(decodable.map((sample) => fileOf('clean', sample)));
  const of = (sample: Sample): string | undefined => expected[bases.findIndex(({ name }) => name === sample.base)];
  t.ok(expected.every((each) => each !== undefined));
  t.strictSame(
    decodable.filter((sample, index) => got[index] === undefined || got[index] !== of(sample)).map(({ name }) => name),
    [],
  );
  t.end();
});

/** The hashes of all frames of each file, with their times. Many files to a process, because starting one takes longest. */
function frames(files: readonly string[]): (string | undefined)[] {
  if (files.length > 60) return [...frames(files.slice(0, 60)), ...frames(files.slice(60))];
  const inputs = files.flatMap((file) => [
    ...(path.basename(file).startsWith('png-film') ? ['-f', 'apng'] : []),
    '-noautorotate',
    '-i',
    file,
  ]);
  const maps = files.flatMap((_, index) => ['-map', `${index}:v`]);
  const options = ['-vsync', 'passthrough', '-f', 'framemd5', '-'];
  const run = spawnSync('ffmpeg', ['-v', 'quiet', ...inputs, ...maps, ...options], {
    encoding: 'utf8',
    maxBuffer: 1 << 26,
  });
  const found = new Map<number, string>();
  for (const line of run.stdout.split('\n')) {
    const [, stream, rest] = /^(\d+),(.*)$/.exec(line) ?? [];
    if (stream !== undefined) found.set(Number(stream), `${found.get(Number(stream)) ?? ''}${rest ?? ''}\n`);
  }
  return files.map((_, index) => found.get(index));
}
