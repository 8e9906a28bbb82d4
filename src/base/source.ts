/** Bytes that can be read at any offset: an upload in its spool, a scrubbed rendering of it, a sealed share. */
export interface ByteSource {
  /** Bytes in all. Does not change while the source is in use. */
  readonly size: number;
  /**
   * Reads `length` bytes at `offset`. Fewer come only where the source ends. The buffer belongs to the caller, who
   * wipes it when done; ask for pieces of 64 KiB to 1 MiB when reading in a row.
   */
  read(offset: number, length: number): Promise<Buffer>;
  /**
   * Like `read`, into memory that the caller has already: fills `out` as far as the source goes, and says how far that
   * was. A source without it is read through `read`; call `readInto` below, which knows.
   */
  readInto?(offset: number, out: Buffer): Promise<number>;
}

/** Fills `out` with the bytes from `offset` on, without another buffer where the source can; says how many came. */
export async function readInto(source: ByteSource, offset: number, out: Buffer): Promise<number> {
  if (source.readInto !== undefined) return source.readInto(offset, out);
  let done = 0;
  while (done < out.length) {
    const bytes = await source.read(offset + done, out.length - done);
    if (bytes.length === 0) break;
    bytes.copy(out, done);
    done += bytes.length;
    bytes.fill(0);
  }
  return done;
}

/** A source over bytes that are in memory already. It hands out copies, so a caller may wipe what it got. */
export function bufferSource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: (offset, length) => Promise.resolve(Buffer.from(bytes.subarray(offset, offset + length))),
    readInto(offset, out) {
      const found = bytes.subarray(offset, offset + out.length);
      out.set(found);
      return Promise.resolve(found.length);
    },
  };
}

/** The bytes from `start` to `end` (not included) of a source, in order, in pieces of at most `piece` bytes. */
export async function* readInOrder(
  source: ByteSource,
  start = 0,
  end = source.size,
  piece = 256 * 1024,
): AsyncGenerator<Buffer, void, undefined> {
  for (let offset = start; offset < end;) {
    const bytes = await source.read(offset, Math.min(piece, end - offset));
    if (bytes.length === 0) throw new Error('source ended before its size');
    offset += bytes.length;
    yield bytes;
  }
}

/** All of a source in one buffer. Only for sources whose size is bounded by the caller. */
export async function readAll(source: ByteSource): Promise<Buffer> {
  const whole = Buffer.from(new ArrayBuffer(source.size));
  let offset = 0;
  for await (const piece of readInOrder(source)) {
    piece.copy(whole, offset);
    offset += piece.length;
    piece.fill(0);
  }
  return whole;
}
