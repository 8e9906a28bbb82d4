/** A child's answer, put together and checked frame by frame against what was asked. */
import { wipe } from '../../base/bytes.js';
import { Refusal } from '../../base/errors.js';
import type { Colour, Decoded, Luma, PictureFacts } from './decoder.js';
import type { ChildReason, WireRequest } from './wire.js';
import { KIND, parseColour, parseFacts, parseLuma, parseReason, WireError } from './wire.js';

/**
 * Takes frames in the order of docs/format/decoder.md, section 3. Anything else (a frame that was not asked for, one too
 * many, a preview that is no WebP) is a `WireError`: the child is not what we started, and its answer is thrown away.
 */
export class Answer {
  readonly #request: WireRequest;
  #facts: PictureFacts | null = null;
  #luma: Luma | null = null;
  #preview: Buffer | null = null;
  readonly #frames: Luma[] = [];
  readonly #colours: Colour[] = [];
  readonly #reencoded: Buffer[] = [];
  #reencodedSize = 0;

  constructor(request: WireRequest) {
    this.#request = request;
  }

  /** The whole answer when this frame completes it, `null` before. Throws a `Refusal` when the child refused. */
  take(kind: number, body: Buffer): Decoded | null {
    if (kind === KIND.refused) throw refusalFor(parseReason(body));
    if (kind === KIND.facts) {
      expect(this.#facts === null);
      this.#facts = parseFacts(body);
      return null;
    }
    expect(this.#facts !== null);
    if (kind === KIND.done) return this.#finish(this.#facts);
    this.#keep(kind, body);
    return null;
  }

  /** Forgets and wipes all that came so far. */
  discard(): void {
    wipe(this.#luma?.data, this.#preview, ...this.#reencoded);
    wipe(...[...this.#frames, ...this.#colours].map(({ data }) => data));
  }

  #keep(kind: number, body: Buffer): void {
    const asked = this.#request;
    if (kind === KIND.luma) {
      expect(asked.luma && this.#luma === null);
      this.#luma = parseLuma(body);
    } else if (kind === KIND.frameLuma) {
      expect(asked.luma && this.#frames.length < asked.sampleFrames);
      this.#frames.push(parseLuma(body));
    } else if (kind === KIND.colour) {
      // One follows each plane of brightness, and nothing else.
      expect(asked.colour && this.#colours.length + 1 === this.#planes());
      this.#colours.push(parseColour(body));
    } else if (kind === KIND.preview) {
      expect(asked.previewSide > 0 && this.#preview === null && isWebp(body));
      this.#preview = body;
    } else {
      expect(kind === KIND.reencoded && asked.reencodeType !== null);
      this.#reencodedSize += body.length;
      expect(this.#reencodedSize <= asked.outputLimit);
      this.#reencoded.push(body);
    }
  }

  #planes(): number {
    return (this.#luma === null ? 0 : 1) + this.#frames.length;
  }

  #finish(facts: PictureFacts): Decoded {
    const asked = this.#request;
    expect(
      asked.luma === (this.#luma !== null) &&
        this.#colours.length === (asked.colour ? this.#planes() : 0) &&
        asked.previewSide > 0 === (this.#preview !== null) &&
        (asked.reencodeType !== null) === this.#reencodedSize > 0,
    );
    return {
      facts,
      preview: this.#preview,
      luma: this.#luma,
      frames: this.#frames,
      colours: this.#colours,
      reencoded: this.#reencodedSize > 0 ? joined(this.#reencoded, this.#reencodedSize) : null,
    };
  }
}

const SAYINGS: Readonly<Record<ChildReason, string>> = {
  undecodable: 'the picture does not decode',
  'other-type': 'the picture is not of the type its beginning says',
  pixels: 'the picture has more pixels than can be read here',
  frames: 'the picture has more frames than can be read here',
  memory: 'the picture needs more memory than it may have',
  output: 'the picture comes out larger than it may be',
};

export function refusalFor(reason: ChildReason): Refusal {
  return new Refusal('unreadable', SAYINGS[reason], { reason });
}

function expect(condition: unknown): asserts condition {
  if (!condition) throw new WireError('a frame that was not asked for, or one that is missing');
}

/** `RIFF length WEBP`, and the length is the truth. */
function isWebp(body: Buffer): boolean {
  return (
    body.length > 12 &&
    body.toString('latin1', 0, 4) === 'RIFF' &&
    body.readUInt32LE(4) + 8 === body.length &&
    body.toString('latin1', 8, 12) === 'WEBP'
  );
}

function joined(pieces: readonly Buffer[], size: number): Buffer {
  const whole = Buffer.from(new ArrayBuffer(size));
  let at = 0;
  for (const piece of pieces) at += piece.copy(whole, at);
  wipe(...pieces);
  return whole;
}
