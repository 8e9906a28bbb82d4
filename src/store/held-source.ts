/** Units of the arena that somebody holds, as a source of bytes. */
import type { ByteSource } from '../base/source.js';
import type { Arena, Hold } from './arena.js';

/** The first `size` bytes of held units, as a source. */
export function heldSource(arena: Arena, hold: Pick<Hold, 'units'>, size: number): ByteSource {
  return {
    size,
    read: (offset, length) => arena.read(hold.units, offset, Math.max(0, Math.min(length, size - offset))),
    async readInto(offset, out) {
      const wanted = Math.max(0, Math.min(out.length, size - offset));
      await arena.readInto(hold.units, offset, out.subarray(0, wanted));
      return wanted;
    },
  };
}
