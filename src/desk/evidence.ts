/**
 * A flagged share, opened in the desk's memory.
 *
 * Construction: the share's key, sealed to the staff under its file ID, is opened with the staff's private key, and with it
 * the ciphertext that the senders' process hands out for flagged shares and for no others. Previews are made blurred, in a
 * decoder child, of so few pixels that a browser can't be made to show more.
 *
 * What holds: a sealed key opens one share; content that is not what was sealed is not shown; closing wipes what opens it.
 * What does not hold: what was shown to a moderator's browser is in that browser.
 */
import { wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import type { ByteSource } from '../base/source.js';
import { readInOrder } from '../base/source.js';
import { Sha256 } from '../crypto/hash.js';
import type { Front, Item } from '../intake/front.js';
import type { Decoder, Luma } from '../media/decoder/decoder.js';
import { isPicture, type PictureType } from '../media/media-type.js';
import { bannedContent, type BannedLook } from '../moderation/ban.js';
import { openShareKey, sealShareKey } from '../moderation/staff-seal.js';
import { Content } from '../retrieval/content.js';
import { MOST_PIECE, type Door, type SealedEvidence } from './door.js';

/** Pixels on the long side of a blurred preview: what it is about can be guessed, a face can't be known. */
const BLURRED_SIDE = 20;

export class OpenedItem {
  readonly content: Content;
  readonly #decoder: Decoder;
  readonly #blurred = new Map<number, Promise<Buffer | null>>();
  /** The moderator has asked to see it as it is. */
  seen = false;

  private constructor(content: Content, decoder: Decoder) {
    this.content = content;
    this.#decoder = decoder;
  }

  /** Null = it does not open with this key, or is held no longer. The private key is only read. */
  static async open(
    door: Door,
    decoder: Decoder,
    privateKey: Buffer,
    fileId: string,
    sealed: SealedEvidence,
  ): Promise<OpenedItem | null> {
    const key = openShareKey(privateKey, 'key', fileId, sealed.sealedKey);
    if (key === null) return null;
    try {
      const content = await Content.openFrom(ciphertext(door, fileId, sealed.size), key, () => undefined);
      return content === null ? null : new OpenedItem(content, decoder);
    } finally {
      wipe(key);
    }
  }

  front(): Promise<Front> {
    return this.content.front();
  }

  /** A picture of `BLURRED_SIDE` pixels, as WebP; null where there is nothing to be seen, or it can't be decoded. */
  blurred(number: number): Promise<Buffer | null> {
    const made = this.#blurred.get(number) ?? this.#blur(number).catch(() => null);
    this.#blurred.set(number, made);
    return made;
  }

  async #blur(number: number): Promise<Buffer | null> {
    const item = (await this.front()).items[number - 1];
    const still = item === undefined ? null : stillOf(this.content, item);
    if (still === null) return null;
    const { preview } = await this.#decoder.decode(still.source, still.type, { preview: { longSide: BLURRED_SIDE } });
    return preview;
  }

  /** What a ban of this share bans: the digest of each item, and the looks of its pictures and frames. */
  async banned(): Promise<{ readonly looks: readonly BannedLook[]; readonly digests: readonly Buffer[] }> {
    const looks: BannedLook[] = [];
    const digests: Buffer[] = [];
    for (const item of (await this.front()).items) {
      const source = this.content.span(item.offset, item.size);
      digests.push(await digestOf(source));
      // What can't be decoded is banned by its digest alone.
      const lumas = await this.#lumas(item, source).catch(() => []);
      looks.push(...(await bannedContent(lumas, [])).looks);
      wipe(...lumas.map(({ data }) => data));
    }
    return { looks, digests };
  }

  async #lumas(item: Item, source: ByteSource): Promise<readonly Luma[]> {
    if (item.type === 'video/mp4') return (await this.#decoder.decodeVideo(source, { luma: true }))?.frames ?? [];
    if (!isPicture(item.type)) return [];
    const { luma, frames } = await this.#decoder.decode(source, item.type, { luma: true });
    return frames.length > 0 ? frames : luma === null ? [] : [luma];
  }

  close(): void {
    this.content.close();
    for (const made of this.#blurred.values()) void made.then((bytes) => wipe(bytes));
    this.#blurred.clear();
  }
}

/** Seals the key of a flagged share to the offline key; neither key leaves this function. Null = it does not open. */
export function resealToOffline(
  privateKey: Buffer,
  offlineKey: Buffer,
  fileId: string,
  { sealedKey }: SealedEvidence,
): Buffer | null {
  const key = openShareKey(privateKey, 'key', fileId, sealedKey);
  if (key === null) return null;
  try {
    return sealShareKey(offlineKey, 'preserved', fileId, key);
  } finally {
    wipe(key);
  }
}

function ciphertext(door: Door, fileId: string, size: number): ByteSource {
  return {
    size,
    async read(offset, length) {
      const end = Math.min(size, offset + length);
      const pieces: Buffer[] = [];
      for (let at = offset; at < end;) {
        const piece = await door.readEvidence(fileId, at, Math.min(MOST_PIECE, end - at));
        if (piece === null || piece.length === 0) throw new Refusal('gone', 'this is held no longer');
        pieces.push(piece);
        at += piece.length;
      }
      return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    },
  };
}

/** What a still of an item is made of: the preview that was sealed with it, or the picture itself. */
function stillOf(content: Content, item: Item): { source: ByteSource; type: PictureType } | null {
  if (item.preview !== null)
    return { source: content.span(item.previewOffset, item.preview.size), type: item.preview.type };
  return isPicture(item.type) ? { source: content.span(item.offset, item.size), type: item.type } : null;
}

async function digestOf(source: ByteSource): Promise<Buffer> {
  const hash = new Sha256();
  for await (const piece of readInOrder(source)) {
    hash.update(piece);
    wipe(piece);
  }
  return Buffer.from(hash.hex(), 'hex');
}
