/**
 * The way in: receive → sniff → scrub → review → seal → record → receipt.
 *
 * Each stage takes only what the stage before it makes, so that no step can be skipped: `Sniffed`, `Scrubbed` and
 * `Reviewed` are minted here and nowhere else. Receiving is `spool.ts` and its callers. What holds: nothing of an upload
 * is left when any stage refuses or fails, and a receipt exists only after the ledger's promise resolved.
 */
import type { Brand } from '../base/brand.js';
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { bufferSource, type ByteSource } from '../base/source.js';
import type { Decoder } from '../media/decoder/decoder.js';
import { isPicture, type MediaType, type PictureType } from '../media/media-type.js';
import { planned } from '../media/plan.js';
import type { Removed } from '../media/removed.js';
import { proveClean, scrub } from '../media/scrubber.js';
import { sniff } from '../media/sniff.js';
import { safeName } from './names.js';
import { Recorder, type RecorderParts } from './record.js';
import type { SealItem } from './seal.js';
import type { Doubt, Planes, Receipt, Received, Reviewed, Scrubbed, Upload } from './upload.js';

type Sniffed = Brand<{ readonly received: Received; readonly type: MediaType }, 'Sniffed'>;

export interface PipelineParts extends RecorderParts {
  readonly decoder: Decoder;
  readonly anyFile: boolean;
}

/** Long side of a preview, in pixels. */
const PREVIEW_SIDE = 640;
/** A picture of no more bytes is its own preview. */
const OWN_PREVIEW_BYTES = 48 * 1024;

export class Pipeline {
  readonly #parts: PipelineParts;
  readonly #recorder: Recorder;

  constructor(parts: PipelineParts) {
    this.#parts = parts;
    this.#recorder = new Recorder(parts);
  }

  /** Takes an upload the whole way. Refuses with a reason; then nothing of it is kept. */
  async share(upload: Upload): Promise<Receipt> {
    if (upload.items.length === 0) throw new Refusal('empty', 'nothing was sent');
    const scrubbed: Scrubbed[] = [];
    for (const received of upload.items) {
      upload.progress.stage('checking');
      const sniffed = await this.#sniff(received);
      upload.progress.stage('scrubbing');
      scrubbed.push(await this.#scrub(sniffed, upload.options.hardScrub));
    }
    const reviewed = await this.#review(scrubbed);
    upload.progress.stage('sealing');
    return this.#recorder.record(upload, reviewed);
  }

  async #sniff(received: Received): Promise<Sniffed> {
    const sniffed = (type: MediaType): Sniffed => ({ received, type }) as Sniffed;
    if (received.source.size === 0) throw new Refusal('empty', 'the file is empty');
    if (received.typed) return sniffed('text/plain');
    const found = await sniff(received.source);
    if (found.kind === 'supported') return sniffed(found.type);
    if (this.#parts.anyFile) return sniffed('application/octet-stream');
    throw new Refusal('type-not-supported', 'this type of file is not supported', { seems: found.seems });
  }

  async #scrub({ received, type }: Sniffed, hard: boolean): Promise<Scrubbed> {
    const { width, height, removed, source, proof } = await cleaned(received.source, type);
    const name = safeName(received.wish, type);
    const none = { preview: null, looks: [], colours: [], received: received.source };
    const item = { name, type, source, removed, width: width ?? 0, height: height ?? 0, ...none };
    return { ...item, ...(await beside(proof, this.#seen(source, type, hard))) } as unknown as Scrubbed;
  }

  async #seen(source: ByteSource, type: MediaType, hard: boolean): Promise<Partial<Decoded>> {
    if (isPicture(type)) return this.#decoded(source, type, hard);
    return type === 'video/mp4' ? this.#filmed(source) : {};
  }

  /** A picture must decode; with hard scrub what is shared is what was made of its pixels, scrubbed like any upload. */
  async #decoded(source: ByteSource, type: PictureType, hard: boolean): Promise<Decoded> {
    const request = { ...this.#wanted(), ...(hard ? { reencode: { type } } : {}) };
    const { facts, preview, reencoded, luma, frames, colours } = await this.#parts.decoder.decode(
      source,
      type,
      request,
    );
    const shared = reencoded === null ? source : await provenClean(bufferSource(reencoded), type);
    const own = shared.size <= OWN_PREVIEW_BYTES;
    return {
      width: facts.width,
      height: facts.height,
      source: shared,
      preview: own ? null : previewOf(preview),
      looks: frames.length > 0 ? frames : luma === null ? [] : [luma],
      colours,
    };
  }

  /** What is asked of the decoder: a look only where something will be compared with it. */
  #wanted(): { readonly preview: { readonly longSide: number }; readonly luma: boolean; readonly colour: boolean } {
    const { looksAtBrightness, looksAtColour } = this.#parts.moderation;
    return { preview: { longSide: PREVIEW_SIDE }, luma: looksAtBrightness, colour: looksAtColour };
  }

