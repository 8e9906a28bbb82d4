/**
 * The door for intake: what is to become of an upload, decided on this machine from what the decoder made of it.
 *
 * What holds: 'clear' leaves no trace: no hash, no score, no count of it is kept anywhere (invariant 21). The hashes are
 * wiped before the verdict is given.
 * What does not hold: a list knows what is on it and a model guesses. Both are means to help people decide; the only
 * thing decided without a human is that a known file is not taken.
 */
import { wipe } from '../base/bytes.js';
import { unreachable } from '../base/errors.js';
import type { BlockLists, FileDigests, Match } from './block-list.js';
import type { ListReason } from './block-list-format.js';
import type { Classifier } from './classifier/classifier.js';
import type { RgbPicture } from './classifier/tensor.js';
import { MIN_QUALITY } from './list-parse.js';
import { DIHEDRALS, pdqDihedral, type LumaPlane, type PdqHash } from './pdq.js';
import { withoutBorders } from './plane-crop.js';

export type BorderlineReason =
  /** On a list that asks for a human's eye. */
  | 'listed'
  /** Like something on a list that refuses, but too flat a picture to be sure. */
  | 'perhaps-listed'
  /** Explicit, in the model's view. */
  | 'explicit';

/** How soon a human should look: 3 first. */
export type Severity = 1 | 2 | 3;

export type Verdict =
  | { readonly kind: 'clear' }
  | { readonly kind: 'borderline'; readonly reason: BorderlineReason; readonly severity: Severity }
  | { readonly kind: 'prohibited'; readonly reason: ListReason };

/** What there is to look at. Only read; whoever made the planes wipes them. */
export interface ReviewInput {
  /** Of the file as it came and as it was scrubbed; at least the kinds that `BlockLists.wanted` names. */
  readonly digests: readonly FileDigests[];
  /** The picture, or the sample frames of an animation or a video. None for a note. */
  readonly lumas: readonly LumaPlane[];
  /** The same in colour, for the classifier. */
  readonly pictures: readonly RgbPicture[];
}

export interface Reviewer {
  /** Rejects with `Refusal` 'busy' when the classifier has too much to do; the upload is turned away then, not waved through. */
  review(input: ReviewInput): Promise<Verdict>;
}

export interface ReviewerOptions {
  readonly lists: BlockLists;
  readonly classifier: Classifier;
  /** Bits in which two pictures may differ and still count as the same, 0 to 31. */
  readonly radius: number;
  /** Called for each upload that a configured but failing classifier did not see: to count, nothing else. */
  readonly onUnchecked?: () => void;
}

const CLEAR: Verdict = { kind: 'clear' };

export function createReviewer({ lists, classifier, radius, onUnchecked }: ReviewerOptions): Reviewer {
  return {
    async review({ digests, lumas, pictures }) {
      const listed = verdictOfLists(lists, digests, lumas, radius);
      if (listed.kind !== 'clear') return listed;
      if (pictures.length === 0 || classifier.status.kind === 'missing') return CLEAR;
      const explicit = await classifier.isExplicit(pictures);
      if (explicit === null) onUnchecked?.();
      return explicit === true ? { kind: 'borderline', reason: 'explicit', severity: 1 } : CLEAR;
    },
  };
}

function verdictOfLists(
  lists: BlockLists,
  digests: readonly FileDigests[],
  lumas: readonly LumaPlane[],
  radius: number,
): Verdict {
  const { sure, flat } = appearances(lumas);
  try {
    const match = lists.match(digests, sure, radius);
    if (match !== null) return verdictOf(match);
    const perhaps = flat.length > 0 ? lists.match([], flat, radius) : null;
    return perhaps === null ? CLEAR : { kind: 'borderline', reason: 'perhaps-listed', severity: severityOf(perhaps) };
  } finally {
    wipe(...sure, ...flat);
  }
}

/** All turns of all frames, with and without plain borders: of those with enough to see, and of the flat ones, whose hashes are half noise. */
function appearances(lumas: readonly LumaPlane[]): { sure: PdqHash[]; flat: PdqHash[] } {
  const sure: PdqHash[] = [];
  const flat: PdqHash[] = [];
  for (const luma of lumas) {
    const inner = withoutBorders(luma);
    for (const found of [pdqDihedral(luma), inner && pdqDihedral(inner)]) {
      // Quality 0 is one colour: its hash says nothing at all.
      if (found === null || found.quality === 0) continue;
      (found.quality >= MIN_QUALITY ? sure : flat).push(...DIHEDRALS.map((turn) => found.hashes[turn]));
    }
    wipe(inner?.data);
  }
  return { sure, flat };
}

function verdictOf(match: Match): Verdict {
  switch (match.list.action) {
    case 'refuse':
      return { kind: 'prohibited', reason: match.list.reason };
    case 'review':
      return { kind: 'borderline', reason: 'listed', severity: severityOf(match) };
    default:
      return unreachable(match.list.action);
  }
}

function severityOf({ list }: Match): Severity {
  return list.reason === 'child-abuse' ? 3 : 2;
}
