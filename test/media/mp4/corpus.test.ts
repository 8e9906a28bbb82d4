import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import test from 'tap';
import { needs } from '../../needs.js';
import { inFolder, makeCorpus } from './corpus.js';
import { complaints, decodedFrames, residues } from './judge.js';
import { SIGNATURES, text } from './make.js';
import { scrubbed } from './read.js';

test.setTimeout(240_000);

test.test(
  'real films come out clean, and are seen and heard alike',
  needs('ffmpeg', 'ffprobe', 'exiftool'),
  async (t) => {
    await inFolder(async (folder) => {
      const clean = path.join(folder, 'clean');
      mkdirSync(clean);
      const files = makeCorpus(folder);
      t.ok(files.length >= 50, `${files.length} files`);
      for (const { name, bytes } of files) {
        const result = await scrubbed(bytes);
        for (const signature of SIGNATURES) t.notOk(result.bytes.includes(text(signature)), `${name}: no ${signature}`);
        const again = await scrubbed(result.bytes);
        t.ok(again.bytes.equals(result.bytes), `${name}: scrubbed twice is the same`);
        t.strictSame([...again.removed], [], `${name}: nothing left to remove`);
        t.ok(result.removed.size > 0, `${name}: says what it removed`);
        const before = path.join(folder, `${name}.mp4`);
        const after = path.join(clean, `${name}.mp4`);
        writeFileSync(before, bytes);
        writeFileSync(after, result.bytes);
        t.strictSame(decodedFrames(after), decodedFrames(before), `${name}: the same frames at the same times`);
        const complaint = complaints(after);
        if (complaint !== '') t.equal(complaint, complaints(before), `${name}: ffmpeg says no more than of the source`);
      }
      for (const [file, left] of residues(clean))
        t.strictSame(left, [], `${path.basename(file)}: nothing for exiftool`);
    });
  },
);
