/** Colour pictures made by rule: soft noise in several scales, discs and bars over it, like and unlike each other by seed. */
import sharp, { type Sharp } from 'sharp';
import { lumaOf } from '../../src/media/decoder/luma.js';
import type { LumaPlane } from '../../src/moderation/pdq.js';
import { generator } from './planes.js';

export interface Rgb {
  readonly width: number;
  readonly height: number;
  readonly data: Buffer;
}

/** Long side of the planes that the decoder makes. */
const LUMA_SIDE = 512;

/** One picture a seed. */
export async function picture(seed: number, width = 640, height = 480): Promise<Rgb> {
  const next = generator(seed * 2654435761 + 1);
  for (let at = 0; at < 8; at++) next();
  const ground = await softNoise(next, width, height);
  const data = Buffer.from(ground);
  for (let shape = 0; shape < 6; shape++) drawShape(data, width, height, next);
  return { width, height, data };
}

/** Random grids of 3, 6, 12 and 24 cells stretched over the picture, the coarse ones strongest. */
async function softNoise(next: () => number, width: number, height: number): Promise<Buffer> {
  const sum = new Float32Array(width * height * 3);
  for (const [cells, weight] of [
    [3, 0.5],
    [6, 0.25],
    [12, 0.15],
    [24, 0.1],
  ] as const) {
    const grid = Buffer.from(Array.from({ length: cells * cells * 3 }, () => next() & 255));
    const raw = { width: cells, height: cells, channels: 3 } as const;
    const layer = await sharp(grid, { raw }).resize(width, height, { fit: 'fill', kernel: 'cubic' }).raw().toBuffer();
    for (let at = 0; at < sum.length; at++) sum[at]! += weight * layer[at]!;
  }
  return Buffer.from(Uint8Array.from(sum, (value) => Math.max(0, Math.min(255, (value - 128) * 1.6 + 128))));
}

function drawShape(data: Buffer, width: number, height: number, next: () => number): void {
  const [cx, cy] = [next() % width, next() % height];
  const [across, down] = [20 + (next() % (width / 4)), 20 + (next() % (height / 4))];
  const colour = [next() & 255, next() & 255, next() & 255];
  const round = next() % 2 === 0;
  for (let y = Math.max(0, cy - down); y < Math.min(height, cy + down); y++) {
    for (let x = Math.max(0, cx - across); x < Math.min(width, cx + across); x++) {
      if (round && ((x - cx) / across) ** 2 + ((y - cy) / down) ** 2 > 1) continue;
      const at = (y * width + x) * 3;
      for (let channel = 0; channel < 3; channel++)
        data[at + channel] = (data[at + channel]! + 2 * colour[channel]!) / 3;
    }
  }
}

export function asSharp({ width, height, data }: Rgb): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** The plane that the decoder would make of an encoded file. */
export async function lumaOfFile(file: Buffer): Promise<LumaPlane> {
  const inside = { width: LUMA_SIDE, height: LUMA_SIDE, fit: 'inside', withoutEnlargement: true } as const;
  const { data, info } = await sharp(file).autoOrient().resize(inside).raw().toBuffer({ resolveWithObject: true });
  return lumaOf({ width: info.width, height: info.height, channels: info.channels, data });
}
