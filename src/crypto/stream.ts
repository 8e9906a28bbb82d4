/**
 * Cobblestone-256: sealed streams of any length that can be opened in order or at any range.
 *
 * Construction: C2SP chunked-encryption (c2sp.org/chunked-encryption) with HKDF-Expand-SHA-512 and AES-256-GCM, unchanged.
 * Layout: salt(24) ‖ commitment(32) ‖ chunk 0 ‖ chunk 1 ‖ … ‖ last chunk; a chunk is up to 16384 bytes of plaintext and a
 * 16-byte tag; every chunk but the last is full, the last is always shorter and may be empty.
 * Keys: key(32) ‖ base nonce(12) ‖ commitment(32) =
 *   HKDF-Expand-SHA-512(K, "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM" ‖ 00 ‖ salt ‖ context).
 * Nonce of chunk k: base nonce XOR k, big-endian.
 *
 * What holds: a stream opens under one key and one context only (the commitment is compared before anything is decrypted);
 * chunks can't be changed, moved, repeated or dropped; a stream that was cut off has no short last chunk, or a broken one.
 * What does not: the length is not hidden (callers pad), and bytes handed out before the end was reached came from a stream
 * whose end may still be missing; `openStream` therefore reads the last chunk first.
 * It knows nothing of shares, files or the store. Byte table: docs/format/sealed-stream.md.
 */
import { giveBack, wipe } from '../base/bytes.js';
import { readInto, type ByteSource } from '../base/source.js';
import { invariant } from '../base/errors.js';
import { openPiece, sealInto, TAG_LENGTH } from './aead.js';
import { equalBytes } from './hash.js';
import { hkdfExpandSha512 } from './kdf.js';
import { randomSecret } from './random.js';

export const CHUNK_LENGTH = 16384;
export const SEALED_CHUNK_LENGTH = CHUNK_LENGTH + TAG_LENGTH;
const SALT_LENGTH = 24;
const COMMITMENT_LENGTH = 32;
export const HEADER_LENGTH = SALT_LENGTH + COMMITMENT_LENGTH;
const AEAD_KEY_LENGTH = 32;
const NONCE_LENGTH = 12;
const INFO_PREFIX = Buffer.from('c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0', 'latin1');

/** Bytes that sealing `plaintext` bytes gives. */
export function sealedLength(plaintext: number): number {
  return HEADER_LENGTH + plaintext + TAG_LENGTH * (Math.floor(plaintext / CHUNK_LENGTH) + 1);
}

/** Bytes that a sealed stream of `sealed` bytes holds; `null` for a length that no sealed stream has. */
export function openedLength(sealed: number): number | null {
  const body = sealed - HEADER_LENGTH;
  const last = body % SEALED_CHUNK_LENGTH;
  if (body < 0 || last < TAG_LENGTH) return null;
  return body - TAG_LENGTH * (Math.floor(body / SEALED_CHUNK_LENGTH) + 1);
}

/** The most plaintext whose sealed stream fits into `room` bytes (at least 72). */
export function plaintextThatFits(room: number): number {
  for (let sealed = room; sealed > room - TAG_LENGTH - 1; sealed--) {
    const plaintext = openedLength(sealed);
    if (plaintext !== null) return plaintext;
  }
  throw new RangeError('no sealed stream is that short');
}

interface StreamKeys {
  readonly key: Buffer;
  readonly baseNonce: Buffer;
  readonly commitment: Buffer;
}

/** All three lie in one buffer, so wiping `all` wipes them. */
function deriveKeys(
  key: Uint8Array,
  salt: Uint8Array,
  context: string | Uint8Array,
): StreamKeys & { readonly all: Buffer } {
  const info = Buffer.concat([INFO_PREFIX, salt, Buffer.from(context)]);
  const all = hkdfExpandSha512(key, info, AEAD_KEY_LENGTH + NONCE_LENGTH + COMMITMENT_LENGTH);
  return {
    all,
    key: all.subarray(0, AEAD_KEY_LENGTH),
    baseNonce: all.subarray(AEAD_KEY_LENGTH, AEAD_KEY_LENGTH + NONCE_LENGTH),
    commitment: all.subarray(AEAD_KEY_LENGTH + NONCE_LENGTH),
  };
}

/** Chunk numbers stay below 2^38, so the number lies in the last eight bytes of the nonce, and a double holds it. */
function chunkNonce(baseNonce: Buffer, chunk: number, out: Buffer): Buffer {
  baseNonce.copy(out);
  const low = out.readUInt32BE(8) ^ (chunk % 2 ** 32);
  const high = out.readUInt32BE(4) ^ Math.floor(chunk / 2 ** 32);
  out.writeUInt32BE(low >>> 0, 8);
  out.writeUInt32BE(high >>> 0, 4);
  return out;
}

