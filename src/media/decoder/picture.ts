/**
 * Inside the child: one picture, decoded once for all that was asked.
 *
 * *Every frame is decoded*: a picture that ends early or doesn't decode is refused. Damage that every browser shows with
 * a shrug (libjpeg's warnings) passes. An APNG is known here by its first frame only: libvips reads no more of it.
 *
 * *Only the reader of the type that was found is switched on* in libvips, and only the one that reads from memory: a TIFF,
 * an SVG or a path can't be loaded whatever the bytes say.
 */
import type { Channels, ResizeOptions, Sharp, WebpOptions } from 'sharp';
import sharp from 'sharp';
import type { PictureType } from '../media-type.js';
import type { PictureFacts } from './decoder.js';
import type { Raster } from './luma.js';
import { chooseFrames, colourOf, lumaOf } from './luma.js';
import { reencode } from './reencode.js';
import type { ChildReason, WireRequest } from './wire.js';
import { COLOUR_SIDE, encodeColour, encodeFacts, encodeLuma, KIND, LUMA_SIDE } from './wire.js';

/** Refused, with the reason that goes over the wire. */
export class DecodeFault extends Error {
  readonly reason: ChildReason;

  constructor(reason: ChildReason) {
    super(`picture refused: ${reason}`);
    this.name = 'DecodeFault';
    this.reason = reason;
  }
}

/** How the child speaks. `sendInPieces` is for what may be longer than one frame. */
export interface Speaker {
  send(kind: number, body: Buffer): void;
  sendInPieces(kind: number, body: Buffer): void;
}

const READERS: Readonly<Record<PictureType, string>> = {
  'image/jpeg': 'VipsForeignLoadJpegBuffer',
  'image/png': 'VipsForeignLoadPngBuffer',
  'image/gif': 'VipsForeignLoadNsgifBuffer',
  'image/webp': 'VipsForeignLoadWebpBuffer',
};

/** Bytes that all frames of an animation may take together when they are compared with each other. */
const SAMPLING_BYTES = 48_000_000;
const PREVIEW_QUALITY = 76;

sharp.concurrency(1);
sharp.cache(false);
sharp.block({ operation: ['VipsForeignLoad'] });

/** Decodes `bytes` and says what was asked, in the order of the format. Throws `DecodeFault`, or libvips' own errors. */
export async function decodePicture(bytes: Buffer, request: WireRequest, speaker: Speaker): Promise<void> {
  sharp.unblock({ operation: [READERS[request.type]] });
  const facts = await readFacts(bytes, request);
  speaker.send(KIND.facts, encodeFacts(facts));
  const first = await decodeFirst(bytes, request);
  if (request.luma) {
    speaker.send(KIND.luma, encodeLuma(lumaOf(await fit(first, LUMA_SIDE))));
    await sendColour(first, request, speaker);
  }
  if (facts.frames > 1) await decodeAll(bytes, facts, request, speaker);
  if (request.previewSide > 0) {
    speaker.send(KIND.preview, await image(first).resize(within(request.previewSide)).webp(PREVIEW).toBuffer());
  }
  if (request.reencodeType === null) return;
  const anew = await reencode(open(bytes, request, -1), facts, request.reencodeType, request.reencodePixels);
  if (anew.length > request.outputLimit) throw new DecodeFault('output');
  speaker.sendInPieces(KIND.reencoded, anew);
}

const PREVIEW: WebpOptions = { quality: PREVIEW_QUALITY, effort: 2 };

function open(bytes: Buffer, request: WireRequest, pages: number): Sharp {
  return sharp(bytes, {
    failOn: 'error',
    // Counts the pixels of all frames together; `readFacts` has bounded those of one by then.
    limitInputPixels: Math.max(request.pixelLimit, request.animatedPixelLimit),
    sequentialRead: true,
    pages,
  });
}

/** The facts as the header has them, all bounds checked before a pixel is decoded. */
async function readFacts(bytes: Buffer, request: WireRequest): Promise<PictureFacts> {
  const header = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (`image/${header.format}` !== request.type) throw new DecodeFault('other-type');
  const frames = header.pages ?? 1;
  const pixels = header.width * header.height;
  if (pixels > request.pixelLimit) throw new DecodeFault('pixels');
  if (frames > request.frameLimit) throw new DecodeFault('frames');
  if (frames > 1 && pixels * frames > request.animatedPixelLimit) throw new DecodeFault('pixels');
  return { ...header.autoOrient, frames, hasAlpha: header.hasAlpha };
}

/** The first frame as it is shown, upright and in sRGB, no larger than the largest thing asked for. */
async function decodeFirst(bytes: Buffer, request: WireRequest): Promise<Raster> {
  const side = Math.max(request.previewSide, LUMA_SIDE);
  return rasterOf(open(bytes, request, 1).autoOrient().resize(within(side)));
}

/** Decodes every frame of an animation in one pass, small enough to be held together, and sends those that stand for all. */
async function decodeAll(bytes: Buffer, facts: PictureFacts, request: WireRequest, speaker: Speaker): Promise<void> {
  const side = Math.max(1, Math.min(LUMA_SIDE, Math.floor(Math.sqrt(SAMPLING_BYTES / (4 * facts.frames)))));
  const roll = await rasterOf(open(bytes, request, -1).resize(within(side)));
  if (!request.luma) return;
  const height = roll.height / facts.frames;
  const frames = Array.from({ length: facts.frames }, (_, index) => frameOf(roll, index, height));
  const indexes = request.colour
    ? chooseFrames(frames.map(colourOf), request.sampleFrames, 3)
    : chooseFrames(frames.map(lumaOf), request.sampleFrames);
  for (const frame of indexes.map((index) => frames[index])) {
    if (frame === undefined) continue;
    speaker.send(KIND.frameLuma, encodeLuma(lumaOf(frame)));
    await sendColour(frame, request, speaker);
  }
}

async function sendColour(raster: Raster, { colour }: WireRequest, speaker: Speaker): Promise<void> {
  if (colour) speaker.send(KIND.colour, encodeColour(colourOf(await fit(raster, COLOUR_SIDE))));
}

function frameOf(roll: Raster, index: number, height: number): Raster {
  const size = roll.width * height * roll.channels;
  return { ...roll, height, data: roll.data.subarray(index * size, (index + 1) * size) };
}

async function rasterOf(picture: Sharp): Promise<Raster> {
  const { data, info } = await picture.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, channels: info.channels, data };
}

async function fit(raster: Raster, side: number): Promise<Raster> {
  return Math.max(raster.width, raster.height) <= side ? raster : rasterOf(image(raster).resize(within(side)));
}

function image({ data, width, height, channels }: Raster): Sharp {
  return sharp(data, { raw: { width, height, channels: channels as Channels } });
}

function within(side: number): ResizeOptions {
  return { width: side, height: side, fit: 'inside', withoutEnlargement: true };
}
