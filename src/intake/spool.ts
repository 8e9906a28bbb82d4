/**
 * The spool: where an upload waits while it is looked at. Its bytes lie in free units of the store, sealed under a key
 * that exists in memory only, so nothing of an upload is ever on a disk in the clear, and a crash leaves noise. What is read
 * four times before it is sealed waits in memory instead, as long as there is room (docs/decisions/035-uploads-in-memory.md):
 * small ones together, and one large one, which goes on in the store as soon as another comes.
 *
 * Construction: Cobblestone-256 (`crypto/stream.ts`) under a random key; see docs/format/sealed-stream.md.
 * What holds: the bytes can be read at any offset until `release`, which wipes the key and gives the units back, or wipes
 * the bytes. What does not: nothing here is synced, and nothing needs to be.
 */
import type { IncomingMessage } from 'node:http';
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { MiB } from '../base/units.js';
import type { Arena } from '../store/arena.js';
import { done, giveBackSlabs, memoryFor } from './kept-bytes.js';
import { Alone, InMemory, InStore, type Place } from './spool-places.js';

/** An upload as received: readable at any offset. The owner releases it, whatever becomes of it. */
export interface Spooled {
  readonly source: ByteSource;
  /** Wipes the key and gives the units back. Safe to call twice. */
  release(): void;
}

export interface SpoolLimits {
  /** The most bytes that are kept. What comes beyond is read and thrown away, so that the client sees the answer. */
  readonly bytes: number;
  /** Called with the size of each piece as it arrives. */
  readonly onBytes?: (count: number) => void;
  /** Called once, when the limit is passed and the rest is only drained. */
  readonly onTooLarge?: () => void;
  /** The most bytes that can come, where the client said so: its whole body. Null = it did not. */
  readonly expected: number | null;
}

/** The most bytes of a small upload, and of all of them together that wait in memory. */
const SMALL = 8 * MiB;
const ALL_SMALL = 16 * MiB;
/** The most bytes of a large one that waits in memory while it is the only large one. */
const LARGE = 64 * MiB;

let smallBytes = 0;
let largeOnes = 0;
let alone: Alone | null = null;

/** Bytes of a request's body as its head says; null where it doesn't. No more than that comes: the parser sees to it. */
export function lengthOf({ headers }: IncomingMessage): number | null {
  const said = headers['content-length'];
  return said === undefined ? null : Number(said);
}

/**
 * Takes in `pieces` to their end. Refuses with 'too-large' after the last piece when there were more than `limits.bytes`,
 * with 'store-full' when no unit is free. Whatever it throws, nothing stays behind. Pieces are wiped.
 */
export async function spool(arena: Arena, pieces: AsyncIterable<Buffer>, limits: SpoolLimits): Promise<Spooled> {
  const { place, leave } = placeFor(arena, Math.min(limits.expected ?? Infinity, limits.bytes));
  try {
    await takeIn(pieces, limits, (piece) => place.add(piece));
    const source = await place.end();
    let held = true;
    const release = (): void => {
      if (held) leave();
      held = false;
      place.release();
    };
    return { source, release };
  } catch (error) {
    leave();
    await place.abandon();
    throw error;
  }
}

interface Taken {
  readonly place: Place;
  /** Its room is free for others. To be called once. */
  readonly leave: () => void;
}

function placeFor(arena: Arena, room: number): Taken {
  const memory = memoryFor(room);
  if (room <= SMALL && smallBytes + memory <= ALL_SMALL) {
    smallBytes += memory;
    return { place: new InMemory(room), leave: () => void (smallBytes -= memory) };
  }
  alone?.giveWay();
  if (largeOnes > 0) giveBackSlabs();
  const first = largeOnes === 0 && room <= LARGE ? new Alone(arena, room) : null;
  const place = first ?? new InStore(arena);
  alone = first;
  largeOnes++;
  const leave = (): void => {
    largeOnes--;
    if (alone === place) alone = null;
  };
  return { place, leave };
}

/** Hands each piece to `add` as long as no more than `limits.bytes` came; the rest is wiped. */
async function takeIn(
  pieces: AsyncIterable<Buffer>,
  limits: SpoolLimits,
  add: (piece: Buffer) => Promise<void>,
): Promise<void> {
  let size = 0;
  for await (const piece of pieces) {
    const { length } = piece;
    const fitted = size <= limits.bytes;
    size += length;
    limits.onBytes?.(length);
    if (size <= limits.bytes) {
      await add(piece);
      continue;
    }
    if (fitted) limits.onTooLarge?.();
    done(piece);
  }
  if (size > limits.bytes) throw new Refusal('too-large', 'the file is too large', { limit: limits.bytes });
}
