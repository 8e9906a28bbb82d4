/** JPEGs with something planted in every place that a JPEG has. */
import { dirtyProfile, exif, photoshop, xmp } from './blocks.js';
import { jpegBases, profileOf } from './base.js';
import { planted, type Sample } from './plant.js';

const EOI = Buffer.from([0xff, 0xd9]);

export function segment(code: number, ...contents: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(
    contents.map((each) => (typeof each === 'string' ? Buffer.from(each, 'latin1') : each)),
  );
  return Buffer.concat([Buffer.from([0xff, code, (content.length + 2) >> 8, (content.length + 2) & 255]), content]);
}

/** Where the marker segments of `jpeg` begin, the last one being its first SOS. */
function segmentsOf(jpeg: Buffer): { code: number; at: number }[] {
  const found: { code: number; at: number }[] = [];
  for (let at = 2; ; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const code = jpeg.readUInt8(at + 1);
    found.push({ code, at });
    if (code === 0xda) return found;
  }
}

function insert(jpeg: Buffer, at: number, ...what: readonly Buffer[]): Buffer {
  return Buffer.concat([jpeg.subarray(0, at), ...what, jpeg.subarray(at)]);
}

const front = (jpeg: Buffer, ...what: readonly Buffer[]): Buffer => insert(jpeg, 2, ...what);
/** Behind JFIF, where cameras that write both put EXIF. */
function behindFirst(jpeg: Buffer, ...what: readonly Buffer[]): Buffer {
  return insert(jpeg, segmentsOf(jpeg)[1]?.at ?? 2, ...what);
}
function beforeCode(jpeg: Buffer, code: number, ...what: readonly Buffer[]): Buffer {
  return insert(jpeg, segmentsOf(jpeg).find((each) => each.code === code)?.at ?? 2, ...what);
}

function without(jpeg: Buffer, code: number): Buffer {
  const found = segmentsOf(jpeg).find((each) => each.code === code);
  if (found === undefined) return jpeg;
  return Buffer.concat([jpeg.subarray(0, found.at), jpeg.subarray(found.at + 2 + jpeg.readUInt16BE(found.at + 2))]);
}

/** Before the second scan of a progressive picture, or before EOI. */
function betweenScans(jpeg: Buffer, ...what: readonly Buffer[]): Buffer {
  for (let at = (segmentsOf(jpeg).at(-1)?.at ?? 0) + 2; at < jpeg.length; at++) {
    const next = jpeg[at + 1] ?? 0;
    if (jpeg[at] === 0xff && next !== 0 && next !== 0xff && (next < 0xd0 || next > 0xd7))
      return insert(jpeg, at, ...what);
  }
  throw new Error('no marker behind the first scan');
}

const exifSegment = (orientation: number, thumbnail?: Buffer, little?: boolean): Buffer =>
  segment(0xe1, 'Exif\0\0', exif(orientation, thumbnail, little));

export function profileSegments(profile: Buffer, size = 3000): Buffer[] {
  const total = Math.ceil(profile.length / size);
  return Array.from({ length: total }, (_, index) =>
    segment(0xe2, 'ICC_PROFILE\0', Buffer.from([index + 1, total]), profile.subarray(index * size, (index + 1) * size)),
  );
}

const XMP = 'http://ns.adobe.com/xap/1.0/\0';
const EXTENDED = 'http://ns.adobe.com/xmp/extension/\0';

type Planting = (jpeg: Buffer, other: Buffer, profile: Buffer) => Buffer;

