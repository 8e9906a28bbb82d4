/**
 * A whole log: written blank at the beginning of an epoch, read at a start (docs/format/store.md, "Log").
 *
 * What holds, and why: one page is in flight at a time and each is synced before the next, so a kill can leave at most
 * one page that opens under neither key, behind all that were acknowledged. Everything else that doesn't open is damage
 * and is named; nothing acknowledged is ever cut off.
 */
import { giveBack, secretBytes, wipe } from '../base/bytes.js';
import { StoreFault } from '../base/errors.js';
import type { EpochKeys } from './epoch.js';
import type { OpenFile, SetName } from './files.js';
import type { Geometry } from './geometry.js';
import { openPage, sealBlank, sealPage, type Page, type PageState } from './log-page.js';
import type { Sealer } from './sealer.js';

/** Pages read or written with one call. */
const STRETCH = 64;

const RESTORE =
  'put back a copy of the data folder that was made while the service was stopped, or begin anew with `chatpic init`';

/** Entries of one commit, with the clock that they were made at. */
export interface Commit {
  readonly clock: number;
  readonly entries: readonly Buffer[];
}

export interface LogReading {
  readonly epoch: number;
  /** Clock of the last page that opens. */
  readonly clock: number;
  readonly commits: readonly Commit[];
  /** A page that was in flight when the machine died was cut off. It was never acknowledged. */
  readonly torn: boolean;
}

/** Writes all of a log: the mark, then blanks. The caller syncs. */
export async function writeBlankLog(
  sealer: Sealer,
  file: OpenFile,
  keys: EpochKeys,
  geometry: Geometry,
  mark: { readonly epoch: number; readonly clock: number },
): Promise<void> {
  const { pageBytes, pages } = geometry;
  for (let first = 0; first < pages; first += STRETCH) {
    const count = Math.min(STRETCH, pages - first);
    const stretch = Buffer.from(new ArrayBuffer(count * pageBytes));
    for (let i = 0; i < count; i++) {
      const index = first + i;
      const sealed =
        index === 0
          ? sealPage(sealer, keys, pageBytes, 0, { kind: 'mark', ...mark })
          : sealBlank(sealer, keys, pageBytes, index);
      sealed.copy(stretch, i * pageBytes);
      giveBack(sealed);
    }
    await file.write(stretch, first * pageBytes);
  }
}

/** Reads and checks all of a log. Damage is thrown as a fault that names the page. The caller wipes the entries. */
export async function readLog(
  sealer: Sealer,
  file: OpenFile,
  set: SetName,
  keys: EpochKeys,
  geometry: Geometry,
): Promise<LogReading> {
  const states = await readPages(sealer, file, keys, geometry);
  try {
    const first = states[0];
    if (first?.kind !== 'written' || first.page.kind !== 'mark') throw damaged(set, 0, 'its first page is missing');
    const end = states.findIndex((state) => state.kind !== 'written');
    const written = end < 0 ? states.length : end;
    const torn = states[written]?.kind === 'torn';
    const odd = states.findIndex((state, index) => index >= written + (torn ? 1 : 0) && state.kind !== 'blank');
    if (odd >= 0) throw damaged(set, torn ? written : odd, 'pages behind it were written, or are damaged too');
    const commits = collect(
      set,
      states.slice(1, written).map((state) => pageOf(state)),
    );
    return { epoch: first.page.epoch, clock: pageOf(states[written - 1]).clock, commits, torn };
  } finally {
    for (const state of states) if (state.kind === 'written') wipe(state.plaintext);
  }
}

async function readPages(
  sealer: Sealer,
  file: OpenFile,
  keys: EpochKeys,
  { pageBytes, pages }: Geometry,
): Promise<PageState[]> {
  const states: PageState[] = [];
  const stretch = Buffer.from(new ArrayBuffer(STRETCH * pageBytes));
  for (let first = 0; first < pages; first += STRETCH) {
    const count = Math.min(STRETCH, pages - first);
    await file.read(stretch.subarray(0, count * pageBytes), first * pageBytes);
    for (let i = 0; i < count; i++) {
      const sealed = stretch.subarray(i * pageBytes, (i + 1) * pageBytes);
      states.push(openPage(sealer, keys, first + i, sealed));
    }
  }
  return states;
}

function pageOf(state: PageState | undefined): Page {
  if (state?.kind !== 'written') throw new Error('a page that was counted as written');
  return state.page;
}

/** Puts the parts of long entries together. One whose last part is missing was never acknowledged and is left out. */
function collect(set: SetName, pages: readonly Page[]): Commit[] {
  const commits: Commit[] = [];
  let parts: Buffer[] = [];
  for (const [index, page] of pages.entries()) {
    if (page.kind === 'part') {
      parts.push(page.bytes);
      if (!page.last) continue;
      commits.push({ clock: page.clock, entries: [copyOf(parts)] });
      parts = [];
    } else {
      if (page.kind === 'mark' || parts.length > 0) throw damaged(set, index + 1, 'it stands where it cannot');
      commits.push({ clock: page.clock, entries: page.entries.map((entry) => copyOf([entry])) });
    }
  }
  return commits;
}

function copyOf(parts: readonly Buffer[]): Buffer {
  const whole = secretBytes(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function damaged(set: SetName, page: number, what: string): StoreFault {
  return new StoreFault(`log.${set}`, `page ${page} of log.${set} is damaged: ${what}`, RESTORE);
}
