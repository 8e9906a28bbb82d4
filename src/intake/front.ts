/**
 * The front part of a share's plaintext: caption, and for each item its name, type, size and place.
 *
 * Byte table: docs/format/share.md. It is sealed with the content, so nothing of it is known without the link.
 * Layout of the plaintext: front part ‖ items in order ‖ previews in order ‖ zeros up to whole units.
 */
import { Reader, Writer } from '../base/cursor.js';
import type { MediaType } from '../media/media-type.js';

export const FRONT_VERSION = 1;
/** Bytes that say how long the front part is, itself included. */
export const FRONT_HEAD = 4;
/** More than any front part that `encodeFront` makes: a bound for readers. */
export const FRONT_MOST = 512 * 1024;

/** Numbers in the format; never reorder. */
const TYPES: readonly MediaType[] = [
  'image/jpeg',
  'image/png',
  'image/gif',
  'image/webp',
  'video/mp4',
  'text/plain',
  'application/octet-stream',
];
const PREVIEW_TYPES = ['image/jpeg', 'image/webp', 'image/png'] as const;
export type PreviewType = (typeof PREVIEW_TYPES)[number];

export interface ItemFacts {
  readonly name: string;
  readonly type: MediaType;
  readonly size: number;
  /** As displayed; 0 = not known. */
  readonly width: number;
  readonly height: number;
  readonly preview: { readonly type: PreviewType; readonly size: number } | null;
}

/** An item with its place: offsets count from the beginning of the share's plaintext. */
export interface Item extends ItemFacts {
  readonly offset: number;
  readonly previewOffset: number;
}

export interface Front {
  readonly caption: string;
  readonly items: readonly Item[];
  /** Bytes of front part, items and previews together. */
  readonly size: number;
}

/** Encodes the front part of a share with these items, in this order. */
export function encodeFront(caption: string, items: readonly ItemFacts[]): Buffer {
  const captionBytes = Buffer.from(caption, 'utf8');
  const names = items.map(({ name }) => Buffer.from(name, 'utf8'));
  const length = names.reduce((sum, name) => sum + ITEM_LENGTH + name.length, HEAD_LENGTH + captionBytes.length);
  const out = Buffer.from(new ArrayBuffer(length));
  const writer = new Writer(out).u32(length).u8(FRONT_VERSION).u16(captionBytes.length).bytes(captionBytes);
  writer.u16(items.length);
  for (const [index, item] of items.entries()) {
    const name = names[index] ?? Buffer.alloc(0);
    writer.u8(TYPES.indexOf(item.type)).u16(name.length).bytes(name).u64(item.size).u32(item.width).u32(item.height);
    writer.u8(item.preview === null ? 0xff : PREVIEW_TYPES.indexOf(item.preview.type)).u32(item.preview?.size ?? 0);
  }
  return out;
}

/** length, version, caption length, item count */
const HEAD_LENGTH = FRONT_HEAD + 1 + 2 + 2;
/** type, name length, size, width, height, preview type, preview size */
const ITEM_LENGTH = 1 + 2 + 8 + 4 + 4 + 1 + 4;

/** Bytes of the front part, from its first four. Null = no front part begins so. */
export function frontLength(head: Uint8Array): number | null {
  const length = new Reader(head).u32();
  return length >= HEAD_LENGTH && length <= FRONT_MOST ? length : null;
}

/** Parses a whole front part. What it reads was authentic, so anything wrong in it is our own bug: it throws. */
export function parseFront(bytes: Buffer): Front {
  const reader = new Reader(bytes);
  reader.skip(FRONT_HEAD);
  if (reader.u8() !== FRONT_VERSION) throw new Error('a front part of another version');
  const caption = reader.bytes(reader.u16()).toString('utf8');
  const facts: ItemFacts[] = [];
  for (let left = reader.u16(); left > 0; left--) facts.push(parseItem(reader));
  return { caption, ...placed(facts, bytes.length) };
}

function parseItem(reader: Reader): ItemFacts {
  const type = TYPES[reader.u8()];
  if (type === undefined) throw new Error('an item of an unknown type');
  const name = reader.bytes(reader.u16()).toString('utf8');
  const size = reader.u64();
  const width = reader.u32();
  const height = reader.u32();
  const previewType = PREVIEW_TYPES[reader.u8()];
  const previewSize = reader.u32();
  const preview = previewType === undefined ? null : { type: previewType, size: previewSize };
  return { name, type, size, width, height, preview };
}

function placed(facts: readonly ItemFacts[], frontSize: number): { items: Item[]; size: number } {
  let offset = frontSize;
  let previewOffset = facts.reduce((sum, { size }) => sum + size, frontSize);
  const items = facts.map((fact) => {
    const item = { ...fact, offset, previewOffset };
    offset += fact.size;
    previewOffset += fact.preview?.size ?? 0;
    return item;
  });
  return { items, size: previewOffset };
}
