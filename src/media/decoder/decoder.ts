/**
 * The door of the decoder: bytes in, facts and pictures out, and nothing decoded in this process.
 *
 * Each picture gets a child process of its own, started ahead, with pipes and nothing else (confine.ts says what it can't
 * reach), killed when it goes over its bounds, and gone afterwards with the pixels in its memory. A picture that doesn't
 * decode in all its frames, or not within the bounds, is refused: 'unreadable'. When too many wait: 'busy'.
 *
 * *What holds*: a decompression bomb costs a bounded child; a child that crashes or was taken over costs its own picture.
 * *What does not*: a taken-over child may lie about its own picture. Its answers are pixels and numbers; a re-encoded file
 * goes through the scrubber of its type like an upload.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { wipe } from '../../base/bytes.js';
import type { Clock } from '../../base/clock.js';
import { systemClock } from '../../base/clock.js';
import { invariant, Refusal } from '../../base/errors.js';
import type { Logger } from '../../base/log.js';
import { silentLogger } from '../../base/log.js';
import type { ByteSource } from '../../base/source.js';
import { bufferSource } from '../../base/source.js';
import type { PictureType } from '../media-type.js';
import type { Command, Confinement, Confiner } from './confine.js';
import { findConfiner, toolPath } from './confine.js';
import type { Guarded } from './guarded.js';
import type { DecodeLimits } from './limits.js';
import { DEFAULT_LIMITS } from './limits.js';
import { Turnstile } from './turnstile.js';
import { picturesCommand, undecodable, VideoRun } from './video.js';
import { WarmChildren } from './warm.js';
import type { WireRequest } from './wire.js';
import { Worker } from './worker.js';

/** As displayed: orientation applied. `frames` of an APNG is 1: its first frame is all that is read of it. */
export interface PictureFacts {
  readonly width: number;
  readonly height: number;
  readonly frames: number;
  readonly hasAlpha: boolean;
}

/** Brightness, a byte a pixel, rows without gaps; what is transparent is seen on white. The long side is at most 512. */
export interface Luma {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

/** Red, green and blue, a byte each, rows without gaps; what is transparent is seen on white. The long side is at most 320. */
export interface Colour {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

export interface DecodeRequest {
  /** A still of the first frame, its long side at most this. */
  readonly preview?: { readonly longSide: number };
  /** Brightness planes of the picture, and of those frames of an animation that differ most. */
  readonly luma?: boolean;
  /** Where brightness planes are asked for: the same in colour too. */
  readonly colour?: boolean;
  /** Hard scrub: the picture made anew from its pixels, of at most `maxPixels` a frame. */
  readonly reencode?: { readonly type: PictureType; readonly maxPixels?: number };
}

export type VideoRequest = Pick<DecodeRequest, 'preview' | 'luma' | 'colour'>;

/** All buffers belong to the caller, who wipes them. What wasn't asked for is `null` or empty. */
export interface Decoded {
  readonly facts: PictureFacts;
  /** `PREVIEW_TYPE`, without metadata. */
  readonly preview: Buffer | null;
  readonly luma: Luma | null;
  /** At most `SAMPLE_FRAMES`, in order of time, the first included; empty for a picture of one frame. */
  readonly frames: readonly Luma[];
  /** One for `luma` and for each of `frames`, in that order. */
  readonly colours: readonly Colour[];
  readonly reencoded: Buffer | null;
}

/** A video has no luma or re-encoding of its own: `frames` are its samples, `preview` its poster. */
export type VideoDecoded = Pick<Decoded, 'preview' | 'frames' | 'colours'>;

export const PREVIEW_TYPE: PictureType = 'image/webp';
export const MAX_PREVIEW_SIDE = 2048;
export const SAMPLE_FRAMES = 16;

export interface Decoder {
  /**
   * Decodes one picture. The source is read once, in order, and nothing of it is kept. `signal` ends it early ('cut-off').
   * Throws a `Refusal`: 'unreadable' with a `reason` in its detail, or 'busy'.
   */
  decode(source: ByteSource, type: PictureType, request: DecodeRequest, signal?: AbortSignal): Promise<Decoded>;
  /**
   * Poster and sample frames of an MP4 whose index stands first, from its key frames. `null` where ffmpeg is not installed.
   * The source is read once, in order, as far as is needed. Refuses like `decode`.
   */
  decodeVideo(source: ByteSource, request: VideoRequest, signal?: AbortSignal): Promise<VideoDecoded | null>;
  /** What the children can't reach on this machine, for `doctor`. */
  confinement(): Promise<Confinement>;
  /** False while children can't be started. */
  readonly healthy: boolean;
  /** Kills what runs and waits until it is gone. Pictures under way are refused: 'unreadable'. */
  close(): Promise<void>;
}

export interface DecoderOptions {
  /** Pictures that are decoded at the same time. */
  readonly children?: number;
  /** Children that wait for the next picture, about 70 MiB each. */
  readonly warm?: number;
  /** Pictures that may wait for their turn. */
  readonly queue?: number;
  readonly limits?: Partial<DecodeLimits>;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/**
 * Starts the children and answers at once; the first picture waits for them if it must.
 *
 * ```ts
 * const decoder = startDecoder({ children: 2 });
 * const { facts, preview } = await decoder.decode(source, 'image/jpeg', { preview: { longSide: 512 } });
 * ```
 */
export function startDecoder(options: DecoderOptions = {}): Decoder {
  return new ChildDecoder(options);
}

/** build/src/media/decoder/ → the folder of the installation. */
const ROOT = path.resolve(import.meta.dirname, '../../../..');
const CHILD: Command = {
  file: process.execPath,
  args: [
    '--max-old-space-size=96',
    '--disallow-code-generation-from-strings',
    path.join(import.meta.dirname, 'child.js'),
  ],
};

class ChildDecoder implements Decoder {
  readonly #limits: DecodeLimits;
  readonly #clock: Clock;
  readonly #turnstile: Turnstile;
  readonly #confiner: Promise<Confiner>;
  readonly #children: Promise<WarmChildren>;
  readonly #working = new Set<Guarded | Worker>();
  #warm: WarmChildren | null = null;
  #closed = false;

