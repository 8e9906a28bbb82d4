/** The scrubber of notes: text is what it says. It must be UTF-8 without NUL; a byte order mark at its head goes. */
import { Refusal } from '../base/errors.js';
import { readInOrder } from '../base/source.js';
import { Plan } from './plan.js';
import { RemovedTally } from './removed.js';
import type { Scrubber } from './scrub.js';

const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export const scrubNote: Scrubber = async (source) => {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  for await (const piece of readInOrder(source)) {
    if (piece.includes(0)) throw new Refusal('unreadable', 'a note holds a NUL byte');
    try {
      decoder.decode(piece, { stream: true });
    } catch {
      throw new Refusal('unreadable', 'a note is not UTF-8');
    }
    piece.fill(0);
  }
  try {
    decoder.decode();
  } catch {
    throw new Refusal('unreadable', 'a note ends inside a character');
  }
  const marked = (await source.read(0, BYTE_ORDER_MARK.length)).equals(BYTE_ORDER_MARK);
  const skip = marked ? BYTE_ORDER_MARK.length : 0;
  const plan = new Plan().copy(skip, source.size - skip);
  return { type: 'text/plain', plan, removed: new RemovedTally().counts, width: null, height: null };
};
