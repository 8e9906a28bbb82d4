/**
 * The spool: where an upload waits while it is looked at. Its bytes lie in free units of the store, sealed under a key
 * that exists in memory only, so nothing of an upload is ever on a disk in the clear, and a crash leaves noise.
 *
 * Construction: Cobblestone-256 (`crypto/stream.ts`) under a random key; see docs/format/sealed-stream.md.
 * What holds: the bytes can be read at any offset until `release`, which wipes the key and gives the units back.
 * What does not: nothing here is synced, and nothing needs to be.
 */
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
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
}

/**
 * Takes in `pieces` to their end. Refuses with 'too-large' after the last piece when there were more than `limits.bytes`,
 * with 'store-full' at once when no unit is free. Whatever it throws, nothing stays behind. Pieces are wiped.
 */
export async function spool(arena: Arena, pieces: AsyncIterable<Buffer>, limits: SpoolLimits): Promise<Spooled> {
  const hold = arena.reserve(1);
  if (hold === null) throw new Refusal('store-full', 'the store is full');
  const key = randomSecret(32);
  const writer = new SealedWriter(arena, hold, key, CONTEXT.spool);
  try {
    await takeIn(writer, pieces, limits);
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

async function takeIn(writer: SealedWriter, pieces: AsyncIterable<Buffer>, limits: SpoolLimits): Promise<void> {
  let size = 0;
  for await (const piece of pieces) {
    const fitted = size <= limits.bytes;
    size += piece.length;
    limits.onBytes?.(piece.length);
    if (size <= limits.bytes) await writer.add(piece);
    else if (fitted) limits.onTooLarge?.();
    piece.fill(0);
  }
  if (size > limits.bytes) throw new Refusal('too-large', 'the file is too large', { limit: limits.bytes });
}
