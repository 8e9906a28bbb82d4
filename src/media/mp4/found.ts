/**
 * What is left behind, in the words of the receipt. This file only counts: nothing is kept or dropped because of it.
 * Values are never looked at, but for the names of QuickTime's keys.
 */
import type { RemovedKind, RemovedTally } from '../removed.js';
import { childrenOf, type Box, type Input } from './boxes.js';

/** Boxes that hold no metadata: they are left out because players find the same in what stays. */
const REDUNDANT: ReadonlySet<string> = new Set([
  ...['ftyp', 'styp', 'iods', 'wide', 'sidx', 'ssix', 'mfra', 'mehd', 'cslg', 'sdtp', 'sgpd', 'sbgp', 'subs', 'saiz'],
  ...['saio', 'padb', 'stps', 'stdp', 'stsh', 'tref', 'trgr', 'btrt', 'load', 'clip', 'ctab', 'tapt', 'nmhd', 'gmhd'],
  ...['elng', 'chan', 'wave', 'esds', 'frma', 'enda', 'gama', 'dinf', 'hdlr', 'pdin', 'leva', 'trep', 'prol'],
]);

const KINDS: ReadonlyMap<string, RemovedKind> = new Map<string, RemovedKind>([
  ['\xa9xyz', 'location'],
  ['loci', 'location'],
  ['\xa9mak', 'camera'],
  ['\xa9mod', 'camera'],
  ['manu', 'camera'],
  ['modl', 'camera'],
  ['CAME', 'serial-number'],
  ['LENS', 'serial-number'],
  ['\xa9day', 'date'],
  ['date', 'date'],
  ['yrrc', 'date'],
  ['prft', 'date'],
  ['\xa9swr', 'software'],
  ['\xa9too', 'software'],
  ['\xa9enc', 'software'],
  ['\xa9fmt', 'software'],
  ['FIRM', 'software'],
  ['\xa9aut', 'author'],
  ['\xa9ART', 'author'],
  ['\xa9wrt', 'author'],
  ['\xa9prd', 'author'],
  ['\xa9dir', 'author'],
  ['auth', 'author'],
  ['perf', 'author'],
  ['cprt', 'author'],
  ['\xa9cpy', 'author'],
  ['\xa9nam', 'description'],
  ['\xa9des', 'description'],
  ['\xa9inf', 'description'],
  ['titl', 'description'],
  ['dscp', 'description'],
  ['desc', 'description'],
  ['ldes', 'description'],
  ['kywd', 'description'],
  ['\xa9cmt', 'comment'],
  ['covr', 'embedded-picture'],
  ['thmb', 'thumbnail'],
  ['CNTH', 'thumbnail'],
  ['CNDA', 'maker-note'],
  ['GPMF', 'maker-note'],
  ['GUMI', 'maker-note'],
  ['SETT', 'maker-note'],
  ['chpl', 'description'],
  ['meta', 'metadata-block'],
  ['uuid', 'metadata-block'],
  ['emsg', 'metadata-block'],
  ['XMP_', 'metadata-block'],
  ['free', 'unreferenced-data'],
  ['skip', 'unreferenced-data'],
]);

/** Parts of the names in a `keys` box, most telling first. */
const KEYS: readonly (readonly [RegExp, RemovedKind])[] = [
  [/location|gps/i, 'location'],
  [/make|model|lens|camera/i, 'camera'],
  [/date|time/i, 'date'],
  [/serial|identifier/i, 'serial-number'],
  [/software|encoder|version/i, 'software'],
  [/author|artist|copyright|director/i, 'author'],
  [/title|description|keywords|displayname/i, 'description'],
  [/comment/i, 'comment'],
  [/artwork/i, 'embedded-picture'],
];

/** Entries of one list of metadata that are counted one by one. */
const COUNTED = 256;
const LONGEST_KEY = 128;

/** Counts a box that is left out, and what is in it where it is a list of metadata. */
export async function countDropped(input: Input, box: Box, tally: RemovedTally): Promise<void> {
  if (REDUNDANT.has(box.type) || box.end === box.body) return;
  if (box.type === 'udta') return countList(input, box, box.body, tally);
  if (box.type === 'meta') return countMeta(input, box, tally);
  tally.add(KINDS.get(box.type) ?? 'unknown-block');
}

/** `free` and its like inside a list are padding. */
async function countList(input: Input, list: Box, from: number, tally: RemovedTally): Promise<void> {
  let counted = 0;
  for await (const entry of childrenOf(input, list, from, 'lenient')) {
    if (entry.type === 'meta') await countMeta(input, entry, tally);
    else if (entry.type !== 'free') tally.add(KINDS.get(entry.type) ?? 'metadata-block');
    if (++counted === COUNTED) return;
  }
  if (counted === 0) tally.add('metadata-block');
}

/** A `meta` box is a full box in MP4 and a plain one in QuickTime: its first child's name tells. */
async function countMeta(input: Input, meta: Box, tally: RemovedTally): Promise<void> {
  if (meta.end - meta.body < 12) return;
  await input.window.reach(meta.body, 8);
  const plain = input.window.view(meta.body + 4, 4).toString('latin1') === 'hdlr';
  let told = false;
  for await (const child of childrenOf(input, meta, plain ? meta.body : meta.body + 4, 'lenient')) {
    if (child.type === 'keys') {
      await countKeys(input, child, tally);
      told = true;
    } else if (child.type === 'ilst' && !told) {
      await countList(input, child, child.body, tally);
      told = true;
    }
  }
  if (!told) tally.add('metadata-block');
}

async function countKeys(input: Input, keys: Box, tally: RemovedTally): Promise<void> {
  let counted = 0;
  for await (const key of childrenOf(input, keys, keys.body + 8, 'lenient')) {
    const length = Math.min(key.end - key.body, LONGEST_KEY);
    await input.window.reach(key.body, length);
    const name = input.window.view(key.body, length).toString('latin1');
    tally.add(KEYS.find(([pattern]) => pattern.test(name))?.[1] ?? 'metadata-block');
    if (++counted === COUNTED) return;
  }
}
