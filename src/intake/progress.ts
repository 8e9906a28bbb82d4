/** Uploads in flight, as their sender may watch them: counts and stages, in memory, gone when the upload ends. */
import type { Brand } from '../base/brand.js';
import { SECOND } from '../base/units.js';

/** Comes with a form and names one upload of it. Whoever has it may watch the upload; it opens nothing. */
export type UploadId = Brand<string, 'UploadId'>;

const UPLOAD_ID = /^[0-9A-Za-z]{22}$/;

/** Null = malformed. */
export function parseUploadId(text: string | undefined): UploadId | null {
  return text !== undefined && UPLOAD_ID.test(text) ? (text as UploadId) : null;
}

export type Stage = 'receiving' | 'checking' | 'scrubbing' | 'sealing' | 'done' | 'too-large' | 'refused';

export interface ProgressState {
  readonly stage: Stage;
  readonly received: number;
  /** Bytes of the request's body; null where the client did not say. */
  readonly expected: number | null;
  /** Milliseconds on a monotonic clock since the upload began. */
  readonly elapsed: number;
  /** It has ended, in the stage that is told. */
  readonly over: boolean;
}

/** One upload's own end of its progress. Every method is cheap; ending twice does nothing. */
export interface ProgressReport {
  received(count: number): void;
  stage(stage: Stage): void;
  /** It has ended, however: told for a moment longer, so that whoever watches hears how. */
  end(): void;
}

export const unwatched: ProgressReport = { received: () => undefined, stage: () => undefined, end: () => undefined };

interface Entry {
  stage: Stage;
  received: number;
  readonly expected: number | null;
  readonly begun: number;
  overAt: number | null;
}

/** More uploads than are ever in flight at once; beyond it the oldest is no longer shown. */
const MOST = 256;
/** Watchers look every few seconds. */
const TOLD_AFTER = 30 * SECOND;

export class ProgressBoard {
  readonly #entries = new Map<UploadId, Entry>();
  readonly #monotonic: () => number;

  constructor(monotonic: () => number) {
    this.#monotonic = monotonic;
  }

  /** Begins to show an upload. The same ID once more, from a browser that sent its form again, shows the newer one. */
  begin(id: UploadId | null, expected: number | null): ProgressReport {
    if (id === null) return unwatched;
    const entry: Entry = { stage: 'receiving', received: 0, expected, begun: this.#monotonic(), overAt: null };
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > MOST && oldest !== undefined) this.#entries.delete(oldest);
    return {
      received: (count) => void (entry.received += count),
      stage: (stage) => void (entry.stage = stage),
      end: () => void (entry.overAt ??= this.#monotonic()),
    };
  }

  /** What there is to show; null = no upload of that ID is in flight (any more, or yet). */
  read(id: UploadId): ProgressState | null {
    const entry = this.#entries.get(id);
    if (entry === undefined) return null;
    const { stage, received, expected, begun, overAt } = entry;
    const now = this.#monotonic();
    if (overAt !== null && now - overAt > TOLD_AFTER) {
      this.#entries.delete(id);
      return null;
    }
    return { stage, received, expected, elapsed: (overAt ?? now) - begun, over: overAt !== null };
  }
}
