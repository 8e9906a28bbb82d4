/** Gives memory back so that nothing of what was dropped can be read in it any more. */
import { getHeapSpaceStatistics, queryObjects, setFlagsFromString, type HeapSpaceInfo } from 'node:v8';
import type { Idle } from './activity.js';

/** What `gc` of --expose-gc takes beyond what Node's types say; Node 20 passes over `flavor`. */
type Collect = (options?: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/**
 * Collects all that is dead, moves what lives off pages with much room, and lets those go back to the system. Measured: a
 * plain collection may only end one that V8 began while a request was under way. Does nothing without --expose-gc; doctor
 * says so.
 *
 * When it has been quiet for long, what V8 keeps to be quick at the next request goes too, 25 MB of young space after an
 * upload: counting objects makes it collect everything that is available, as in need, which Node 20 has no other call for.
 * And what is free is overwritten, since no collection does that: under load words of finished requests stayed in gaps of
 * pages that were not moved, for as long as nothing else came. Takes 0.2 s or more.
 */
export function collectGarbage(idle: Idle): void {
  const collect = globalThis.gc as unknown as Collect | undefined;
  if (collect === undefined) return;
  collect();
  setFlagsFromString('--compact-on-every-full-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  if (idle === 'long') queryObjects(SharedArrayBuffer, { format: 'count' });
  setFlagsFromString('--no-compact-on-every-full-gc');
  if (idle === 'brief') return;
  overwriteYoung();
  overwriteOld();
}

/** Bytes of an array of two small numbers, and of a symbol, in V8's heap. */
const PAIR = 64;
const SYMBOL = 32;
/** Symbols between two looks at what is left, and bytes of gaps that are as good as none. */
const TURN = 128;
const NONE = 2 * TURN * SYMBOL;
/** Where each object is put, so that the compiler does not leave it out. */
const last: { made: unknown } = { made: null };

/**
 * Overwrites the space in which V8 makes new objects. A collection moves what lives out of it and leaves the rest as it was:
 * its pages are given back only where V8 finds that little was allocated of late. Both halves are filled with dead objects.
 */
function overwriteYoung(): void {
  const pairs = (2 * spaceOf('new_space').space_size) / PAIR;
  for (let number = 0; number < pairs; number++) last.made = [number, 0];
}

/**
 * Overwrites what is free in the space of objects that live long. A collection moves only what is on pages with much room,
 * and of what it leaves on the others it remembers where the gaps are. Symbols are made in that space at once, in those
 * gaps. Pages that are still being swept have more of them than V8 says, so all that is not used is filled at least once.
 */
function overwriteOld(): void {
  const { space_size: size, space_used_size: used } = spaceOf('old_space');
  for (let made = 0; made < size && (made < size - used || gapsAreLeft()); made += TURN * SYMBOL)
    for (let number = 0; number < TURN; number++) last.made = Symbol();
}

function gapsAreLeft(): boolean {
  return spaceOf('old_space').space_available_size > NONE;
}

type Space = Pick<HeapSpaceInfo, 'space_size' | 'space_used_size' | 'space_available_size'>;

function spaceOf(name: string): Space {
  const none = { space_size: 0, space_used_size: 0, space_available_size: 0 };
  return getHeapSpaceStatistics().find(({ space_name: known }) => known === name) ?? none;
}
