import { Refusal } from '../base/errors.js';

/** The refusal of a file that is not what its first bytes say. `what` names the part, never anything that stands in it. */
export function unreadable(what: string): Refusal {
  return new Refusal('unreadable', `unreadable file: ${what}`);
}
