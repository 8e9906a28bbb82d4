/**
 * Other tools on the same films, for docs/metadata-mp4.md. Not a test: `node build/test/media/mp4/compare.js` prints the
 * table. Takes some minutes; needs ffmpeg, ffprobe, exiftool and mat2.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { inFolder, makeCorpus } from './corpus.js';
import { decodedFrames, residues } from './judge.js';
import { SECRET, SIGNATURES, text } from './make.js';
import { scrubbed } from './read.js';

interface Tool {
  readonly name: string;
  /** Makes `to` of `from`, or doesn't. */
  readonly clean: (from: string, to: string) => Promise<void>;
}

function spawned(name: string, command: string, argsOf: (from: string, to: string) => string[]): Tool {
  return {
    name,
    clean: (from, to) => {
      spawnSync(command, argsOf(from, to));
      return Promise.resolve();
    },
  };
}

const COPY = ['-map_metadata', '-1', '-c', 'copy'];
const BEST = [
  ...['-map', '0:v?', '-map', '0:a?', '-map_chapters', '-1', ...COPY, '-fflags', '+bitexact', '-flags:v', '+bitexact'],
  ...['-flags:a', '+bitexact', '-bsf:v', 'filter_units=remove_types=6', '-empty_hdlr_name', '1'],
];

const TOOLS: readonly Tool[] = [
  {
    name: 'this scrubber',
    clean: async (from, to) => {
      const { bytes } = await scrubbed(readFileSync(from));
      writeFileSync(to, bytes);
    },
  },
  spawned('exiftool -all=', 'exiftool', (from, to) => ['-q', '-all=', '-o', to, from]),
  {
    name: 'mat2',
    clean: (from, to) => {
      copyFileSync(from, to);
      spawnSync('mat2', ['--unknown-members', 'omit', to]);
      const made = to.replace(/\.mp4$/, '.cleaned.mp4');
      rmSync(to);
      if (existsSync(made)) renameSync(made, to);
      return Promise.resolve();
    },
  },
  spawned('ffmpeg -map_metadata -1 -c copy', 'ffmpeg', (from, to) => ['-v', 'quiet', '-y', '-i', from, ...COPY, to]),
  spawned('ffmpeg, the best flags found', 'ffmpeg', (from, to) => ['-v', 'quiet', '-y', '-i', from, ...BEST, to]),
];

/** What tools write of themselves in every file alike, or sums that a player could make. */
const HARMLESS = /:(Free|HandlerVendorID|HandlerType|BufferSize|MaxBitrate|AverageBitrate|Unknown_\w+)=/;

interface Figures {
  readonly made: number;
  readonly unplanted: number;
  readonly clean: number;
  readonly alike: number;
  readonly both: number;
  readonly median: number;
}

async function figuresOf(tool: Tool, folder: string, names: readonly string[]): Promise<Figures> {
  const out = path.join(folder, tool.name.replace(/\W+/g, '-'));
  mkdirSync(out);
  const times: number[] = [];
  for (const name of names) {
    const started = performance.now();
    await tool.clean(path.join(folder, `${name}.mp4`), path.join(out, `${name}.mp4`));
    times.push(performance.now() - started);
  }
  const made = names.filter((name) => existsSync(path.join(out, `${name}.mp4`)));
  const left = residues(out);
  const holds = (name: string, strings: readonly string[]): boolean => {
    const bytes = readFileSync(path.join(out, `${name}.mp4`));
    return strings.some((string) => bytes.includes(text(string)));
  };
  const unplanted = made.filter((name) => !holds(name, [SECRET, '2024']));
  const clean = unplanted.filter((name) => {
    const told = left.get(path.join(out, `${name}.mp4`)) ?? [];
    return told.every((tag) => HARMLESS.test(tag)) && !holds(name, SIGNATURES);
  });
  const alike = made.filter((name) => {
    try {
      const before = decodedFrames(path.join(folder, `${name}.mp4`));
      return before.join('\n') === decodedFrames(path.join(out, `${name}.mp4`)).join('\n');
    } catch {
      return false;
    }
  });
  const median = times.sort((a, b) => a - b)[times.length >>> 1] ?? 0;
  const both = clean.filter((name) => alike.includes(name)).length;
  return { made: made.length, unplanted: unplanted.length, clean: clean.length, alike: alike.length, both, median };
}

await inFolder(async (folder) => {
  const names = makeCorpus(folder).map(({ name, bytes }) => {
    writeFileSync(path.join(folder, `${name}.mp4`), bytes);
    return name;
  });
  console.log(`${names.length} films\n`);
  console.log('| tool | makes a file | nothing planted left | nothing left | decodes alike | both | median per file |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const tool of TOOLS) {
    const { made, unplanted, clean, alike, both, median } = await figuresOf(tool, folder, names);
    const time = `${median.toFixed(median < 10 ? 1 : 0)} ms`;
    console.log(`| ${[tool.name, made, unplanted, clean, alike, both, time].join(' | ')} |`);
  }
});