/**
 * Seals a stream piece by piece.
 *
 *     const sealer = new StreamSealer(key, CONTEXT.share);
 *     write(sealer.header); for (const piece of pieces) write(sealer.update(piece)); write(sealer.final());
 *
 * The key is read once, in the constructor, and stays the caller's; what is derived from it is wiped by `final` or
 * `destroy`, one of which must be called. The context is bound in and not stored: opening needs the same one. Pieces may
 * have any size; at most one chunk of plaintext is held. What comes out has `sealedLength(all plaintext)` bytes.
 */
export class StreamSealer {
  /** The first 56 bytes of the stream. */
  readonly header: Buffer;
  readonly #keys: ReturnType<typeof deriveKeys>;
  readonly #nonce = Buffer.alloc(NONCE_LENGTH);
  readonly #held = Buffer.from(new ArrayBuffer(CHUNK_LENGTH));
  #heldLength = 0;
  #chunk = 0;
  #open = true;

  /** `salt` (24 B) is random unless a test vector gives it. */
  constructor(key: Uint8Array, context: string | Uint8Array, salt: Uint8Array = randomSecret(SALT_LENGTH)) {
    invariant(key.length === AEAD_KEY_LENGTH, 'a stream key has 32 bytes');
    invariant(salt.length === SALT_LENGTH, 'a stream salt has 24 bytes');
    this.#keys = deriveKeys(key, salt, context);
    this.header = Buffer.concat([salt, this.#keys.commitment]);
  }

  /** The chunks that `piece` completes, sealed: from none to many. `piece` is only read. */
  update(piece: Uint8Array): Buffer {
    const chunks = Math.floor((this.#heldLength + piece.length) / CHUNK_LENGTH);
    const out = Buffer.from(new ArrayBuffer(chunks * SEALED_CHUNK_LENGTH));
    this.updateInto(out, 0, piece);
    return out;
  }

  /**
   * Like `update`, into `out` at `at`; says how many bytes that were. `piece` completes at most one chunk more than it
   * holds, and `out` must have room for all of them.
   */
  updateInto(out: Buffer, at: number, piece: Uint8Array): number {
    invariant(this.#open, 'a stream is sealed after its end');
    const chunks = Math.floor((this.#heldLength + piece.length) / CHUNK_LENGTH);
    let from = 0;
    for (let i = 0; i < chunks; i++) {
      const take = CHUNK_LENGTH - this.#heldLength;
      const next = piece.subarray(from, from + take);
      from += take;
      if (this.#heldLength === 0) {
        this.#seal(out, at + i * SEALED_CHUNK_LENGTH, next);
      } else {
        this.#held.set(next, this.#heldLength);
        this.#seal(out, at + i * SEALED_CHUNK_LENGTH, this.#held);
        this.#heldLength = 0;
      }
    }
    this.#held.set(piece.subarray(from), this.#heldLength);
    this.#heldLength += piece.length - from;
    return chunks * SEALED_CHUNK_LENGTH;
  }

  /** The last chunk, always shorter than the others, perhaps empty. Wipes the keys. */
  final(): Buffer {
    invariant(this.#open, 'a stream ends once');
    const out = Buffer.from(new ArrayBuffer(this.#heldLength + TAG_LENGTH));
    this.#seal(out, 0, this.#held.subarray(0, this.#heldLength));
    this.destroy();
    return out;
  }

  /** Wipes keys and what was held, finished or not. Safe to call twice. */
  destroy(): void {
    if (!this.#open) return;
    this.#open = false;
    wipe(this.#keys.all, this.#held);
    giveBack(this.#held);
  }

  #seal(out: Buffer, at: number, plaintext: Uint8Array): void {
    sealInto(out, at, this.#keys.key, chunkNonce(this.#keys.baseNonce, this.#chunk++, this.#nonce), plaintext);
  }
}

/** An opened stream: authentic plaintext at any offset. Must be closed, which wipes what opens it. */
export interface OpenedStream extends ByteSource {
  close(): void;
}

/** Thrown by `read` when a chunk is not what was sealed. Nothing of it is handed out. */
export class SealBroken extends Error {
  constructor() {
    super('a sealed chunk is not authentic');
    this.name = 'SealBroken';
  }
}

/**
 * Opens the stream that fills `sealed` from its first byte to its last. `null` when it is not one sealed under this key
 * and context, or when its end is missing: the commitment and the last chunk are checked here, every other chunk when
 * it is read. The key is only read, and stays the caller's. Reading holds what is asked for, rounded to whole chunks.
 */
export async function openStream(
  key: Uint8Array,
  context: string | Uint8Array,
  sealed: ByteSource,
): Promise<OpenedStream | null> {
  const size = openedLength(sealed.size);
  if (size === null) return null;
  const header = await sealed.read(0, HEADER_LENGTH);
  const keys = deriveKeys(key, header.subarray(0, SALT_LENGTH), context);
  if (!equalBytes(header.subarray(SALT_LENGTH), keys.commitment)) {
    wipe(keys.all);
    return null;
  }
  const stream = new Opened(keys, sealed, size);
  try {
    await stream.checkEnd();
    return stream;
  } catch (error) {
    stream.close();
    if (error instanceof SealBroken) return null;
    throw error;
  }
}

/** Chunks that are read and opened in a row. */
const ROW = 16;
/** A source of sealed bytes is asked for so much at most. */
const ROW_LENGTH = ROW * SEALED_CHUNK_LENGTH;

/**
 * Where sealed bytes are read to: ciphertext only, so all streams share what is spare. A stream that kept its own would hold
 * it for as long as it is open, and thousands of them are, for minutes.
 */
const spareRows: Buffer[] = [];
const MOST_SPARE = 4;

function takeScratch(length: number): Buffer {
  if (length <= SEALED_CHUNK_LENGTH) return Buffer.from(new ArrayBuffer(length));
  return spareRows.pop() ?? Buffer.from(new ArrayBuffer(ROW_LENGTH));
}

function putBack(scratch: Buffer): void {
  if (scratch.length === ROW_LENGTH && spareRows.length < MOST_SPARE) spareRows.push(scratch);
  else giveBack(scratch);
}

/** Gives back what is spare: the next stream that is opened takes memory anew. */
export function giveBackRows(): void {
  spareRows.splice(0).forEach(giveBack);
}

class Opened implements OpenedStream {
  readonly size: number;
  readonly #keys: ReturnType<typeof deriveKeys>;
  readonly #nonce = Buffer.alloc(NONCE_LENGTH);
  readonly #sealed: ByteSource;
  #closed = false;

  constructor(keys: ReturnType<typeof deriveKeys>, sealed: ByteSource, size: number) {
    this.#keys = keys;
    this.#sealed = sealed;
    this.size = size;
  }

  async read(offset: number, length: number): Promise<Buffer> {
    const out = Buffer.from(new ArrayBuffer(Math.max(0, Math.min(length, this.size - offset))));
    await this.readInto(offset, out);
    return out;
  }

  async readInto(offset: number, out: Buffer): Promise<number> {
    const end = Math.min(offset + out.length, this.size);
    if (offset >= end) return 0;
    const rowLength =
      (Math.floor((end - 1) / CHUNK_LENGTH) - Math.floor(offset / CHUNK_LENGTH) + 1) * SEALED_CHUNK_LENGTH;
    const scratch = takeScratch(Math.min(rowLength, ROW_LENGTH));
    try {
      for (let at = offset; at < end;) at += await this.#openRow(at, out.subarray(at - offset, end - offset), scratch);
      // After a failure something may still be written to it.
      putBack(scratch);
      return end - offset;
    } catch (error) {
      wipe(out);
      throw error;
    }
  }

  /** Whether the last chunk, which may hold no plaintext, is there and authentic: it throws otherwise. */
  async checkEnd(): Promise<void> {
    const last = Math.floor(this.size / CHUNK_LENGTH);
    const room = Buffer.from(new ArrayBuffer(SEALED_CHUNK_LENGTH));
    const opened = this.#openChunk(last, await this.#fetch(last, last + 1, room));
    wipe(opened);
    giveBack(opened);
    giveBack(room);
  }

  close(): void {
    this.#closed = true;
    wipe(this.#keys.all);
  }

  /** Opens plaintext from `at` on into `out`, as far as one row goes; says how much that was. */
  async #openRow(at: number, out: Buffer, scratch: Buffer): Promise<number> {
    const first = Math.floor(at / CHUNK_LENGTH);
    const end = Math.min(at + out.length, (first + Math.floor(scratch.length / SEALED_CHUNK_LENGTH)) * CHUNK_LENGTH);
    const sealed = await this.#fetch(first, Math.ceil(end / CHUNK_LENGTH), scratch);
    for (let chunk = first; chunk * CHUNK_LENGTH < end; chunk++) {
      const start = (chunk - first) * SEALED_CHUNK_LENGTH;
      const opened = this.#openChunk(chunk, sealed.subarray(start, start + SEALED_CHUNK_LENGTH));
      const from = Math.max(at - chunk * CHUNK_LENGTH, 0);
      opened.copy(out, chunk * CHUNK_LENGTH + from - at, from, end - chunk * CHUNK_LENGTH);
      opened.fill(0);
      giveBack(opened);
    }
    return end - at;
  }

  /** The sealed chunks from `first` to `stop` (not included), in `scratch`. */
  async #fetch(first: number, stop: number, scratch: Buffer): Promise<Buffer> {
    const start = HEADER_LENGTH + first * SEALED_CHUNK_LENGTH;
    const length = Math.min(HEADER_LENGTH + stop * SEALED_CHUNK_LENGTH, this.#sealed.size) - start;
    const sealed = scratch.subarray(0, length);
    const came = await readInto(this.#sealed, start, sealed);
    // The stream may have been closed while the bytes came: its keys are zeros now, and would open nothing.
    if (this.#closed || came !== length) throw new SealBroken();
    return sealed;
  }

  #openChunk(chunk: number, sealed: Buffer): Buffer {
    const nonce = chunkNonce(this.#keys.baseNonce, chunk, this.#nonce);
    const opened = openPiece(this.#keys.key, nonce, sealed);
    if (opened === null) throw new SealBroken();
    return opened;
  }
}
