/**
 * The snapshot: the state at the beginning of an epoch, sealed in pieces (docs/format/store.md, "Snapshot").
 *
 * What holds, and why: its key belongs to one epoch and it is written once in it, so each piece has a nonce of its own;
 * the first piece says how much follows, so a missing piece shows. Behind it stands old noise.
 *
 * It holds one piece of plaintext at a time, and lets the event loop run after every few pieces. What the body means is the
 * state's own.
 */
import { giveBack, secretBytes, wipe } from '../base/bytes.js';
import { Reader, Writer } from '../base/cursor.js';
import { invariant, StoreFault } from '../base/errors.js';
import { TAG_LENGTH } from '../crypto/aead.js';
import { nonceOf } from './epoch.js';
import type { OpenFile, SetName } from './files.js';
import { SNAP_STEPS, type Geometry } from './geometry.js';
import type { Sealer } from './sealer.js';

const VERSION = 1;
/** Pieces read or written with one call: each call costs a turn of the loop and one of a thread. With more than a few the loop waits long. */
const STRETCH = 4;
const HEAD_BYTES = 2 + 8 + 8 + 4 + 4 + 4 + 4 + 8;

export interface SnapshotHead {
  readonly epoch: number;
  readonly clock: number;
  readonly unitBytes: number;
  readonly units: number;
  readonly filled: number;
  readonly bodyLength: number;
}

function encodeHead(head: SnapshotHead, pieces: number): Buffer {
  const bytes = secretBytes(HEAD_BYTES);
  new Writer(bytes)
    .u16(VERSION)
    .u64(head.epoch)
    .u64(head.clock)
    .u32(head.unitBytes)
    .u32(head.units)
    .u32(head.filled)
    .u32(pieces)
    .u64(head.bodyLength);
  return bytes;
}

function parseHead(bytes: Buffer, set: SetName): { readonly head: SnapshotHead; readonly pieces: number } {
  const from = new Reader(bytes);
  const version = from.u16();
  if (version !== VERSION) {
    throw new StoreFault(
      `snap.${set}`,
      `expected version ${VERSION}, got ${version}`,
      'run a newer release of chatpic',
    );
  }
  const [epoch, clock, unitBytes, units] = [from.u64(), from.u64(), from.u32(), from.u32()];
  const [filled, pieces, bodyLength] = [from.u32(), from.u32(), from.u64()];
  return { head: { epoch, clock, unitBytes, units, filled, bodyLength }, pieces };
}

/** Bytes of plaintext that a piece holds. */
function plainBytes(geometry: Geometry): number {
  return geometry.pieceBytes - TAG_LENGTH;
}

/** The longest body that the snapshot's file can hold. */
export function bodyCapacity(geometry: Geometry): number {
  return geometry.snapPieces * plainBytes(geometry) - HEAD_BYTES;
}

/** Pieces in use for a body: whole steps. */
function piecesOf(geometry: Geometry, bodyLength: number): number {
  const step = Math.ceil(geometry.snapPieces / SNAP_STEPS);
  const needed = Math.ceil((HEAD_BYTES + bodyLength) / plainBytes(geometry));
  return Math.min(geometry.snapPieces, step * Math.ceil(needed / step));
}

/**
 * Seals and writes a snapshot; the caller syncs. `body` yields exactly `head.bodyLength` bytes, in buffers of any size
 * that are wiped here. It is asked for the next only when the last is written.
 */