/** By name: how a clean JPEG is made dirty. `other` is a second picture, `profile` an ICC profile. */
export const JPEG_PLANTINGS: Readonly<Record<string, Planting>> = {
  exif: (jpeg) => front(jpeg, exifSegment(1)),
  'exif-thumbnail': (jpeg, other) => behindFirst(jpeg, exifSegment(1, other, true)),
  'exif-twice': (jpeg) => behindFirst(jpeg, exifSegment(1), exifSegment(1)),
  'exif-late': (jpeg) => beforeCode(jpeg, 0xda, exifSegment(1)),
  xmp: (jpeg) => front(jpeg, segment(0xe1, XMP, xmp())),
  'xmp-extended': (jpeg) => front(jpeg, segment(0xe1, EXTENDED, planted('guid'), xmp())),
  photoshop: (jpeg, other) => front(jpeg, segment(0xed, 'Photoshop 3.0\0', photoshop(other))),
  comment: (jpeg) => front(jpeg, segment(0xfe, planted('comment'))),
  'comments-everywhere': (jpeg) => {
    const comment = segment(0xfe, planted('comment'));
    return betweenScans(beforeCode(beforeCode(jpeg, 0xda, comment), 0xc4, comment), comment);
  },
  'application-between-scans': (jpeg) => betweenScans(jpeg, segment(0xe1, XMP, xmp()), segment(0xe9, planted('app9'))),
  'jfif-thumbnail': (jpeg) =>
    front(
      without(jpeg, 0xe0),
      segment(0xe0, 'JFIF\0', Buffer.from([1, 2, 1, 1, 44, 1, 44, 4, 4]), planted('jfif').padEnd(48, '.')),
    ),
  jfxx: (jpeg, other) => behindFirst(jpeg, segment(0xe0, 'JFXX\0\x10', other, planted('jfxx'))),
  'all-applications': (jpeg) =>
    behindFirst(
      jpeg,
      ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].map((n) =>
        segment(0xe0 + n, `Vendor\0${planted(`app${n}`)}`),
      ),
    ),
  'multi-picture': (jpeg, other) =>
    Buffer.concat([
      behindFirst(jpeg, segment(0xe2, `MPF\0${planted('mpf')}`)),
      front(other, exifSegment(3)),
      Buffer.from(planted('after')),
    ]),
  'gain-map': (jpeg, other) =>
    Buffer.concat([
      behindFirst(jpeg, segment(0xe1, XMP, `<x hdrgm:Version="1.0" p="${planted('gain')}"/>`)),
      front(other, segment(0xe2, `urn:iso:std:iso:ts:21496:-1\0${planted('iso')}`)),
    ]),
  'motion-photo': (jpeg) =>
    Buffer.concat([jpeg, Buffer.from(`\0\0\0\x18ftypmp42\0\0\0\0${planted('film')}`, 'latin1')]),
  trailing: (jpeg) => Buffer.concat([jpeg, Buffer.alloc(50), Buffer.from(planted('trailing'))]),
  'garbage-between': (jpeg) => beforeCode(jpeg, 0xdb, Buffer.from(planted('garbage'))),
  'fill-bytes': (jpeg) => front(beforeCode(jpeg, 0xda, Buffer.alloc(30, 255)), Buffer.alloc(9, 255)),
  'adobe-fields': (jpeg) => {
    const found = segmentsOf(jpeg).find(({ code }) => code === 0xee);
    const transform = found === undefined ? 1 : jpeg.readUInt8(found.at + 15);
    const dirty = segment(0xee, 'Adobe', Buffer.from([0, 100, 0x50, 0x4c, 0x41, 0x4e, transform]), planted('adobe'));
    return beforeCode(without(jpeg, 0xee), 0xdb, dirty);
  },
  'profile-dirty': (jpeg, _other, profile) => front(without(jpeg, 0xe2), ...profileSegments(dirtyProfile(profile))),
  'profile-broken': (jpeg, _other, profile) =>
    front(without(jpeg, 0xe2), ...profileSegments(dirtyProfile(profile), 800).slice(1), segment(0xfe, 'x')),
  'unused-tables': (jpeg) =>
    beforeCode(
      jpeg,
      0xda,
      segment(0xdb, Buffer.from([3]), planted('quantization').padEnd(64, '.')),
      segment(
        0xc4,
        Buffer.from([0x13, 0, 0, 0, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        planted('huffman').padEnd(40, '.'),
      ),
    ),
  'content-credentials': (jpeg) =>
    front(jpeg, segment(0xeb, 'JP\0\x01\0\0\0\x01\0\0\0\x40jumb', planted('c2pa').padEnd(56, '.'))),
  everything: (jpeg, other, profile) =>
    Buffer.concat([
      betweenScans(
        front(
          without(jpeg, 0xe2),
          exifSegment(1, other),
          segment(0xe1, XMP, xmp()),
          segment(0xed, 'Photoshop 3.0\0', photoshop(other)),
          ...profileSegments(dirtyProfile(profile)),
          segment(0xfe, planted('comment')),
        ),
        segment(0xfe, planted('late')),
      ),
      other,
      Buffer.from(planted('trailing')),
    ]),
};

/** A baseline picture of flat blocks, with restart markers: what libvips doesn't write. Huffman codes of one table each. */
export function restartJpeg(blocksWide: number, blocksHigh: number, interval: number): Buffer {
  const lengths = Buffer.alloc(16);
  lengths[3] = 12; // twelve codes of four bits: categories 0 to 11
  const dc = Buffer.concat([Buffer.from([0x00]), lengths, Buffer.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])]);
  const ac = Buffer.concat([Buffer.from([0x10, 1]), Buffer.alloc(15), Buffer.from([0])]); // one code of one bit: end of block
  const scan: number[] = [];
  let [bits, held] = [0, 0];
  const put = (value: number, width: number): void => {
    bits = (bits << width) | value;
    for (held += width; held >= 8; held -= 8) {
      const byte = (bits >>> (held - 8)) & 255;
      scan.push(byte, ...(byte === 255 ? [0] : []));
    }
    bits &= (1 << held) - 1;
  };
  const align = (): void => {
    if (held > 0) put((1 << (8 - held)) - 1, 8 - held);
  };
  let last = 0;
  for (let block = 0; block < blocksWide * blocksHigh; block++) {
    if (interval > 0 && block > 0 && block % interval === 0) {
      align();
      scan.push(0xff, 0xd0 + ((block / interval - 1) & 7));
      last = 0;
    }
    const level = ((block * 37) % 128) - 64;
    const difference = level - last;
    last = level;
    const size = 32 - Math.clz32(Math.abs(difference));
    put(size, 4);
    if (size > 0) put(difference > 0 ? difference : difference + (1 << size) - 1, size);
    put(0, 1);
  }
  align();
  const frame = Buffer.from([8, 0, blocksHigh * 8, 0, blocksWide * 8, 1, 1, 0x11, 0]);
  return Buffer.concat([
    Buffer.from([0xff, 0xd8]),
    segment(0xdb, Buffer.from([0]), Buffer.alloc(64, 8)),
    segment(0xc0, frame),
    segment(0xc4, dc, ac),
    ...(interval > 0 ? [segment(0xdd, Buffer.from([interval >> 8, interval & 255]))] : []),
    segment(0xda, Buffer.from([1, 1, 0, 0, 63, 0])),
    Buffer.from(scan),
    EOI,
  ]);
}

