/**
 * The places where an upload can wait (`spool.ts`): in memory, in free units of the store under a key that only memory has, or
 * in the one until it gives way, and then in the other.
 */
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { CONTEXT } from '../crypto/labels.js';
import { randomSecret } from '../crypto/random.js';
import { openStream, type OpenedStream } from '../crypto/stream.js';
import type { Arena, Hold } from '../store/arena.js';
import { heldSource } from '../store/held-source.js';
import { done, KeptBytes } from './kept-bytes.js';
import { SealedWriter } from './sealed-writer.js';

/** Where one upload is put, piece by piece. */
export interface Place {
  /** Takes `piece` over. One is added after the other. */
  add(piece: Buffer): Promise<void>;
  /** All has come; it can be read until `release`. */
  end(): Promise<ByteSource>;
  /** After `end`. Safe to call twice. */
  release(): void;
  /** Before `end`, or where that failed: nothing is left of it. */
  abandon(): Promise<void>;
}

export class InMemory implements Place {
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

export class InStore implements Place {
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
export class Alone implements Place {
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