  /** A video's poster and sample frames, where ffmpeg is installed; its coded samples were judged by the scrubber. */
  async #filmed(source: ByteSource): Promise<Partial<Decoded>> {
    const seen = await this.#parts.decoder.decodeVideo(source, this.#wanted());
    return seen === null ? {} : { preview: previewOf(seen.preview), looks: seen.frames, colours: seen.colours };
  }

  /** Every item is looked at; the gravest verdict is the share's. What is clear leaves no trace. */
  async #review(items: readonly Scrubbed[]): Promise<Reviewed> {
    const { moderation } = this.#parts;
    let doubt: Doubt | null = null;
    for (const { source, received, looks, colours } of items) {
      try {
        const digests = [await moderation.digestsOf(received), await moderation.digestsOf(source)];
        const verdict = await moderation.review(digests, looks, colours);
        if (verdict.kind === 'prohibited') throw new Refusal('prohibited', 'this content is blocked here');
        if (verdict.kind === 'borderline' && verdict.severity > (doubt?.severity ?? 0)) doubt = verdict;
      } finally {
        wipePlanes({ looks, colours });
      }
    }
    return { items, doubt } as Reviewed;
  }
}

interface Cleaned {
  readonly source: ByteSource;
  readonly removed: Removed;
  readonly width: number | null;
  readonly height: number | null;
  /** Resolves when the source was read again and nothing was found in it. */
  readonly proof: Promise<unknown>;
}

/** Scrubbed, and being read again to prove it. Files of other types, where an operator lets them in, are left as they are. */
async function cleaned(received: ByteSource, type: MediaType): Promise<Cleaned> {
  if (type === 'application/octet-stream') {
    return { source: received, removed: new Map(), width: null, height: null, proof: Promise.resolve() };
  }
  const scrubbing = await scrub(received, type);
  return { ...scrubbing, source: planned(received, scrubbing.plan), proof: proveClean(scrubbing, received) };
}

async function provenClean(received: ByteSource, type: MediaType): Promise<ByteSource> {
  const { source, proof } = await cleaned(received, type);
  await proof;
  return source;
}

/** What `work` gives, once the proof is made beside it. Where one fails the other still ends: both read the upload. */
async function beside<T extends Partial<Planes>>(proof: Promise<unknown>, work: Promise<T>): Promise<T> {
  const [proved, seen] = await Promise.allSettled([proof, work]);
  if (proved.status === 'rejected' && seen.status === 'fulfilled') wipePlanes(seen.value);
  await proof;
  return work;
}

function wipePlanes({ looks = [], colours = [] }: Partial<Planes>): void {
  wipe(...[...looks, ...colours].map(({ data }) => data));
}

interface Decoded extends Planes {
  readonly width: number;
  readonly height: number;
  readonly source: ByteSource;
  readonly preview: SealItem['preview'];
}

function previewOf(bytes: Buffer | null): SealItem['preview'] {
  return bytes === null ? null : { type: 'image/webp', bytes };
}
