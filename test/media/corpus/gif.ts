/** GIFs with something planted in every place that they have. */
import { gifBases } from './base.js';
import { xmp } from './blocks.js';
import { planted, type Sample } from './plant.js';

export function subBlocks(bytes: Buffer | string): Buffer {
  const all = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
  const parts: Buffer[] = [];
  for (let at = 0; at < all.length; at += 255) {
    const part = all.subarray(at, at + 255);
    parts.push(Buffer.from([part.length]), part);
  }
  return Buffer.concat([...parts, Buffer.from([0])]);
}

const extension = (label: number, ...blocks: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from([0x21, label]), ...blocks]);
const named = (name: string, ...rest: readonly Buffer[]): Buffer =>
  extension(0xff, Buffer.from([11]), Buffer.from(name, 'latin1'), ...rest);

const COMMENT = extension(0xfe, subBlocks(planted('comment')));
const LONG_COMMENT = extension(0xfe, subBlocks(planted('comment').repeat(60)));
const PLAIN_TEXT = extension(0x01, Buffer.from([12]), Buffer.alloc(12, 1), subBlocks(planted('text')));
const XMP = named('XMP DataXMP', xmp(), Buffer.from([1, ...Array.from({ length: 256 }, (_, n) => 255 - n), 0]));
const PRIVATE = named('PLANTED1.00', subBlocks(planted('private')));
const UNKNOWN = extension(0x77, subBlocks(planted('unknown')));

interface Parts {
  readonly head: Buffer;
  /** Each with its kind and, for images, where the sub-blocks begin. */
  readonly blocks: readonly { readonly kind: number; readonly bytes: Buffer; readonly data: number }[];
}

export function partsOf(gif: Buffer): Parts {
  const table = (flags: number): number => ((flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1));
  let at = 13 + table(gif.readUInt8(10));
  const head = gif.subarray(0, at);
  const blocks: { kind: number; bytes: Buffer; data: number }[] = [];
  while (gif[at] !== 0x3b) {
    const start = at;
    const kind = gif[at] === 0x2c ? 0x2c : gif.readUInt8(at + 1);
    const data = gif[at] === 0x2c ? 10 + table(gif.readUInt8(at + 9)) + 1 : 2;
    for (at += data; gif.readUInt8(at) > 0; at += 1 + gif.readUInt8(at));
    at++;
    blocks.push({ kind, bytes: gif.subarray(start, at), data });
  }
  return { head, blocks };
}

/** `gif` with each block changed by `change`, and `behind` in front of the trailer. */
function changed(
  gif: Buffer,
  change: (bytes: Buffer, kind: number, data: number) => Buffer,
  ...behind: readonly Buffer[]
): Buffer {
  const { head, blocks } = partsOf(gif);
  const all = blocks.map(({ bytes, kind, data }) => change(bytes, kind, data));
  return Buffer.concat([head, ...all, ...behind, Buffer.from([0x3b])]);
}

const beforeImages = (gif: Buffer, ...what: readonly Buffer[]): Buffer =>
  changed(gif, (bytes, kind) => (kind === 0x2c ? Buffer.concat([...what, bytes]) : bytes), ...what);

export const GIF_PLANTINGS: Readonly<Record<string, (gif: Buffer) => Buffer>> = {
  comment: (gif) => beforeImages(gif, COMMENT),
  'long-comment': (gif) => beforeImages(gif, LONG_COMMENT),
  'plain-text': (gif) => beforeImages(gif, PLAIN_TEXT),
  xmp: (gif) => changed(gif, (bytes) => bytes, XMP),
  private: (gif) => changed(gif, (bytes, kind) => (kind === 0xf9 ? Buffer.concat([PRIVATE, bytes]) : bytes), PRIVATE),
  unknown: (gif) => beforeImages(gif, UNKNOWN),
  trailing: (gif) => Buffer.concat([gif, gif, Buffer.from(planted('trailing'))]),
  'behind-the-codes': (gif) =>
    changed(gif, (bytes, kind) =>
      kind === 0x2c ? Buffer.concat([bytes.subarray(0, -1), subBlocks(planted('remains').repeat(150))]) : bytes,
    ),
  'behind-the-codes-in-block': (gif) =>
    changed(gif, (bytes, kind, data) => {
      if (kind !== 0x2c) return bytes;
      const codes: Buffer[] = [];
      for (let at = data; bytes.readUInt8(at) > 0; at += 1 + bytes.readUInt8(at)) {
        codes.push(bytes.subarray(at + 1, at + 1 + bytes.readUInt8(at)));
      }
      return Buffer.concat([bytes.subarray(0, data), subBlocks(Buffer.concat([...codes, Buffer.from(planted('x'))]))]);
    }),
  'loop-with-more': (gif) =>
    changed(gif, (bytes, kind) =>
      kind === 0xff ? Buffer.concat([bytes.subarray(0, -1), subBlocks(planted('buffering'))]) : bytes,
    ),
  'control-of-nothing': (gif) =>
    changed(
      gif,
      (bytes) => bytes,
      extension(0xf9, Buffer.from([4]), Buffer.from('PLAN'), subBlocks(planted('control'))),
    ),
  everything: (gif) => Buffer.concat([beforeImages(gif, COMMENT, PLAIN_TEXT, PRIVATE, UNKNOWN, XMP), gif]),
};

export async function gifSamples(): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const base of await gifBases()) {
    const add = (name: string, bytes: Buffer): unknown =>
      samples.push({ name: `gif-${name}`, type: 'image/gif', bytes, orientation: 1, base: `gif-${base.name}` });
    add(base.name, base.bytes);
    for (const [name, plant] of Object.entries(GIF_PLANTINGS)) add(`${base.name}-${name}`, plant(base.bytes));
    add(`${base.name}-without-end`, base.bytes.subarray(0, -1));
  }
  return samples;
}
