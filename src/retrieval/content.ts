/**
 * The opened content of a share: its front part and its items, readable at any range, until it is closed.
 *
 * What holds: nothing is handed out that is not authentic; `close` wipes what opens it and gives the units back; an opening
 * keeps no name and no caption in memory: they are read anew from the sealed front part when they are asked for.
 */
import { giveBack, wipe } from '../base/bytes.js';
import type { ByteSource } from '../base/source.js';
import { hmacSha256, sha256 } from '../crypto/hash.js';
import { CONTEXT, LABEL } from '../crypto/labels.js';
import type { ShareKey } from '../crypto/share-key.js';
import { CHUNK_LENGTH, openStream, plaintextThatFits, sealedLength, type OpenedStream } from '../crypto/stream.js';
import { FRONT_HEAD, frontLength, parseFront, type Front } from '../intake/front.js';
import type { Arena, Hold } from '../store/arena.js';
import { heldSource } from '../store/held-source.js';

/** Content leaves in pieces of whole chunks: no chunk is opened twice for one answer. */
const PIECE = 16 * CHUNK_LENGTH;

/** How fast content is read where many read at once. */
export interface Pacing {
  /** Bytes of the next piece, in whole chunks. */
  pieceBytes(): number;
  /** Runs `read` when it is its turn, as an answer of which so many bytes were `served`. */
  turn<T>(read: () => Promise<T>, served: number): Promise<T>;
}

const ALONE: Pacing = { pieceBytes: () => PIECE, turn: (read) => read() };

export class Content {
  readonly #stream: OpenedStream;
  readonly #release: () => void;
  /** Derived from the share's key, one way: a strong entity tag can be made from it, and nothing opened. */
  readonly #tagSeed: Buffer;
  readonly #onClose: (() => void)[] = [];
  #open = true;

  private constructor(stream: OpenedStream, release: () => void, tagSeed: Buffer) {
    this.#stream = stream;
    this.#release = release;
    this.#tagSeed = tagSeed;
  }

  /**
   * Opens what `hold` holds with `key`, which stays the caller's. Null = it does not open with this key. Takes the hold
   * over when it opens, and leaves it to the caller otherwise.
   */
  static open(arena: Arena, hold: Hold, key: ShareKey): Promise<Content | null> {
    const room = hold.units.length * arena.unitBytes;
    const sealed = heldSource(arena, hold, sealedLength(plaintextThatFits(room)));
    return Content.openFrom(sealed, key, () => hold.release());
  }

  /**
   * Opens the sealed stream that fills `sealed` with the 32 bytes of `key`, which stays the caller's. Null = it does not
   * open with this key. `release` is called once, at the end of what was opened.
   */
  static async openFrom(sealed: ByteSource, key: Uint8Array, release: () => void): Promise<Content | null> {
    const stream = await openStream(key, CONTEXT.share, sealed);
    if (stream === null) return null;
    const content = new Content(stream, release, hmacSha256(key, LABEL.entityTag));
    // The first chunk is read here: what is damaged at its head must be found before a view is taken.
    try {
      await content.front();
    } catch (error) {
      stream.close();
      throw error;
    }
    return content;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** Caption and items. */
  async front(): Promise<Front> {
    const first = await this.#stream.read(0, CHUNK_LENGTH);
    const length = frontLength(first.subarray(0, FRONT_HEAD));
    if (length === null) throw new Error('a share has no front part');
    const bytes = length <= first.length ? first.subarray(0, length) : await this.#stream.read(0, length);
    const front = parseFront(bytes);
    wipe(first, bytes);
    giveBack(first);
    return front;
  }

  /** `length` bytes at `offset` of the plaintext, in a buffer of the caller's. */
  read(offset: number, length: number): Promise<Buffer> {
    return this.#stream.read(offset, length);
  }

  /** A span of the plaintext as a source of its own. */
  span(offset: number, size: number): ByteSource {
    return {
      size,
      read: (at, length) => this.#stream.read(offset + at, Math.max(0, Math.min(length, size - at))),
    };
  }

  /**
   * The bytes from `start` to `end` in order; the next piece is read while the caller works on one. Pieces are the caller's.
   * `pacing` says how long each may be and when it may be read.
   */
  async *pieces(start: number, end: number, pacing: Pacing = ALONE): AsyncGenerator<Buffer, void, undefined> {
    const read = (at: number): Promise<Buffer> =>
      pacing.turn(() => {
        const most = pacing.pieceBytes();
        return this.#stream.read(at, Math.min(end, at - (at % most) + most) - at);
      }, at - start);
    let at = start;
    let next = at < end ? read(at) : null;
    while (next !== null) {
      const piece = await next;
      at += piece.length;
      next = at < end ? read(at) : null;
      // If the caller stops here, the piece that is under way fails or is dropped: neither may go unhandled.
      next?.catch(() => undefined);
      yield piece;
    }
  }

  /** The strong entity tag of an item, without quotes. The same for every opening of the share, and for no other share. */
  entityTag(item: string): string {
    return sha256(this.#tagSeed, item).subarray(0, 15).toString('base64url');
  }

  /** Calls `listener` when this is closed, at once if it is. For answers that must end with it. */
  onClose(listener: () => void): void {
    if (this.#open) this.#onClose.push(listener);
    else listener();
  }

  /** Forgets a listener. */
  offClose(listener: () => void): void {
    const index = this.#onClose.indexOf(listener);
    if (index >= 0) this.#onClose.splice(index, 1);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#stream.close();
    wipe(this.#tagSeed);
    this.#release();
    for (const listener of this.#onClose.splice(0)) listener();
  }
}
