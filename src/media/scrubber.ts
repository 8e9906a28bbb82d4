/**
 * Which scrubber scrubs what, and the proof that it did.
 *
 * The proof reads the result as if it were a new upload: the same scrubber must find nothing to remove and plan the same
 * bytes again. What a scrubber overlooks it overlooks twice, so the proof doesn't replace tests with other tools; what it
 * catches is a plan that went wrong and a source that changed between two readings.
 */
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { scrubGif } from './gif/gif.js';
import { scrubJpeg } from './jpeg/jpeg.js';
import type { MediaType } from './media-type.js';
import { scrubMp4 } from './mp4/mp4.js';
import { scrubNote } from './note.js';
import { planned, type Plan } from './plan.js';
import { scrubPng } from './png/png.js';
import type { Scrubber, Scrubbing } from './scrub.js';
import { scrubWebp } from './webp/webp.js';

/** The types that are scrubbed. Notes are only read as text; other types bear no promise. */
const SCRUBBERS: Partial<Readonly<Record<MediaType, Scrubber>>> = {
  'image/jpeg': scrubJpeg,
  'image/png': scrubPng,
  'image/gif': scrubGif,
  'image/webp': scrubWebp,
  'video/mp4': scrubMp4,
  'text/plain': scrubNote,
};

/** Scrubs `source` as `type`. Refuses what doesn't read as that type from beginning to end. */
export async function scrub(source: ByteSource, type: MediaType): Promise<Scrubbing> {
  const scrubber = SCRUBBERS[type];
  if (scrubber === undefined) throw new Refusal('type-not-supported', 'no scrubber for this type');
  return scrubber(source);
}

/** The scrubbed file, after it was read again and nothing was found in it. */
export async function proveClean(scrubbing: Scrubbing, source: ByteSource): Promise<ByteSource> {
  const result = planned(source, scrubbing.plan);
  const again = await scrub(result, scrubbing.type);
  if (again.removed.size > 0 || !(await changesNothing(again.plan, result))) {
    throw new Refusal('unreadable', 'unreadable file: it does not come out clean');
  }
  return result;
}

/** Whether `plan` over `source` gives `source` itself. */
async function changesNothing(plan: Plan, source: ByteSource): Promise<boolean> {
  if (plan.size !== source.size) return false;
  let at = 0;
  for (const piece of plan.pieces) {
    if (piece.kind === 'copy') {
      if (piece.offset !== at) return false;
      at += piece.length;
    } else {
      const bytes = await source.read(at, piece.bytes.length);
      if (!bytes.equals(piece.bytes)) return false;
      at += piece.bytes.length;
    }
  }
  return true;
}