export async function writeSnapshot(
  sealer: Sealer,
  file: OpenFile,
  key: Uint8Array,
  geometry: Geometry,
  head: SnapshotHead,
  body: Iterable<Buffer>,
): Promise<void> {
  const { pieceBytes } = geometry;
  const piece = secretBytes(plainBytes(geometry));
  const stretch = Buffer.from(new ArrayBuffer(STRETCH * pieceBytes));
  const pieces = piecesOf(geometry, head.bodyLength);
  let used = 0;
  let index = 0;
  const flush = async (): Promise<void> => {
    const sealed = sealer.seal(key, nonceOf(index), piece);
    sealed.copy(stretch, (index % STRETCH) * pieceBytes);
    giveBack(sealed);
    wipe(piece);
    used = 0;
    index++;
    if (index % STRETCH !== 0 && index !== pieces) return;
    const first = STRETCH * Math.floor((index - 1) / STRETCH);
    await file.write(stretch.subarray(0, (index - first) * pieceBytes), first * pieceBytes);
  };
  let length = -HEAD_BYTES;
  try {
    for (const bytes of withHead(encodeHead(head, pieces), body)) {
      length += bytes.length;
      for (let at = 0; at < bytes.length;) {
        const taken = bytes.copy(piece, used, at);
        at += taken;
        used += taken;
        if (used === piece.length) await flush();
      }
      wipe(bytes);
    }
    invariant(length === head.bodyLength, 'a snapshot has the length that its head says');
    while (index < pieces) await flush();
  } finally {
    wipe(piece);
  }
}

function* withHead(head: Buffer, body: Iterable<Buffer>): Generator<Buffer, void, undefined> {
  yield head;
  yield* body;
}

/** A snapshot that is being read, in order, from its head to the end of its last piece. */
export class SnapshotReading {
  readonly head: SnapshotHead;
  readonly #next: (index: number) => Promise<Buffer>;
  readonly #pieces: number;
  #piece: Buffer;
  #index = 0;
  #at = HEAD_BYTES;
  #left: number;

  private constructor(head: SnapshotHead, first: Buffer, pieces: number, next: (index: number) => Promise<Buffer>) {
    this.head = head;
    this.#piece = first;
    this.#pieces = pieces;
    this.#next = next;
    this.#left = head.bodyLength;
  }

  /** Null where the first piece doesn't open: noise, or another key. Later pieces that don't open are a fault. */
  static async open(
    sealer: Sealer,
    file: OpenFile,
    set: SetName,
    key: Uint8Array,
    geometry: Geometry,
  ): Promise<SnapshotReading | null> {
    const { pieceBytes } = geometry;
    const stretch = Buffer.from(new ArrayBuffer(STRETCH * pieceBytes));
    await file.read(stretch.subarray(0, pieceBytes), 0);
    const first = sealer.open(key, nonceOf(0), stretch.subarray(0, pieceBytes));
    if (first === null) return null;
    const { head, pieces } = parseHead(first, set);
    return new SnapshotReading(head, first, pieces, async (index) => {
      const at = (index - 1) % STRETCH;
      if (at === 0) {
        const count = Math.min(STRETCH, pieces - index);
        await file.read(stretch.subarray(0, count * pieceBytes), index * pieceBytes);
      }
      const piece = sealer.open(key, nonceOf(index), stretch.subarray(at * pieceBytes, (at + 1) * pieceBytes));
      if (piece === null) throw damaged(set, index);
      return piece;
    });
  }

  /** The next `length` bytes of the body. The caller wipes them. */
  async take(length: number): Promise<Buffer> {
    invariant(length <= this.#left, 'a body is not read beyond its end');
    this.#left -= length;
    const out = secretBytes(length);
    for (let done = 0; done < length;) {
      if (this.#at === this.#piece.length) await this.#advance();
      const taken = this.#piece.copy(out, done, this.#at);
      done += taken;
      this.#at += taken;
    }
    return out;
  }

  /** Opens all pieces that were not read yet. */
  async finish(): Promise<void> {
    while (this.#index + 1 < this.#pieces) await this.#advance();
    this.close();
  }

  close(): void {
    wipe(this.#piece);
  }

  async #advance(): Promise<void> {
    const read = this.#piece;
    wipe(read);
    this.#piece = await this.#next(++this.#index);
    this.#at = 0;
    giveBack(read);
  }
}

function damaged(set: SetName, piece: number): StoreFault {
  return new StoreFault(
    `snap.${set}`,
    `piece ${piece} of snap.${set} is damaged`,
    'put back a copy of the data folder that was made while the service was stopped, or begin anew with `chatpic init`',
  );
}
