/**
 * Sets the scrubbers beside other tools on the corpus and prints the table of docs/METADATA.md:
 * `node build/test/media/compare.js [EVERY]` takes every EVERYth file (6), because mat2 starts slowly.
 *
 * Clean: exiftool finds nothing but structure, colour and orientation, and nothing planted is found by its bytes.
 * Alike: libvips renders the same frames, delays, colours and way up as before.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bufferSource, readAll } from '../../src/base/source.js';
import { proveClean, scrub } from '../../src/media/scrubber.js';
import { corpus } from './corpus/corpus.js';
import { holdsPlanted, type Sample } from './corpus/plant.js';
import { rendered } from './corpus/rendered.js';
import { residual } from './corpus/residual.js';

/** Makes `to` from `from`; throws, or makes nothing, where the tool can't. */
type Tool = (from: string, to: string, sample: Sample) => Promise<void> | void;

const run = (program: string, ...words: readonly string[]): unknown =>
  execFileSync(program, words, { stdio: 'ignore' });
const mat2 =
  (...options: readonly string[]): Tool =>
  (from, to) => {
    const { dir, name, ext } = path.parse(to);
    const copy = path.join(dir, `${name}${ext}`);
    copyFileSync(from, copy);
    try {
      run('mat2', ...options, '--inplace', copy);
    } catch (error) {
      rmSync(copy);
      throw error;
    }
  };

const COLOUR = ['-tagsfromfile', '@', '-ColorSpaceTags', '-ICC_Profile', '-Orientation', '-Gamma', '-Adobe:all'];
const TOOLS: Readonly<Record<string, Tool>> = {
  ChatPic: async (from, to, { type }) => {
    const source = bufferSource(readFileSync(from));
    writeFileSync(to, await readAll(await proveClean(await scrub(source, type), source)));
  },
  'exiftool -all=': (from, to) => void run('exiftool', '-q', '-m', '-all=', '-o', to, from),
  'exiftool, colour and orientation copied back': (from, to) =>
    void run('exiftool', '-q', '-m', '-all=', ...COLOUR, '-o', to, from),
  mat2: mat2(),
  'mat2 --lightweight': mat2('--lightweight'),
  'ffmpeg -map_metadata -1 -c copy': (from, to) =>
    void run('ffmpeg', '-v', 'quiet', '-i', from, '-map_metadata', '-1', '-c', 'copy', to),
};
const ENDINGS = { 'image/jpeg': 'jpg', 'image/png': 'png', 'image/gif': 'gif', 'image/webp': 'webp' } as const;

interface Score {
  files: number;
  good: number;
  failed: number;
  left: number;
  changed: number;
}

const every = Number(process.argv[2] ?? 6);
const samples = (await corpus()).filter((_, index) => index % every === 0);
const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-compare-'));
const dirty = path.join(folder, 'dirty');
mkdirSync(dirty);
const fileOf = ({ name, type }: Sample): string => `${name}.${ENDINGS[type]}`;
const before = new Map<string, string>();
for (const sample of samples) {
  writeFileSync(path.join(dirty, fileOf(sample)), sample.bytes);
  before.set(sample.name, await rendered(sample.bytes, sample.orientation !== 1));
}

async function judge(name: string, tool: Tool): Promise<void> {
  const clean = path.join(folder, name.replaceAll(/\W+/g, '-'));
  mkdirSync(clean);
  const times: number[] = [];
  for (const sample of samples) {
    const start = performance.now();
    try {
      await tool(path.join(dirty, fileOf(sample)), path.join(clean, fileOf(sample)), sample);
    } catch {
      // Refused, or not able to: no file is there, which is counted below.
    }
    times.push(performance.now() - start);
  }
  const found = residual(clean);
  const scores = new Map<string, Score>();
  for (const sample of samples) {
    const score = scores.get(sample.type) ?? { files: 0, good: 0, failed: 0, left: 0, changed: 0 };
    scores.set(sample.type, score);
    await count(score, sample, path.join(clean, fileOf(sample)), found.has(fileOf(sample)));
  }
  const median = times.sort((a, b) => a - b)[times.length >> 1] ?? 0;
  const cells = Object.keys(ENDINGS).map((type) => {
    const { good = 0, files = 0, left = 0, changed = 0, failed = 0 } = scores.get(type) ?? {};
    return `${good} of ${files} (${left} left, ${changed} changed, ${failed} refused)`;
  });
  console.log(`| ${[name, ...cells, `${median.toFixed(1)} ms`].join(' | ')} |`);
}

async function count(score: Score, sample: Sample, file: string, hasTags: boolean): Promise<void> {
  score.files++;
  if (!existsSync(file)) {
    score.failed++;
    return;
  }
  const bytes = readFileSync(file);
  const left = hasTags || holdsPlanted(bytes);
  const after = await rendered(bytes, sample.orientation !== 1).catch(() => 'broken');
  const changed = after !== before.get(sample.name);
  if (left) score.left++;
  if (changed) score.changed++;
  if (!left && !changed) score.good++;
}

console.log('| tool | JPEG | PNG, APNG | GIF | WebP | median per file |\n| --- | --- | --- | --- | --- | --- |');
for (const [name, tool] of Object.entries(TOOLS)) {
  const [program = ''] = name === 'ChatPic' ? ['node'] : name.split(/[ ,]/);
  if (spawnSync('sh', ['-c', `command -v ${program}`]).status === 0) await judge(name, tool);
}
rmSync(folder, { recursive: true });
