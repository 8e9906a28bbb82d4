/**
 * The messages between the two processes, as bytes.
 *
 *   frame = length u32 ‖ id u32 ‖ text length u32 ‖ text ‖ bytes        length counts what follows it
 *
 * The text is JSON; each run of bytes in the value stands behind it, and `{"$":[offset,length]}` in its place. An answer bears
 * the id of its question.
 *
 * What holds: a frame longer than `MOST_FRAME` is refused before there is room made for it, and no value can name bytes
 * outside of its frame. What does not hold: that a value has the type that one expects; who takes it checks.
 */
import { Reader, Writer } from '../base/cursor.js';
import { MiB } from '../base/units.js';

/** Far more than the largest answer, a queue of some thousand cases. */
export const MOST_FRAME = 8 * MiB;
const HEAD = 4;
const FIXED = 8;

export interface Frame {
  readonly id: number;
  readonly value: unknown;
}

/** The other side does not speak the format. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'FrameError';
  }
}

/** One message. Its bytes are copied. Throws a `FrameError` when it is too long. */
export function encodeFrame({ id, value }: Frame): Buffer {
  const runs: Uint8Array[] = [];
  let size = 0;
  const text = Buffer.from(
    JSON.stringify(value, function mark(this: Record<string, unknown>, key: string, plain: unknown): unknown {
      const run = this[key];
      if (!(run instanceof Uint8Array)) return plain;
      runs.push(run);
      size += run.length;
      return { $: [size - run.length, run.length] };
    }),
  );
  const length = FIXED + text.length + size;
  if (length > MOST_FRAME) throw new FrameError('a message is too long');
  const frame = Buffer.from(new ArrayBuffer(HEAD + length));
  const writer = new Writer(frame).u32(length).u32(id).u32(text.length).bytes(text);
  for (const run of runs) writer.bytes(run);
  return frame;
}

/** Parses what follows the length. The bytes in the value are views of `body`. */
export function parseFrame(body: Buffer): Frame {
  try {
    const reader = new Reader(body);
    const id = reader.u32();
    const text = reader.bytes(reader.u32()).toString('utf8');
    const bytes = reader.bytes(reader.remaining);
    return { id, value: JSON.parse(text, (_key, value: unknown) => unmarked(value, bytes)) as unknown };
  } catch {
    throw new FrameError('a message that is none');
  }
}

function unmarked(value: unknown, bytes: Buffer): unknown {
  if (typeof value !== 'object' || value === null || !('$' in value)) return value;
  const [at, length] = Array.isArray(value.$) ? (value.$ as unknown[]) : [];
  if (!isWhole(at) || !isWhole(length) || at + length > bytes.length)
    throw new FrameError('bytes outside of a message');
  return bytes.subarray(at, at + length);
}

function isWhole(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** Cuts a stream into frames, whatever its pieces. Holds one frame at most. */
export class FrameReader {
  readonly #take: (frame: Frame) => void;
  readonly #head = Buffer.alloc(HEAD);
  #body: Buffer | null = null;
  #filled = 0;

  constructor(take: (frame: Frame) => void) {
    this.#take = take;
  }

  /** Throws a `FrameError` on what nobody would send; nothing after it is read. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      const target = this.#body ?? this.#head;
      const copied = chunk.copy(target, this.#filled, at);
      at += copied;
      this.#filled += copied;
      if (this.#filled < target.length) return;
      this.#filled = 0;
      if (this.#body === null) this.#begin(target.readUInt32BE(0));
      else this.#end(this.#body);
    }
  }

  #begin(length: number): void {
    if (length < FIXED || length > MOST_FRAME) throw new FrameError('a message of an impossible length');
    this.#body = Buffer.from(new ArrayBuffer(length));
  }

  #end(body: Buffer): void {
    this.#body = null;
    this.#take(parseFrame(body));
  }
}
