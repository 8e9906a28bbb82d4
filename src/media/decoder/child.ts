/**
 * The decoder child: one process that reads one picture and ends.
 *
 * It is the only place where native code reads what strangers send, so it is started with nothing worth taking: an empty
 * environment, three pipes, no key, a file system without the store and no network where the machine can give that
 * (confine.ts). It speaks the format of docs/format/decoder.md and nothing else; what it can't say in it, it leaves out.
 */
import { decodePicture, DecodeFault } from './picture.js';
import type { ChildReason, WireRequest } from './wire.js';
import {
  encodeHeader,
  encodeReady,
  encodeReason,
  FrameReader,
  KIND,
  parseRequest,
  PIECE_SIZE,
  WireError,
} from './wire.js';

function send(kind: number, body: Buffer): void {
  process.stdout.write(encodeHeader(kind, body.length));
  process.stdout.write(body);
}

/** Pictures that were encoded anew can be larger than one frame may be. */
function sendInPieces(kind: number, body: Buffer): void {
  for (let at = 0; at < body.length; at += PIECE_SIZE) send(kind, body.subarray(at, at + PIECE_SIZE));
}

async function answer(request: WireRequest, bytes: Buffer): Promise<void> {
  try {
    await decodePicture(bytes, request, { send, sendInPieces });
    send(KIND.done, Buffer.alloc(0));
  } catch (error) {
    send(KIND.refused, encodeReason(reasonOf(error)));
  }
}

/** libvips tells its errors apart by words only; of all of them one is worth telling on. */
function reasonOf(error: unknown): ChildReason {
  if (error instanceof DecodeFault) return error.reason;
  return error instanceof Error && /memory/i.test(error.message) ? 'memory' : 'undecodable';
}

/** The one picture of this process, as it comes in. */
class Incoming {
  #request: WireRequest | null = null;
  #bytes = Buffer.alloc(0);
  #filled = 0;

  take(kind: number, body: Buffer): void {
    if (kind === KIND.request && this.#request === null) {
      this.#request = parseRequest(body);
      this.#bytes = Buffer.from(new ArrayBuffer(this.#request.size));
    } else if (kind === KIND.piece && body.length > 0 && this.#filled + body.length <= this.#bytes.length) {
      this.#filled += body.copy(this.#bytes, this.#filled);
    } else {
      throw new WireError('a parent that does not speak the format');
    }
    if (this.#request !== null && this.#filled === this.#bytes.length) void answer(this.#request, this.#bytes);
  }
}

const incoming = new Incoming();
const reader = new FrameReader((kind, body) => incoming.take(kind, body));
process.stdin.on('data', (chunk: Buffer) => reader.push(chunk));
// The parent has gone, or has lost interest: nothing is left to do.
process.stdin.on('end', () => process.exit(0));
process.stdout.on('error', () => process.exit(0));
send(KIND.ready, encodeReady());
