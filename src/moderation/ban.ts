/**
 * What of a content is banned: its files by their digests, its look by perceptual hashes.
 *
 * A picture is banned as it is and in each light crop of it, since a crop changes the hash wholly. Turned and mirrored
 * ones are met when they come: a look-up hashes all turns. Of a video each sample frame that has something to see is
 * banned as it is.
 */
import { wipe } from '../base/bytes.js';
import { MIN_QUALITY } from './list-parse.js';
import { PDQ_LENGTH, pdqHash, type LumaPlane, type PdqHash } from './pdq.js';
import { lightCrops } from './plane-crop.js';

export interface BannedLook {
  /** The ban is known by it. */
  readonly original: PdqHash;
  readonly crops: readonly PdqHash[];
}

export interface BannedContent {
  readonly looks: readonly BannedLook[];
  readonly sha256: readonly Uint8Array[];
}

/** A look as bytes: its own hash, then those of its crops. */
export function encodeLook({ original, crops }: BannedLook): Buffer {
  return Buffer.concat([original, ...crops]);
}

/** Null = no look has so many bytes. */
export function parseLook(bytes: Uint8Array): BannedLook | null {
  if (bytes.length === 0 || bytes.length % PDQ_LENGTH !== 0) return null;
  const hashAt = (at: number): PdqHash => Buffer.from(bytes.subarray(at, at + PDQ_LENGTH)) as PdqHash;
  const crops = Array.from({ length: bytes.length / PDQ_LENGTH - 1 }, (_, crop) => hashAt((crop + 1) * PDQ_LENGTH));
  return { original: hashAt(0), crops };
}

/**
 * Hashes content that is to be banned. The planes are only read. A picture takes about half a second of CPU in pieces
 * of milliseconds, between which other work runs.
 */
export async function bannedContent(
  lumas: readonly LumaPlane[],
  sha256: readonly Uint8Array[],
): Promise<BannedContent> {
  const [only] = lumas;
  if (lumas.length === 1 && only !== undefined) return { looks: await lookOf(only), sha256 };
  const hashed = lumas.map((luma) => pdqHash(luma)).filter((found) => found !== null);
  // Flat frames are left out, else one dark frame would put every video that begins in the dark before a human.
  const seen = hashed.filter(({ quality }) => quality >= MIN_QUALITY);
  return { looks: seen.map(({ hash }) => ({ original: hash, crops: [] })), sha256 };
}

async function lookOf(luma: LumaPlane): Promise<readonly BannedLook[]> {
  const found = pdqHash(luma);
  if (found === null || found.quality === 0) return [];
  const crops: PdqHash[] = [];
  for (const part of lightCrops(luma)) {
    const hash = pdqHash(part)?.hash;
    if (hash !== undefined) crops.push(hash);
    wipe(part.data);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return [{ original: found.hash, crops }];
}
