/**
 * The movie: which tracks there are, which are kept, and the header over them.
 *
 *     moov = mvhd ‖ { trak } ‖ [mvex = mehd ‖ { trex }]                        ISO/IEC 14496-12, sections 8.2, 8.8
 *
 * A track is kept if it is H.264 or AAC; dropped if it can be missed by who watches: subtitles, chapters, time codes,
 * what cameras record beside the film, still pictures, another rendering of kept sound. A film of another kind, or one
 * that would lose its sound, is refused as a whole: what a sender sees in the preview is what there is.
 */
import { Reader, type Writer } from '../../base/cursor.js';
import type { RemovedTally } from '../removed.js';
import { bodyOf, box, childrenOf, fields, fullBox, fullHeader, type Box, type Input, type Parts } from './boxes.js';
import { AAC_CODEC, AVC_CODECS, seemsToBe, STILL_CODECS } from './codecs.js';
import { countDropped } from './found.js';
import { outlineOf, type Outline } from './outline.js';
import { notSupported, unreadable } from './refuse.js';
import { countTimes, readDuration, timedBox, writeDuration } from './times.js';
import { encodeTrack, readTrack, shownDuration, type Track } from './track.js';

/** More tracks than any file that a person watches has. */
const MAX_TRACKS = 64;

export interface Movie {
  readonly header: MovieHeader;
  readonly tracks: readonly Track[];
  /** Defaults of the fragments that may follow, by the track's number in the source. */
  readonly defaults: ReadonlyMap<number, SampleDefaults>;
  /** Were tracks dropped? Then media data that no kept track covers may be theirs. */
  readonly dropped: boolean;
}

interface MovieHeader {
  readonly timescale: number;
  readonly rate: number;
  readonly volume: number;
  readonly matrix: Buffer;
}

/** What holds for samples of fragments that say nothing else. */
export interface SampleDefaults {
  readonly description: number;
  readonly duration: number;
  readonly size: number;
  readonly flags: number;
}

export async function readMovie(input: Input, moov: Box, tally: RemovedTally): Promise<Movie> {
  const outlines: Outline[] = [];
  const defaults = new Map<number, SampleDefaults>();
  let header: MovieHeader | null = null;
  for await (const child of childrenOf(input, moov)) {
    if (child.type === 'mvhd') header = await readMovieHeader(input, child, tally);
    else if (child.type === 'trak') outlines.push(await outlineOf(input, child, tally));
    else if (child.type === 'mvex') await readDefaults(input, child, defaults);
    else if (child.type === 'cmov' || child.type === 'rmra') notSupported('a QuickTime movie of an old kind');
    else await countDropped(input, child, tally);
    if (outlines.length > MAX_TRACKS) unreadable('more tracks than any real video has');
  }
  if (header === null) return unreadable('a movie without its header');
  const kept = keptOf(outlines);
  tally.add('hidden-track', outlines.length - kept.length);
  const tracks: Track[] = [];
  for (const outline of kept) tracks.push(await readTrack(input, outline, tally));
  return { header, tracks, defaults, dropped: kept.length < outlines.length };
}

function keptOf(outlines: readonly Outline[]): Outline[] {
  const chapters = new Set(outlines.flatMap((outline) => outline.chapters));
  const shown = outlines.filter((outline) => !chapters.has(outline.id));
  const groups = new Set(shown.filter(isAac).map((outline) => outline.alternateGroup));
  const kept = shown.filter((outline) => isKept(outline, groups));
  if (!kept.some((outline) => outline.handler === 'vide')) notSupported('a file without video');
  return kept;
}

function isAac({ handler, codecs }: Outline): boolean {
  return handler === 'soun' && codecs.length > 0 && codecs.every((codec) => codec === AAC_CODEC);
}

/** `aacGroups`: groups of which a player takes one track, and could take one of AAC. 0 is no group. */
function isKept(outline: Outline, aacGroups: ReadonlySet<number>): boolean {
  const { handler, codecs, alternateGroup } = outline;
  if (handler !== 'vide' && handler !== 'soun') return false;
  if (codecs.length === 0) unreadable('a track that does not say what it is');
  if (handler === 'soun') {
    if (isAac(outline)) return true;
    if (alternateGroup !== 0 && aacGroups.has(alternateGroup)) return false;
    return notSupported(seemsToBe(codecs.find((codec) => codec !== AAC_CODEC) ?? '', 'sound'));
  }
  if (codecs.every((codec) => AVC_CODECS.has(codec))) return true;
  if (codecs.every((codec) => STILL_CODECS.has(codec))) return false;
  return notSupported(seemsToBe(codecs.find((codec) => !AVC_CODECS.has(codec)) ?? '', 'video'));
}

async function readMovieHeader(input: Input, mvhd: Box, tally: RemovedTally): Promise<MovieHeader> {
  const reader = new Reader(await bodyOf(input, mvhd));
  const { version } = fullHeader(reader);
  countTimes(reader, version, tally);
  const timescale = reader.u32();
  if (timescale === 0) unreadable('a movie whose time stands still');
  readDuration(reader, version);
  const rate = reader.u32();
  const volume = reader.u16();
  reader.skip(10);
  return { timescale, rate, volume, matrix: reader.bytes(36) };
}

async function readDefaults(input: Input, mvex: Box, defaults: Map<number, SampleDefaults>): Promise<void> {
  for await (const trex of childrenOf(input, mvex)) {
    if (trex.type !== 'trex') continue;
    const reader = new Reader(await bodyOf(input, trex));
    reader.skip(4);
    const id = reader.u32();
    const [description, duration, size, flags] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()];
    defaults.set(id, { description, duration, size, flags });
  }
}

/** What the header needs to know of fragments: how long their samples play, in the movie's time. */
export interface FragmentsTold {
  readonly duration: number;
}

/** The movie anew. Chunks count from `base`; `fragments` is `null` where no fragments follow. */
export function encodeMovie(movie: Movie, base: number, wide: boolean, fragments: FragmentsTold | null): Parts {
  const { header, tracks } = movie;
  const traks = tracks.flatMap((track, index) => encodeTrack(track, index + 1, header.timescale, base, wide));
  const extends_ = fragments === null ? [] : encodeExtends(movie, fragments);
  return box('moov', encodeMovieHeader(movie), traks, extends_);
}

function encodeMovieHeader({ header, tracks }: Movie): Parts {
  const duration = Math.max(...tracks.map((track) => shownDuration(track, header.timescale)));
  return timedBox('mvhd', 0, duration, 84, (out: Writer, version) => {
    out.u32(header.timescale);
    writeDuration(out, version, duration);
    out.u32(header.rate).u16(header.volume).bytes(Buffer.alloc(10)).bytes(header.matrix).bytes(Buffer.alloc(24));
    out.u32(tracks.length + 1);
  });
}

function encodeExtends({ tracks, defaults }: Movie, { duration }: FragmentsTold): Parts {
  const mehd = fullBox(
    'mehd',
    1,
    0,
    fields(8, (out) => out.u64(duration)),
  );
  const trexes = tracks.flatMap((track, index) => {
    const known = defaults.get(track.sourceId) ?? { description: 1, duration: 0, size: 0, flags: 0 };
    const body = fields(20, (out) => {
      out
        .u32(index + 1)
        .u32(known.description)
        .u32(known.duration)
        .u32(known.size)
        .u32(known.flags);
    });
    return fullBox('trex', 0, 0, body);
  });
  return box('mvex', mehd, trexes);
}