/** The same codes under an Adobe segment that says how to read them: 0 for RGB or CMYK, 2 for YCCK. */
function readAs(jpeg: Buffer, transform: number): Buffer {
  const adobe = segment(0xee, 'Adobe', Buffer.from([0, 100, 0, 0, 0, 0, transform]));
  return front(without(without(jpeg, 0xee), 0xe0), adobe);
}

export async function jpegSamples(): Promise<Sample[]> {
  const clean = await jpegBases();
  const bases = [
    ...clean,
    { name: 'restart', bytes: restartJpeg(9, 7, 4) },
    { name: 'rgb', bytes: readAs(clean[1]!.bytes, 0) },
    { name: 'ycck', bytes: readAs(clean.find(({ name }) => name === 'cmyk')!.bytes, 2) },
  ];
  const other = bases[1]!.bytes;
  const profile = await profileOf(bases.find(({ name }) => name === 'profile')!.bytes);
  const samples: Sample[] = [];
  const add = (base: string, name: string, bytes: Buffer, orientation = 1): unknown =>
    samples.push({ name: `jpeg-${name}`, type: 'image/jpeg', bytes, orientation, base: `jpeg-${base}` });
  for (const base of bases) {
    add(base.name, base.name, base.bytes);
    for (const [name, plant] of Object.entries(JPEG_PLANTINGS)) {
      add(base.name, `${base.name}-${name}`, plant(base.bytes, other, profile));
    }
  }
  for (let orientation = 1; orientation <= 8; orientation++) {
    add(
      '420',
      `turned-${orientation}`,
      front(bases[0]!.bytes, exifSegment(orientation, other, orientation % 2 === 0)),
      orientation,
    );
  }
  add('420', 'without-end', bases[0]!.bytes.subarray(0, -2));
  return samples;
}
