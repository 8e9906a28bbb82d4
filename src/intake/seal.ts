/**
 * The stage that seals a share: front part, items, previews and zeros up to whole units, under the key that only the
 * link can derive. Layout: docs/format/share.md.
 */
import { giveBack, wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { readInto, type ByteSource } from '../base/source.js';
import { Sha256 } from '../crypto/hash.js';
import { CONTEXT } from '../crypto/labels.js';
import type { ShareKey } from '../crypto/share-key.js';
import { plaintextThatFits } from '../crypto/stream.js';
import type { Arena, Hold } from '../store/arena.js';
import { encodeFront, type ItemFacts, type PreviewType } from './front.js';
import { SealedWriter } from './sealed-writer.js';

/** What goes into a share. Sizes are taken from the sources, not from the facts of anyone's. */
export interface SealItem extends Omit<ItemFacts, 'size' | 'preview'> {
  readonly source: ByteSource;
  readonly preview: { readonly type: PreviewType; readonly bytes: Buffer } | null;
}

export interface Sealed {
  /** The units that hold it, synced. The caller hands them to the ledger or releases them. */
  readonly hold: Hold;
  /** SHA-256 of each item as sealed, in hex. */
  readonly hashes: readonly string[];
}

/** Units that a share with `plaintext` bytes fills. */
export function unitsFor(plaintext: number, unitBytes: number): number {
  let units = Math.max(1, Math.ceil(plaintext / unitBytes));
  while (plaintextThatFits(units * unitBytes) < plaintext) units++;
  return units;
}

/** Bytes of plaintext that these items make, without the padding. */
export function plaintextSize(caption: string, items: readonly SealItem[]): number {
  const content = items.reduce((sum, item) => sum + item.source.size + (item.preview?.bytes.length ?? 0), 0);
  return encodeFront(caption, items.map(factsOf)).length + content;
}

/**
 * Seals `items` under `key`, which stays the caller's. Resolves when all of it is on the medium. On failure nothing is
 * held any more.
 */
export async function sealShare(
  arena: Arena,
  key: ShareKey,
  caption: string,
  items: readonly SealItem[],
): Promise<Sealed> {
  const units = unitsFor(plaintextSize(caption, items), arena.unitBytes);
  const hold = arena.reserve(units);
  if (hold === null) throw new Refusal('store-full', 'the store is full');
  const writer = new SealedWriter(arena, hold, key, CONTEXT.share);
  try {
    const front = encodeFront(caption, items.map(factsOf));
    await writer.add(front);
    const hashes = await addContent(writer, items);
    await addZeros(writer, plaintextThatFits(units * arena.unitBytes) - plaintextSize(caption, items));
    front.fill(0);
    await writer.end();
    await arena.sync();
    return { hold, hashes };
  } catch (error) {
    await writer.abandon();
    hold.release();
    throw error;
  }
}

/** Content is read and sealed so much at a time. */
const PIECE = 256 * 1024;

async function addContent(writer: SealedWriter, items: readonly SealItem[]): Promise<string[]> {
  const hashes: string[] = [];
  for (const { source } of items) {
    const hash = new Sha256();
    const room = Buffer.from(new ArrayBuffer(Math.min(PIECE, source.size)));
    try {
      for (let at = 0; at < source.size;) {
        const piece = room.subarray(0, await readInto(source, at, room.subarray(0, source.size - at)));
        if (piece.length === 0) throw new Error('source ended before its size');
        hash.update(piece);
        await writer.add(piece);
        at += piece.length;
      }
    } finally {
      wipe(room);
      giveBack(room);
    }
    hashes.push(hash.hex());
  }
  for (const { preview } of items) if (preview !== null) await writer.add(preview.bytes);
  return hashes;
}

const ZEROS = Buffer.alloc(64 * 1024);

async function addZeros(writer: SealedWriter, count: number): Promise<void> {
  for (let left = count; left > 0; left -= ZEROS.length)
    await writer.add(ZEROS.subarray(0, Math.min(left, ZEROS.length)));
}

function factsOf({ name, type, width, height, source, preview }: SealItem): ItemFacts {
  return {
    name,
    type,
    width,
    height,
    size: source.size,
    preview: preview === null ? null : { type: preview.type, size: preview.bytes.length },
  };
}