  constructor({
    children = 2,
    warm = 2,
    queue = 32,
    limits = {},
    clock = systemClock,
    log = silentLogger,
  }: DecoderOptions) {
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
    this.#clock = clock;
    this.#turnstile = new Turnstile(children, queue);
    this.#confiner = findConfiner(this.#limits);
    this.#children = this.#confiner.then(({ confine }) => {
      const command = confine(CHILD, programPaths());
      return (this.#warm = new WarmChildren(() => this.#start(command), this.#closed ? 0 : warm, log));
    });
  }

  get healthy(): boolean {
    return this.#warm?.healthy ?? true;
  }

  async confinement(): Promise<Confinement> {
    return (await this.#confiner).confinement;
  }

  async decode(
    source: ByteSource,
    type: PictureType,
    request: DecodeRequest,
    signal: AbortSignal | null = null,
  ): Promise<Decoded> {
    const asked = this.#wireRequest(source, type, request);
    return this.#turnstile.through(() => this.#decodeNow(source, asked, signal), signal);
  }

  async decodeVideo(
    source: ByteSource,
    request: VideoRequest,
    signal: AbortSignal | null = null,
  ): Promise<VideoDecoded | null> {
    const ffmpeg = toolPath('ffmpeg');
    if (ffmpeg === null) return null;
    return this.#turnstile.through(() => this.#decodeVideoNow(source, request, ffmpeg, signal), signal);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const warm = await this.#children;
    const working = [...this.#working];
    for (const worker of working) worker.kill();
    await Promise.all([warm.close(), ...working.map(({ gone }) => gone)]);
  }

  async #decodeNow(source: ByteSource, asked: WireRequest, signal: AbortSignal | null): Promise<Decoded> {
    const worker = await (await this.#children).next();
    this.#track(worker);
    try {
      return await worker.decode(source, asked, signal);
    } finally {
      // The place is free when the process is: that is what bounds the memory of all of them.
      await worker.gone;
    }
  }

  async #decodeVideoNow(
    source: ByteSource,
    { preview, luma = false, colour = false }: VideoRequest,
    ffmpeg: string,
    signal: AbortSignal | null,
  ): Promise<VideoDecoded> {
    if (this.#closed) throw new Refusal('busy', 'no video can be read at the moment');
    const { confine } = await this.#confiner;
    const run = new VideoRun(this.#limits, this.#clock, signal, (process) => this.#track(process));
    const posterSide = Math.min(preview?.longSide ?? 0, MAX_PREVIEW_SIDE);
    if (posterSide === 0 && !luma) return { preview: null, frames: [], colours: [] };
    const wanted = { posterSide, luma, colour: luma && colour };
    const command = confine(picturesCommand(ffmpeg, wanted, this.#limits.pixels), []);
    const { poster, frames, colours } = await run.pictures(command, source, SAMPLE_FRAMES, luma && colour);
    if (posterSide > 0 !== (poster !== null) || luma !== frames.length > 0) throw undecodable();
    if (poster === null) return { preview: null, frames, colours };
    const asked = this.#wireRequest(bufferSource(poster), 'image/png', { preview: { longSide: posterSide } });
    const still = await this.#decodeNow(bufferSource(poster), asked, signal);
    wipe(poster);
    return { preview: still.preview, frames, colours };
  }

  #track(process: Guarded | Worker): void {
    this.#working.add(process);
    void process.gone.then(() => this.#working.delete(process));
  }

  #start(command: Command): Worker {
    return new Worker(command, this.#limits, this.#clock);
  }

  #wireRequest(
    source: ByteSource,
    type: PictureType,
    { preview, luma = false, colour = false, reencode }: DecodeRequest,
  ): WireRequest {
    const limits = this.#limits;
    const previewSide = preview?.longSide ?? 0;
    invariant(previewSide <= MAX_PREVIEW_SIDE, 'a preview is no larger than MAX_PREVIEW_SIDE');
    if (source.size > limits.sourceBytes) {
      throw new Refusal('unreadable', 'the file is larger than what can be read here', { reason: 'size' });
    }
    return {
      type,
      previewSide,
      luma,
      colour: luma && colour,
      sampleFrames: luma ? SAMPLE_FRAMES : 0,
      reencodeType: reencode?.type ?? null,
      reencodePixels: reencode?.maxPixels ?? 0,
      pixelLimit: limits.pixels,
      frameLimit: limits.frames,
      animatedPixelLimit: limits.animatedPixels,
      outputLimit: limits.outputBytes,
      size: source.size,
    };
  }
}

/** What a child must see of the program: its own code, sharp with its libraries, and the node that runs it. */
function programPaths(): string[] {
  const sharp = fileURLToPath(import.meta.resolve('sharp'));
  const packages = sharp.slice(0, sharp.lastIndexOf('/node_modules/') + '/node_modules'.length);
  return [
    ...new Set([
      process.execPath,
      path.join(ROOT, 'package.json'),
      path.join(ROOT, 'node_modules'),
      packages,
      path.join(ROOT, 'build/src/base'),
      path.join(ROOT, 'build/src/media'),
    ]),
  ];
}
