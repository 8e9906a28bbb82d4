/**
 * The stretches of the result in their order. Which tables are used, and what the profile is, shows only when the whole
 * file has been seen: they keep their places until then.
 */
import { reduceProfile } from '../icc.js';
import { Plan } from '../plan.js';
import type { RemovedTally } from '../removed.js';
import { unreadable } from '../unreadable.js';
import { ProfileCollector, profileSegments } from './application.js';
import type { Table } from './frame.js';
import { APP2, EOI, SOI } from './marker.js';

const MAX_PARTS = 20_000;

type Part =
  | { readonly kind: 'copy'; readonly offset: number; readonly length: number }
  | { readonly kind: 'anew'; readonly bytes: Buffer }
  | { readonly kind: 'tables'; readonly code: number; readonly offset: number; readonly tables: readonly Table[] }
  | { readonly kind: 'profile' };

/** A marker segment of the file: where its content begins, behind marker and length, and that content. */
export interface Segment {
  readonly code: number;
  readonly offset: number;
  readonly content: Buffer;
}

export class Assembly {
  readonly #parts: Part[] = [];
  readonly #usedTables = new Set<string>();
  readonly #profile = new ProfileCollector();

  copy(offset: number, length: number): void {
    this.#add({ kind: 'copy', offset, length });
  }

  segment({ code, offset, content }: Segment): void {
    this.#add({ kind: 'anew', bytes: segmentHead(code, content.length) });
    this.copy(offset, content.length);
  }

  /** A segment written anew. */
  anew(code: number, ...contents: readonly Buffer[]): void {
    this.#add({ kind: 'anew', bytes: Buffer.concat([segmentHead(code, lengthOf(contents)), ...contents]) });
  }

  tables({ code, offset }: Segment, tables: readonly Table[]): void {
    this.#add({ kind: 'tables', code, offset, tables });
  }

  /** A table that the picture needs. All others are left out. */
  use(slot: string): void {
    this.#usedTables.add(slot);
  }

  /** A piece of the profile, which is written where its first piece stood. */
  profilePiece(content: Buffer): void {
    if (this.#profile.isEmpty) this.#add({ kind: 'profile' });
    this.#profile.add(content);
  }

  plan(tally: RemovedTally): Plan {
    const plan = new Plan().bytes(Buffer.from([0xff, SOI]));
    for (const part of this.#parts) this.#emit(plan, part, tally);
    return plan.bytes(Buffer.from([0xff, EOI]));
  }

  #add(part: Part): void {
    if (this.#parts.length >= MAX_PARTS) throw unreadable('too many segments');
    this.#parts.push(part);
  }

  #emit(plan: Plan, part: Part, tally: RemovedTally): void {
    switch (part.kind) {
      case 'copy':
        plan.copy(part.offset, part.length);
        break;
      case 'anew':
        plan.bytes(part.bytes);
        break;
      case 'tables': {
        const used = part.tables.filter(({ slot }) => this.#usedTables.has(slot));
        tally.add('unreferenced-data', part.tables.length - used.length);
        emitTables(plan, part.code, part.offset, used);
        break;
      }
      case 'profile':
        this.#emitProfile(plan, tally);
        break;
    }
  }

  #emitProfile(plan: Plan, tally: RemovedTally): void {
    const profile = this.#profile.profile();
    const reduced = profile === null ? null : reduceProfile(profile);
    const segments = reduced === null ? [] : profileSegments(reduced);
    if (!this.#profile.isExactly(segments)) tally.add('colour-profile-detail');
    for (const segment of segments) plan.bytes(segmentHead(APP2, segment.length)).bytes(segment);
  }
}

function emitTables(plan: Plan, code: number, offset: number, tables: readonly Table[]): void {
  if (tables.some(({ hasZero }) => hasZero)) throw unreadable('a quantization table with a zero');
  if (tables.length === 0) return;
  plan.bytes(segmentHead(code, lengthOf(tables)));
  for (const table of tables) plan.copy(offset + table.offset, table.length);
}

/** Marker and length, which counts itself. */
function segmentHead(code: number, length: number): Buffer {
  return Buffer.from([0xff, code, (length + 2) >> 8, (length + 2) & 0xff]);
}

function lengthOf(parts: readonly { readonly length: number }[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
