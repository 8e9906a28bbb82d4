/**
 * What a scrubber took out, counted by kind. Kinds are words of ours; the values that were removed are never kept,
 * shown or counted by size.
 */
export type RemovedKind =
  | 'location'
  | 'camera'
  | 'date'
  | 'serial-number'
  | 'author'
  | 'software'
  | 'thumbnail'
  | 'embedded-picture'
  | 'embedded-video'
  | 'comment'
  | 'description'
  | 'edit-history'
  | 'maker-note'
  | 'colour-profile-detail'
  | 'metadata-block'
  | 'hidden-track'
  | 'encoder-note'
  | 'unreferenced-data'
  | 'trailing-data'
  | 'unknown-block';

/** Counts by kind; kinds that were not met are absent. */
export type Removed = ReadonlyMap<RemovedKind, number>;

export class RemovedTally {
  readonly #counts = new Map<RemovedKind, number>();

  add(kind: RemovedKind, count = 1): void {
    if (count > 0) this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + count);
  }

  get counts(): Removed {
    return this.#counts;
  }
}
