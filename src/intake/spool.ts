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
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { MiB } from '../base/units.js';
import { CONTEXT } from '../crypto/labels.js';
import { randomSecret } from '../crypto/random.js';
import { openStream, type OpenedStream } from '../crypto/stream.js';
import type { Arena, Hold } from '../store/arena.js';
import { heldSource } from '../store/held-source.js';
import { done, giveBackSlabs, KeptBytes, memoryFor } from './kept-bytes.js';
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

/** Where one upload is put, piece by piece. */
interface Place {
  /** Takes `piece` over. One is added after the other. */
  add(piece: Buffer): Promise<void>;
  /** All has come; it can be read until `release`. */
  end(): Promise<ByteSource>;
  /** After `end`. Safe to call twice. */
  release(): void;
  /** Before `end`, or where that failed: nothing is left of it. */
  abandon(): Promise<void>;
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

class InMemory implements Place {
  readonly #kept: KeptBytes;

  constructor(most: number) {
    this.#kept = new KeptBytes(most);
  }

  add(piece: Buffer): Promise<void> {
    this.#kept.add(piece);
    return Promise.resolve();
  }

  end(): Promise<ByteSource> {
    return Promise.resolve(this.#kept.source());
  }

  release(): void {
    this.#kept.release();
  }

  abandon(): Promise<void> {
    this.#kept.release();
    return Promise.resolve();
  }

  async moveTo(other: Place): Promise<void> {
    try {
      for (const piece of this.#kept.drain()) await other.add(piece);
    } finally {
      this.#kept.release();
    }
  }
}

class InStore implements Place {
  readonly #arena: Arena;
  readonly #hold: Hold;
  readonly #key = randomSecret(32);
  readonly #writer: SealedWriter;
  #stream: OpenedStream | null = null;

  constructor(arena: Arena) {
    const hold = arena.reserve(1);
    if (hold === null) throw new Refusal('store-full', 'the store is full');
    this.#arena = arena;
    this.#hold = hold;
    this.#writer = new SealedWriter(arena, hold, this.#key, CONTEXT.spool);
  }

  async add(piece: Buffer): Promise<void> {
    await this.#writer.add(piece);
    done(piece);
  }

  async end(): Promise<ByteSource> {
    const length = await this.#writer.end();
    this.#stream = await openStream(this.#key, CONTEXT.spool, heldSource(this.#arena, this.#hold, length));
    if (this.#stream === null) throw new Error('a spool does not open again');
    wipe(this.#key);
    return this.#stream;
  }

  release(): void {
    this.#stream?.close();
    this.#hold.release();
  }

  async abandon(): Promise<void> {
    wipe(this.#key);
    await this.#writer.abandon();
    this.release();
  }
}

/** In memory until it gives way to another; in the store from then on. */
class Alone implements Place {
  readonly #arena: Arena;
  #place: InMemory | InStore;
  /** Begun once; nothing is added before it has ended. */
  #moving: Promise<void> | null = null;
  #isWhole = false;

  constructor(arena: Arena, most: number) {
    this.#arena = arena;
    this.#place = new InMemory(most);
  }

  /** One that has come whole stays where it is: it will soon be gone. So does one for which the store has no unit. */
  giveWay(): void {
    const place = this.#place;
    if (this.#isWhole || place instanceof InStore || this.#arena.capacity().free === 0) return;
    const store = new InStore(this.#arena);
    this.#place = store;
    this.#moving = place.moveTo(store);
    // A failure is met by the next piece or at the end; until then it must not count as unhandled.
    this.#moving.catch(() => undefined);
  }

  async add(piece: Buffer): Promise<void> {
    if (this.#moving !== null) await this.#moving;
    await this.#place.add(piece);
  }

  async end(): Promise<ByteSource> {
    this.#isWhole = true;
    await this.#moving;
    return this.#place.end();
  }

  release(): void {
    this.#place.release();
  }

  async abandon(): Promise<void> {
    this.#isWhole = true;
    await this.#moving?.catch(() => undefined);
    await this.#place.abandon();
  }
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
