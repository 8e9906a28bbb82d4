/**
 * Fragments in a row: carries their samples over one fragment at a time, and keeps count of the time that they play.
 * Of a fragment nothing is held afterwards but its new header.
 */
import { Plan } from '../plan.js';
import { RemovedTally } from '../removed.js';
import { boxHeader, sizeOf, type Box, type Input } from './boxes.js';
import { encodeFragment, playedBy, readFragment, type RenumberedFragment, type TrackFragment } from './fragments.js';
import type { Movie } from './movie.js';
import { durationOf } from './sample-table.js';
import { scrubMedia } from './samples.js';
import { scaled } from './times.js';

/** Fragments that are searched for the first of each track. */
const LOOKED_AT = 16;

export interface ScrubbedFragments {
  readonly plan: Plan;
  /** How long the film is with them, in the movie's time. */
  readonly duration: number;
  /** Bytes of the source that their samples covered. */
  readonly covered: number;
}

/** The fragments at `moofs` anew, in order, without those that have nothing of a kept track; `null` if none is left. */
export async function scrubFragments(
  input: Input,
  movie: Movie,
  moofs: readonly Box[],
  tally: RemovedTally,
): Promise<ScrubbedFragments | null> {
  const plan = new Plan();
  const ends = movie.tracks.map((track) => durationOf(track.table));
  const earlier = await secondsToTakeOff(input, movie, moofs);
  let covered = 0;
  let sequence = 0;
  for (const moof of moofs) {
    const left = input.budget.left;
    const kept = renumbered(await readFragment(input, moof, movie.defaults, tally), movie, earlier);
    for (const part of kept) ends[part.id - 1] = endOf(part, ends[part.id - 1] ?? 0);
    input.budget.restore(left);
    if (kept.length > 0) covered += await scrubFragment(input, movie, kept, ++sequence, plan);
  }
  if (sequence === 0) return null;
  const durations = movie.tracks.map((track, index) =>
    scaled(ends[index] ?? 0, track.timescale, movie.header.timescale),
  );
  return { plan, duration: Math.max(...durations), covered };
}

async function scrubFragment(
  { window, budget }: Input,
  movie: Movie,
  kept: readonly RenumberedFragment[],
  sequence: number,
  plan: Plan,
): Promise<number> {
  const parts = kept.map(({ fragment, id }) => {
    return { samples: fragment.samples, scrubbers: movie.tracks[id - 1]?.descriptions.scrubbers ?? [] };
  });
  const media = new Plan();
  const covered = await scrubMedia(window, budget, parts, media);
  const mediaHeader = boxHeader('mdat', media.size);
  const moof = encodeFragment(kept, sequence, mediaHeader.length);
  budget.tables(sizeOf(moof));
  plan.bytes(Buffer.concat([...moof, mediaHeader]));
  append(plan, media);
  return covered;
}

/** Carries the pieces of `from` to the end of `plan`. */
export function append(plan: Plan, from: Plan): void {
  for (const piece of from.pieces) {
    if (piece.kind === 'copy') plan.copy(piece.offset, piece.length);
    else plan.bytes(piece.bytes);
  }
}

function renumbered(
  fragments: readonly TrackFragment[],
  { tracks }: Movie,
  earlierSeconds: number,
): RenumberedFragment[] {
  return fragments.flatMap((fragment) => {
    const index = tracks.findIndex((track) => track.sourceId === fragment.sourceId);
    const track = tracks[index];
    if (track === undefined || fragment.samples.sizes.length === 0) return [];
    return [{ fragment, id: index + 1, earlier: earlierSeconds * track.timescale }];
  });
}

function endOf({ fragment, earlier }: RenumberedFragment, before: number): number {
  const start = fragment.decodeTime === null ? before : Math.max(0, fragment.decodeTime - earlier);
  return start + playedBy(fragment);
}

/**
 * Whole seconds that lie before the first sample of every track, if all samples are in fragments. Looks at fragments
 * until each track was met with a time, which is the first or second in nearly all files.
 */
async function secondsToTakeOff(input: Input, movie: Movie, moofs: readonly Box[]): Promise<number> {
  if (movie.tracks.some((track) => track.table.samples.sizes.length > 0)) return 0;
  const waiting = new Map(movie.tracks.map((track) => [track.sourceId, track.timescale]));
  let least = Infinity;
  const uncounted = new RemovedTally();
  for (const moof of moofs.slice(0, LOOKED_AT)) {
    const left = input.budget.left;
    for (const { sourceId, decodeTime } of await readFragment(input, moof, movie.defaults, uncounted)) {
      const timescale = waiting.get(sourceId);
      if (timescale === undefined) continue;
      least = Math.min(least, Math.floor((decodeTime ?? 0) / timescale));
      waiting.delete(sourceId);
    }
    input.budget.restore(left);
    if (waiting.size === 0) break;
  }
  return Number.isFinite(least) ? least : 0;
}
