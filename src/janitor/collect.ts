/** Gives memory back so that nothing of what was dropped can be read in it any more. */
import { queryObjects, setFlagsFromString } from 'node:v8';
import type { Idle } from './activity.js';

/** What `gc` of --expose-gc takes beyond what Node's types say; Node 20 passes over `flavor`. */
type Collect = (options?: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/**
 * Lets four times as much lie there as was alive at the last collection before V8 begins one by itself; twice is its own
 * measure. It counts uploads that wait in memory, which live for a moment, as if they were its heap: of 50 MB every fifteen
 * began a collection of everything, a third of the upload's processor time. What is left when it is quiet is collected as before.
 */
export function collectLate(): void {
  setFlagsFromString('--heap-growing-percent=300');
}

/**
 * Collects all that is dead and moves all that lives to new pages, so that old ones go back to the system. Measured: a plain
 * collection may only end one that V8 began while a request was under way, and leaves strings in the gaps of pages that it
 * did not move, for as long as nothing else comes. Does nothing without --expose-gc; doctor says so.
 *
 * When it has been quiet for long, everything that is available is collected, as in need, until there is no more: counting
 * objects does that, which Node 20 has no other call for. What V8 keeps to be quick at the next request goes too, 25 MB of
 * young space after an upload. Takes 0.2 s or more.
 */
export function collectGarbage(idle: Idle): void {
  const collect = globalThis.gc as unknown as Collect | undefined;
  if (collect === undefined) return;
  collect();
  setFlagsFromString('--compact-on-every-full-gc');
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
  if (idle === 'long') queryObjects(SharedArrayBuffer, { format: 'count' });
  setFlagsFromString('--no-compact-on-every-full-gc');
}
