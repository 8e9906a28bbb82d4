/**
 * What the checks add to an upload, in CPU time a picture: `node build/test/moderation/cost.js [HASHES]`, a million unless it
 * says otherwise. Prints the table of docs/MODERATION.md. Run by hand; no test.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { bufferSource, readInOrder } from '../../src/base/source.js';
import { FileDigester } from '../../src/crypto/file-digests.js';
import { colourOf } from '../../src/media/decoder/luma.js';
import { BlockLists } from '../../src/moderation/block-list.js';
import { confinedClassifier } from '../../src/moderation/classifier/confined.js';
import { startClassifier } from '../../src/moderation/classifier/classifier.js';
import { ListParser } from '../../src/moderation/list-parse.js';
import { createReviewer } from '../../src/moderation/verdict.js';
import type { ListBodies } from '../../src/moderation/list-bodies.js';
import { MapBook } from './map-book.js';
import { asSharp, lumaOfFile, picture } from './pictures.js';
import { generator } from './planes.js';
import { tinyModel } from './tiny-onnx.js';

const HASHES = Number(process.argv[2] ?? 1_000_000);
const PICTURES = 40;
const RADIUS = 31;

function cpu(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function say(what: string, milliseconds: number): void {
  console.log(`${what.padEnd(58)} ${milliseconds.toFixed(2).padStart(9)} ms`);
}

/** Bodies in memory: what is measured is the looking up. */
function inMemory(): ListBodies {
  const kept = new Map<string, Buffer>();
  let names = 0;
  return {
    newName: () => String(names++).padStart(16, '0') as ReturnType<ListBodies['newName']>,
    save: (name, bytes) => Promise.resolve(void kept.set(name, Buffer.from(bytes))),
    load: (name) => Promise.resolve(kept.get(name) ?? null),
    drop: (name) => Promise.resolve(void kept.delete(name)),
  };
}

async function listOf(count: number): Promise<BlockLists> {
  const lists = await BlockLists.load(new MapBook(), inMemory());
  if (count === 0) return lists;
  const next = generator(11);
  const parser = new ListParser();
  const begun = cpu();
  const hash = Buffer.alloc(32);
  for (let at = 0; at < count; at++) {
    for (let word = 0; word < 32; word += 4) hash.writeUInt32LE(next(), word);
    parser.push(Buffer.from(`${hash.toString('hex')},pdq\n`));
  }
  const parsed = parser.end();
  say(`${count} lines parsed`, cpu() - begun);
  const indexing = cpu();
  await lists.add({ name: 'made', reason: 'other', action: 'refuse' }, parsed);
  say('and indexed', cpu() - indexing);
  return lists;
}

const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-cost-'));
const modelFile = path.join(folder, 'model.onnx');
writeFileSync(modelFile, tinyModel(224));
writeFileSync(`${modelFile}.json`, JSON.stringify({ labels: ['plain', 'explicit'], explicit: ['explicit'] }));

const made = [];
for (let seed = 0; seed < PICTURES; seed++) {
  const rgb = await picture(9000 + seed, 512, 384);
  made.push({
    luma: await lumaOfFile(await asSharp(rgb).jpeg().toBuffer()),
    colour: colourOf({ ...rgb, channels: 3 }),
  });
}

for (const count of [0, HASHES]) {
  const lists = await listOf(count);
  const none = startClassifier({ modelFile: null });
  const reviewer = createReviewer({ lists, classifier: none, radius: RADIUS });
  for (const { luma } of made.slice(0, 5)) await reviewer.review({ digests: [], lumas: [luma], pictures: [] });
  const begun = cpu();
  for (const { luma } of made) await reviewer.review({ digests: [], lumas: [luma], pictures: [] });
  say(`a picture looked up among ${count} hashes`, (cpu() - begun) / PICTURES);
}

const eightMegabytes = bufferSource(Buffer.alloc(8_000_000, 3));
const begun = cpu();
for (let round = 0; round < 5; round++) {
  const digester = new FileDigester(new Set(['md5', 'sha1', 'sha256']));
  for await (const piece of readInOrder(eightMegabytes)) digester.update(piece);
  digester.end();
}
say('digests of a megabyte, all three', (cpu() - begun) / 40);

const classifier = startClassifier(await confinedClassifier(modelFile));
await classifier.isExplicit(made.slice(0, 3).map(({ colour }) => colour));
const [wall, own] = [performance.now(), cpu()];
for (const { colour } of made) await classifier.isExplicit([colour]);
say('a picture through the engine, wall clock, with a tiny model', (performance.now() - wall) / PICTURES);
say('of it in this process', (cpu() - own) / PICTURES);
await classifier.close();
rmSync(folder, { recursive: true });
