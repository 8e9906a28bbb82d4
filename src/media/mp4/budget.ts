/**
 * What one file may cost. Tables of a file are held in memory, its media data never: this is where their sum is bounded,
 * before anything is read or allocated, whatever the counts in the file claim.
 */
import { MiB } from '../../base/units.js';
import { unreadable } from './refuse.js';

/** Bytes of tables, read or made, that one file may have: enough for about three million samples. */
export const TABLE_BYTES = 64 * MiB;

/** Boxes that are walked over in one file: two hours in fragments of one picture each, and then some. */
export const MAX_BOXES = 4_000_000;

export class Budget {
  #tables = TABLE_BYTES;
  #boxes = MAX_BOXES;
  #media: number;
  #samples: number;

  /** `size` is the size of the source: samples can't be longer in sum, unless they share bytes, nor be more. */
  constructor(size: number) {
    this.#media = size;
    this.#samples = size;
  }

  tables(bytes: number): void {
    this.#tables -= bytes;
    if (this.#tables < 0) unreadable('its tables are larger than any real video needs');
  }

  /** So many samples that are told by their number alone: by one size for all, or by defaults. */
  samples(count: number): void {
    this.#samples -= count;
    if (this.#samples < 0) unreadable('it has more samples than bytes');
  }

  /** What is left for tables now: to be restored when what was taken since is held no longer. */
  get left(): number {
    return this.#tables;
  }

  restore(left: number): void {
    this.#tables = left;
  }

  box(): void {
    if (--this.#boxes < 0) unreadable('it has more boxes than any real video needs');
  }

  media(bytes: number): void {
    this.#media -= bytes;
    if (this.#media < 0) unreadable('its samples are longer than the file');
  }
}
