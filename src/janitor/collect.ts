/** Gives memory back so that nothing of what was dropped can be read in it any more. */
import { queryObjects, setFlagsFromString } from 'node:v8';
import type { Idle } from './activity.js';

/** What `gc` of --expose-gc takes beyond what Node's types say; Node 20 passes over `flavor`. */
type Collect = (options?: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void;

/**
 * Collects all that is dead and moves all that lives to new pages, so that old ones go back to the system; with
 * --clear-free-memory what stays is zeroed. Measured: a plain collection may only end one that V8 began while a request
 * was under way, and leaves strings in pages that it did not move. Does nothing without --expose-gc; doctor says so.
 *
 * When it has been quiet for long, what V8 keeps to be quick at the next request goes too: 25 MB of young space, after an upload. Counting
 * objects makes it collect everything that is available, as in need, which Node 20 has no other call for. Takes 0.2 s or more.
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
