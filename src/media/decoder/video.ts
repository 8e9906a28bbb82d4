/**
 * A video's poster and sample frames, by the system's ffmpeg within the same walls as the pictures' children.
 *
 * ffmpeg gets the file through a pipe, may open nothing else (only the protocol `pipe`, the reader of MP4 and the decoder
 * of H.264 are allowed), and decodes key frames only: that bounds the work and is what moderation looks at. *What does not
 * hold*: a frame between two key frames is not seen, and damage between them is not noticed; the scrubber checks the
 * structure. The index must stand before the samples, as the scrubber leaves it: a pipe can't be read backwards.
 */
import type { Readable } from 'node:stream';
import { wipe } from '../../base/bytes.js';
import { Refusal } from '../../base/errors.js';
import type { ByteSource } from '../../base/source.js';
import { MiB } from '../../base/units.js';
import type { Command } from './confine.js';
import type { Colour, Luma } from './decoder.js';
import { Guarded } from './guarded.js';
import type { DecodeLimits } from './limits.js';
import { chooseFrames } from './luma.js';
import { NetpbmReader, Spread } from './netpbm.js';
import { COLOUR_SIDE, LUMA_SIDE, PIECE_SIZE } from './wire.js';
import type { Clock } from '../../base/clock.js';

/** What ffmpeg gives: the poster as a PNG, not yet made into a preview. */
export interface VideoPictures {
  readonly poster: Buffer | null;
  readonly frames: readonly Luma[];
  /** The same frames in colour, where they were asked for. */
  readonly colours: readonly Colour[];
}

export interface PicturesWanted {
  /** 0: no poster. */
  readonly posterSide: number;
  readonly luma: boolean;
  readonly colour: boolean;
}

const MAX_POSTER = 24 * MiB;
/** Key frames among which the most telling one becomes the poster: the first is often black. */
const POSTER_CHOICE = 6;

/** Before the input: what may be opened, read and decoded. AAC is looked at when the file is opened, and not decoded. */
const ALLOWED = [
  ...['-protocol_whitelist', 'pipe', '-format_whitelist', 'mov,mp4,m4a,3gp,3g2,mj2', '-codec_whitelist', 'h264,aac'],
  ...['-f', 'mov', '-probesize', '4M', '-analyzeduration', '4M'],
];

/** All are made in one pass over the file, which is refused where a frame has more than `pixels`. */
export function picturesCommand(ffmpeg: string, { posterSide, luma, colour }: PicturesWanted, pixels: number): Command {
  const poster = ['-vf', `${fit(posterSide)},thumbnail=${POSTER_CHOICE}`, '-frames:v', '1', '-c:v', 'png', 'pipe:1'];
  const grey = ['-vf', `${fit(LUMA_SIDE)},format=gray`, '-vsync', 'passthrough', '-c:v', 'pgm', 'pipe:3'];
  const coloured = ['-vf', `${fit(COLOUR_SIDE)},format=rgb24`, '-vsync', 'passthrough', '-c:v', 'ppm', 'pipe:4'];
  const output = ['-map', '0:v:0', '-an', '-sn', '-dn', '-map_metadata', '-1', '-f', 'image2pipe'];
  const quiet = ['-nostdin', '-v', 'quiet', '-threads', '1', '-filter_threads', '1', '-skip_frame', 'nokey'];
  return {
    file: ffmpeg,
    args: [
      ...[...quiet, ...ALLOWED, '-max_pixels', String(pixels), '-i', 'pipe:0'],
      ...(posterSide > 0 ? [...output, ...poster] : []),
      ...(luma ? [...output, ...grey] : []),
      ...(colour ? [...output, ...coloured] : []),
    ],
  };
}

function fit(side: number): string {
  return `scale='min(${side},iw)':'min(${side},ih)':force_original_aspect_ratio=decrease`;
}

/** One run of ffmpeg's tools over one video. */
export class VideoRun {
  readonly #limits: DecodeLimits;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | null;
  readonly #track: (process: Guarded) => void;

  /** `track` hears of every process that is started, so that it can be ended from outside. */
  constructor(limits: DecodeLimits, clock: Clock, signal: AbortSignal | null, track: (process: Guarded) => void) {
    this.#limits = limits;
    this.#clock = clock;
    this.#signal = signal;
    this.#track = track;
  }

  async pictures(command: Command, source: ByteSource, count: number, colour: boolean): Promise<VideoPictures> {
    return this.#run(command, colour ? 3 : 2, source, async (process) => {
      const [grey, coloured] = [new Spread(2 * count), new Spread(2 * count)];
      const [poster] = await Promise.all([
        collect(process, process.output(1), MAX_POSTER),
        readFrames(process, 3, 1, grey),
        colour ? readFrames(process, 4, 3, coloured) : null,
      ]);
      // Both went through the same spread, so that one index means one frame.
      if (colour && coloured.kept.length !== grey.kept.length) throw undecodable();
      const indexes = colour ? chooseFrames(coloured.kept, count, 3) : chooseFrames(grey.kept, count);
      const [frames, colours] = [picked(grey.kept, indexes), picked(coloured.kept, indexes)];
      return { poster: poster.length > 0 ? poster : null, frames, colours };
    });
  }

  async #run<T>(
    command: Command,
    outputs: 2 | 3,
    source: ByteSource,
    take: (process: Guarded) => Promise<T>,
  ): Promise<T> {
    const process = new Guarded(command, this.#limits, this.#clock, outputs);
    const abort = (): void => process.kill();
    this.#track(process);
    this.#signal?.addEventListener('abort', abort, { once: true });
    try {
      process.watch();
      const taken = take(process);
      // The source may fail while the process still talks: that is told first.
      await Promise.race([taken, process.writeAll(source, PIECE_SIZE).then(() => process.input.end())]);
      const result = await taken;
      await process.gone;
      this.#signal?.throwIfAborted();
      return result;
    } catch (error) {
      if (this.#signal?.aborted === true) throw new Refusal('cut-off', 'the sender left while the video was read');
      throw process.overrun === null ? error : process.failure();
    } finally {
      this.#signal?.removeEventListener('abort', abort);
      process.kill();
      await process.gone;
    }
  }
}

/** All that a stream says, up to `most` bytes; a process that says more is killed, and the video refused. */
async function collect(process: Guarded, stream: Readable, most: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream as AsyncIterable<Buffer>) {
    size += piece.length;
    pieces.push(piece);
    if (size > most) {
      process.kill();
      throw undecodable();
    }
  }
  const whole = Buffer.concat(pieces);
  wipe(...pieces);
  if (process.overrun !== null) throw process.failure();
  return whole;
}

async function readFrames(process: Guarded, output: 3 | 4, channels: 1 | 3, spread: Spread): Promise<void> {
  const reader = new NetpbmReader(channels, (frame) => spread.add(frame));
  try {
    for await (const piece of process.output(output) as AsyncIterable<Buffer>) {
      reader.push(piece);
      wipe(piece);
    }
  } catch {
    process.kill();
    throw undecodable();
  } finally {
    reader.discard();
  }
}

/** Those of the indexes; the others are wiped. */
function picked(kept: readonly Luma[], indexes: readonly number[]): Luma[] {
  for (const [index, luma] of kept.entries()) if (!indexes.includes(index)) wipe(luma.data);
  return kept.filter((_, index) => indexes.includes(index));
}

export function undecodable(): Refusal {
  return new Refusal('unreadable', 'the video does not decode', { reason: 'undecodable' });
}
