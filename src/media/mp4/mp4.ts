/**
 * Scrubs an MP4 file: H.264 with AAC or no sound, by allow-list, without decoding.
 *
 *     file = { ftyp | moov | mdat | moof | … }   →   ftyp ‖ moov ‖ [mdat] ‖ { moof ‖ mdat }
 *
 * What holds: of the source nothing comes out but coded samples of kept tracks; every box around them is written anew
 * from the numbers that playing needs (`docs/metadata-mp4.md` lists them), in one fixed order, the index first. So
 * metadata can't come along by standing in a place that nobody thought of. Scrubbing the result changes nothing.
 *
 * Cost: the source is read once, forwards, and of large samples only the beginnings (`window.ts`). Of the media data one
 * window of 256 KiB is held; of tables at most what `budget.ts` allows, and a piece of the plan for each sample in which
 * something was left out.
 *
 * What doesn't hold: a mark in the picture or the sound itself stays; see `h264.ts` and `aac.ts` for what isn't looked at.
 * Knows nothing of limits on a file's size, nor of who sends it.
 */
import { CursorError } from '../../base/cursor.js';
import type { ByteSource } from '../../base/source.js';
import { Plan } from '../plan.js';
import { RemovedTally } from '../removed.js';
import type { Scrubber, Scrubbing } from '../scrub.js';
import { Budget } from './budget.js';
import { box, boxAt, boxHeader, fields, sizeOf, type Box, type Input, type Parts } from './boxes.js';
import { countDropped } from './found.js';
import { encodeMovie, readMovie, type FragmentsTold, type Movie } from './movie.js';
import { notSupported, unreadable } from './refuse.js';
import { scrubMedia } from './samples.js';
import { append, scrubFragments } from './timeline.js';
import { Window } from './window.js';

export const scrubMp4: Scrubber = async (source) => {
  const window = new Window(source);
  try {
    return await scrub({ window, budget: new Budget(source.size) }, source);
  } catch (error) {
    if (error instanceof CursorError) return unreadable('a part is shorter than what it must hold');
    throw error;
  } finally {
    window.close();
  }
};

async function scrub(input: Input, source: ByteSource): Promise<Scrubbing> {
  const tally = new RemovedTally();
  const file = await layoutOf(input, source.size, tally);
  if (file.moov === null) return withoutMovie(file.brand);
  const movie = await readMovie(input, file.moov, tally);
  const media = new Plan();
  const parts = movie.tracks.map(({ table, descriptions }) => ({ samples: table.samples, ...descriptions }));
  const covered = await scrubMedia(input.window, input.budget, parts, media);
  const fragments = await scrubFragments(input, movie, file.moofs, tally);
  if (media.size === 0 && fragments === null) return unreadable('a film without a single sample');
  const all = covered + (fragments?.covered ?? 0);
  // Where tracks were dropped their samples are part of what isn't covered, and were counted with them.
  if (!movie.dropped && all < file.mediaBytes) tally.add('unreferenced-data');
  const plan = assemble(movie, media, fragments);
  if (fragments !== null) append(plan, fragments.plan);
  return { type: 'video/mp4', plan, removed: tally.counts, ...shownSize(movie) };
}

interface Layout {
  readonly moov: Box | null;
  readonly moofs: readonly Box[];
  /** Bytes of media data in all `mdat` boxes. */
  readonly mediaBytes: number;
  readonly brand: string;
}

/** The boxes of the file itself. Where no further box can stand, the rest is somebody's addition, and goes. */
async function layoutOf(input: Input, size: number, tally: RemovedTally): Promise<Layout> {
  const moofs: Box[] = [];
  let moov: Box | null = null;
  let mediaBytes = 0;
  let brand = '';
  for (let at = 0; at < size;) {
    const next = await boxAt(input, at, size);
    if (next === null || (next.end > size && !CUT_IS_FATAL.has(next.type))) {
      tally.add('trailing-data');
      break;
    }
    if (next.end > size) unreadable('it ends before its index or its media data does');
    if (next.type === 'moov' && moov === null) moov = next;
    else if (next.type === 'moof') moofs.push(next);
    else if (next.type === 'mdat') mediaBytes += next.end - next.body;
    else if (next.type === 'ftyp') brand = await brandOf(input, next);
    else await countDropped(input, next, tally);
    at = next.end;
  }
  return { moov, moofs, mediaBytes, brand };
}

const CUT_IS_FATAL: ReadonlySet<string> = new Set(['moov', 'moof', 'mdat']);

async function brandOf({ window }: Input, ftyp: Box): Promise<string> {
  if (ftyp.end - ftyp.body < 4) return '';
  await window.reach(ftyp.body, 4);
  return window.view(ftyp.body, 4).toString('latin1');
}

/** Pictures in the same kind of box are what people most often send under this name. */
function withoutMovie(brand: string): never {
  if (/^(hei[cxms]|hev[cxms]|mif1|msf1)$/.test(brand)) return notSupported('HEIC picture');
  if (/^avi[fs]$/.test(brand)) return notSupported('AVIF picture');
  return unreadable('a file without an index');
}

/** Brands as the most common of all programs writes them, so that they tell no two files apart. */
function fileType(fragmented: boolean): Parts {
  const brands = fragmented ? ['iso5', 'iso6', 'mp41'] : ['isom', 'iso2', 'avc1', 'mp41'];
  const names = Buffer.from([...brands].join(''), 'latin1');
  return box(
    'ftyp',
    names.subarray(0, 4),
    fields(4, (out) => out.u32(512)),
    names,
  );
}

/** Everything up to the fragments. The index comes first, so its chunk offsets depend on its own size. */
function assemble(movie: Movie, media: Plan, fragments: FragmentsTold | null): Plan {
  const type = fileType(fragments !== null);
  const mediaHeader = media.size > 0 ? boxHeader('mdat', media.size) : Buffer.alloc(0);
  const around = sizeOf(type) + mediaHeader.length;
  const furthest = around + sizeOf(encodeMovie(movie, 0, true, fragments));
  const wide = furthest + media.size >= 2 ** 32;
  const base = wide ? furthest : around + sizeOf(encodeMovie(movie, 0, false, fragments));
  const plan = new Plan();
  for (const part of [...type, ...encodeMovie(movie, base, wide, fragments), mediaHeader]) plan.bytes(part);
  append(plan, media);
  return plan;
}

/** The picture's size as a player shows it: a quarter turn in the matrix swaps the sides. */
function shownSize({ tracks }: Movie): { readonly width: number | null; readonly height: number | null } {
  const video = tracks.find((track) => track.kind === 'video');
  if (video === undefined) return { width: null, height: null };
  const { header, descriptions } = video;
  const width = Math.round(header.width / 65536) || descriptions.width;
  const height = Math.round(header.height / 65536) || descriptions.height;
  const turned = header.matrix.readInt32BE(0) === 0 && header.matrix.readInt32BE(4) !== 0;
  return turned ? { width: height, height: width } : { width, height };
}
