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
import { wipe } from '../base/bytes.js';
import type { ByteSource } from '../base/source.js';
import { invariant } from '../base/errors.js';
import { openInto, sealInto, TAG_LENGTH } from './aead.js';
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
    invariant(this.#open, 'a stream is sealed after its end');
    const chunks = Math.floor((this.#heldLength + piece.length) / CHUNK_LENGTH);
    const out = Buffer.from(new ArrayBuffer(chunks * SEALED_CHUNK_LENGTH));
    let from = 0;
    for (let i = 0; i < chunks; i++) {
      const take = CHUNK_LENGTH - this.#heldLength;
      const next = piece.subarray(from, from + take);
      from += take;
      if (this.#heldLength === 0) {
        this.#seal(out, i * SEALED_CHUNK_LENGTH, next);
      } else {
        this.#held.set(next, this.#heldLength);
        this.#seal(out, i * SEALED_CHUNK_LENGTH, this.#held);
        this.#heldLength = 0;
      }
    }
    this.#held.set(piece.subarray(from), this.#heldLength);
    this.#heldLength += piece.length - from;
    return out;
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
    this.#open = false;
    wipe(this.#keys.all, this.#held);
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
    wipe(await stream.read(Math.floor(size / CHUNK_LENGTH) * CHUNK_LENGTH, CHUNK_LENGTH, true));
    return stream;
  } catch (error) {
    stream.close();
    if (error instanceof SealBroken) return null;
    throw error;
  }
}

class Opened implements OpenedStream {
  readonly size: number;
  readonly #keys: ReturnType<typeof deriveKeys>;
  readonly #sealed: ByteSource;
  #closed = false;

  constructor(keys: ReturnType<typeof deriveKeys>, sealed: ByteSource, size: number) {
    this.#keys = keys;
    this.#sealed = sealed;
    this.size = size;
  }

  /** `evenEmpty` checks the last chunk where it holds no plaintext. */
  async read(offset: number, length: number, evenEmpty = false): Promise<Buffer> {
    const end = Math.min(offset + length, this.size);
    if (offset >= end && !evenEmpty) return Buffer.alloc(0);
    const first = Math.floor(offset / CHUNK_LENGTH);
    const last = Math.max(first, Math.floor((end - 1) / CHUNK_LENGTH));
    const start = HEADER_LENGTH + first * SEALED_CHUNK_LENGTH;
    const stop = Math.min(HEADER_LENGTH + (last + 1) * SEALED_CHUNK_LENGTH, this.#sealed.size);
    const sealed = await this.#sealed.read(start, stop - start);
    // The stream may have been closed while the bytes came: its keys are zeros now, and would open nothing.
    if (this.#closed || sealed.length !== stop - start) throw new SealBroken();
    const opened = this.#openChunks(sealed, first);
    const skip = offset - first * CHUNK_LENGTH;
    return opened.subarray(skip, skip + Math.max(0, end - offset));
  }

  close(): void {
    this.#closed = true;
    wipe(this.#keys.all);
  }

  #openChunks(sealed: Buffer, first: number): Buffer {
    const chunks = Math.ceil(sealed.length / SEALED_CHUNK_LENGTH);
    const out = Buffer.from(new ArrayBuffer(sealed.length - chunks * TAG_LENGTH));
    const nonce = Buffer.alloc(NONCE_LENGTH);
    for (let i = 0; i < chunks; i++) {
      const chunk = sealed.subarray(i * SEALED_CHUNK_LENGTH, (i + 1) * SEALED_CHUNK_LENGTH);
      chunkNonce(this.#keys.baseNonce, first + i, nonce);
      if (!openInto(out, i * CHUNK_LENGTH, this.#keys.key, nonce, chunk)) {
        wipe(out);
        throw new SealBroken();
      }
    }
    return out;
  }
}
