/**
 * The spool: where an upload waits while it is looked at. Its bytes lie in free units of the store, sealed under a key
 * that exists in memory only, so nothing of an upload is ever on a disk in the clear, and a crash leaves noise. A small one,
 * which is read four times before it is sealed, waits in memory as long as there is room (docs/decisions/035-small-spools.md).
 *
 * Construction: Cobblestone-256 (`crypto/stream.ts`) under a random key; see docs/format/sealed-stream.md.
 * What holds: the bytes can be read at any offset until `release`, which wipes the key and gives the units back, or wipes
 * the bytes. What does not: nothing here is synced, and nothing needs to be.
 */
import type { IncomingMessage } from 'node:http';
import { giveBack, secretBytes, wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { bufferSource, type ByteSource } from '../base/source.js';
import { MiB } from '../base/units.js';
import { CONTEXT } from '../crypto/labels.js';
import { randomSecret } from '../crypto/random.js';
import { openStream } from '../crypto/stream.js';
import type { Arena } from '../store/arena.js';
import { heldSource } from '../store/held-source.js';
import { SealedWriter } from './sealed-writer.js';

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

/** The most bytes of an upload that waits in memory, and of all that do together. */
const SMALL = 8 * MiB;
const ALL_SMALL = 16 * MiB;
let inMemory = 0;

/** Bytes of a request's body as its head says; null where it doesn't. No more than that comes: the parser sees to it. */
export function lengthOf({ headers }: IncomingMessage): number | null {
  const said = headers['content-length'];
  return said === undefined ? null : Number(said);
}

/**
 * Takes in `pieces` to their end. Refuses with 'too-large' after the last piece when there were more than `limits.bytes`,
 * with 'store-full' at once when no unit is free. Whatever it throws, nothing stays behind. Pieces are wiped.
 */
export function spool(arena: Arena, pieces: AsyncIterable<Buffer>, limits: SpoolLimits): Promise<Spooled> {
  const room = Math.min(limits.expected ?? Infinity, limits.bytes);
  const isSmall = room <= SMALL && inMemory + room <= ALL_SMALL;
  return isSmall ? keep(room, pieces, limits) : sealAway(arena, pieces, limits);
}

/** Keeps what comes in memory: `room` bytes at most. */
async function keep(room: number, pieces: AsyncIterable<Buffer>, limits: SpoolLimits): Promise<Spooled> {
  const bytes = secretBytes(room);
  inMemory += room;
  let held = true;
  const release = (): void => {
    if (!held) return;
    held = false;
    inMemory -= room;
    wipe(bytes);
    giveBack(bytes);
  };
  try {
    let length = 0;
    await takeIn(pieces, { ...limits, bytes: room }, (piece) => {
      bytes.set(piece, length);
      length += piece.length;
    });
    // After `release` this has no memory behind it, and reading throws.
    return { source: bufferSource(bytes.subarray(0, length)), release };
  } catch (error) {
    release();
    throw error;
  }
}

async function sealAway(arena: Arena, pieces: AsyncIterable<Buffer>, limits: SpoolLimits): Promise<Spooled> {
  const hold = arena.reserve(1);
  if (hold === null) throw new Refusal('store-full', 'the store is full');
  const key = randomSecret(32);
  const writer = new SealedWriter(arena, hold, key, CONTEXT.spool);
  try {
    await takeIn(pieces, limits, (piece) => writer.add(piece));
    const length = await writer.end();
    const stream = await openStream(key, CONTEXT.spool, heldSource(arena, hold, length));
    if (stream === null) throw new Error('a spool does not open again');
    return {
      source: stream,
      release() {
        stream.close();
        hold.release();
      },
    };
  } catch (error) {
    await writer.abandon();
    hold.release();
    throw error;
  } finally {
    wipe(key);
  }
}

/** Hands each piece to `add` as long as no more than `limits.bytes` came, and wipes it. */
async function takeIn(
  pieces: AsyncIterable<Buffer>,
  limits: SpoolLimits,
  add: (piece: Buffer) => Promise<void> | void,
): Promise<void> {
  let size = 0;
  for await (const piece of pieces) {
    const fitted = size <= limits.bytes;
    size += piece.length;
    limits.onBytes?.(piece.length);
    if (size <= limits.bytes) await add(piece);
    else if (fitted) limits.onTooLarge?.();
    piece.fill(0);
  }
  if (size > limits.bytes) throw new Refusal('too-large', 'the file is too large', { limit: limits.bytes });
}
