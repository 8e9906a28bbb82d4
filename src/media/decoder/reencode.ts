/**
 * Hard scrub: a picture made anew from its pixels (docs/HARD-SCRUB.md).
 *
 * Orientation is applied, colours are converted to sRGB, the size goes down to `maxPixels` and always a little further by
 * a random ratio, so that pixels of the result stand between pixels of the original: what was hidden in coefficients or
 * low bits is gone, and a sensor's pattern is smeared. No metadata is written. Frames and their timing stay.
 */
import type { Sharp } from 'sharp';
import type { PictureType } from '../media-type.js';
import type { PictureFacts } from './decoder.js';
import { withoutDensity } from './density.js';

/** The random ratio lies between these. Above, sides of a few hundred pixels would come out unchanged. */
const LEAST_SCALE = 0.93;
const MOST_SCALE = 0.98;

export async function reencode(
  picture: Sharp,
  facts: PictureFacts,
  type: PictureType,
  maxPixels: number,
): Promise<Buffer> {
  const { width, height } = scaledSize(facts, maxPixels, Math.random());
  // An animation has no orientation that libvips could apply to each frame.
  const upright = facts.frames > 1 ? picture : picture.autoOrient();
  const anew = encodeAs(upright.resize({ width, height, fit: 'fill' }).toColourspace('srgb'), type);
  return withoutDensity(await anew.toBuffer(), type);
}

/** The size that comes out; `chance` is from 0 to 1. A `maxPixels` of 0 bounds nothing. */
export function scaledSize(
  { width, height }: PictureFacts,
  maxPixels: number,
  chance: number,
): { width: number; height: number } {
  const bounded = maxPixels === 0 ? 1 : Math.min(1, Math.sqrt(maxPixels / (width * height)));
  const scale = bounded * (LEAST_SCALE + (MOST_SCALE - LEAST_SCALE) * chance);
  return { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
}

function encodeAs(picture: Sharp, type: PictureType): Sharp {
  switch (type) {
    case 'image/jpeg':
      return picture.flatten({ background: 'white' }).jpeg({ quality: 84 });
    case 'image/png':
      return picture.png({ compressionLevel: 6 });
    case 'image/gif':
      return picture.gif({ effort: 3 });
    case 'image/webp':
      return picture.webp({ quality: 82, effort: 3 });
  }
}
