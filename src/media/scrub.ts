/**
 * The door of the scrubbers: one signature for every format.
 *
 * A scrubber keeps what its allow-list names and nothing else. It never changes coded pixels or samples. What it can't
 * read as its format it refuses (`Refusal` 'unreadable' or 'type-not-supported'); it never guesses and never hangs:
 * work is bounded by the size of the source, memory by a constant that its own document gives.
 */
import type { ByteSource } from '../base/source.js';
import type { MediaType } from './media-type.js';
import type { Plan } from './plan.js';
import type { Removed } from './removed.js';

/** How a file comes out: the plan over its source, and what was left behind. */
export interface Scrubbing {
  readonly type: MediaType;
  readonly plan: Plan;
  readonly removed: Removed;
  /** As displayed (orientation applied), where the format says so. */
  readonly width: number | null;
  readonly height: number | null;
}

export type Scrubber = (source: ByteSource) => Promise<Scrubbing>;
