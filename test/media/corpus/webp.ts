/** WebPs with something planted in every place that they have. */
import { dirtyProfile, exif, xmp } from './blocks.js';
import { profileOf, webpBases } from './base.js';
import { planted, type Sample } from './plant.js';

export interface Piece {
  readonly type: string;
  readonly content: Buffer;
}

export function piecesOf(bytes: Buffer, from = 12): Piece[] {
  const found: Piece[] = [];
  for (let at = from; at + 8 <= bytes.length;) {
    const length = bytes.readUInt32LE(at + 4);
    found.push({ type: bytes.toString('latin1', at, at + 4), content: bytes.subarray(at + 8, at + 8 + length) });
    at += 8 + length + (length & 1);
  }
  return found;
}

function chunk({ type, content }: Piece): Buffer {
  const head = Buffer.alloc(8);
  head.write(type, 'latin1');
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length & 1)]);
}

export function assemble(pieces: readonly Piece[]): Buffer {
  const body = Buffer.concat([Buffer.from('WEBP'), ...pieces.map(chunk)]);
  const head = Buffer.alloc(8);
  head.write('RIFF', 'latin1');
  head.writeUInt32LE(body.length, 4);
  return Buffer.concat([head, body]);
}

const piece = (type: string, content: Buffer | string): Piece => ({ type, content: Buffer.from(content) });

/** The same picture in the extended form, with `flags` set, `front` before the picture and `behind` after it. */
function extended(webp: Buffer, flags: number, front: readonly Piece[], behind: readonly Piece[]): Buffer {
  const pieces = piecesOf(webp);
  const header = Buffer.alloc(10);
  const old = pieces.find(({ type }) => type === 'VP8X')?.content;
  if (old !== undefined) old.copy(header);
  else {
    const picture = pieces[0]!;
    const lossless = picture.type === 'VP8L';
    const bits = lossless ? picture.content.readUInt32LE(1) : 0;
    const width = lossless ? (bits & 0x3fff) + 1 : picture.content.readUInt16LE(6) & 0x3fff;
    const height = lossless ? ((bits >>> 14) & 0x3fff) + 1 : picture.content.readUInt16LE(8) & 0x3fff;
    header.writeUIntLE(width - 1, 4, 3);
    header.writeUIntLE(height - 1, 7, 3);
    if (lossless && (bits & 0x10000000) !== 0) header[0] = 0x10;
  }
  header[0] = (header[0] ?? 0) | flags;
  const kept = pieces.filter(({ type }) => type !== 'VP8X' && !(type === 'ICCP' && (flags & 0x20) !== 0));
  const profiles = kept.filter(({ type }) => type === 'ICCP');
  const others = kept.filter(({ type }) => type !== 'ICCP');
  return assemble([piece('VP8X', header), ...profiles, ...front, ...others, ...behind]);
}

export const WEBP_PLANTINGS: Readonly<Record<string, (webp: Buffer, profile: Buffer) => Buffer>> = {
  exif: (webp) => extended(webp, 0x08, [], [piece('EXIF', exif(1))]),
  'exif-named': (webp) => extended(webp, 0x08, [], [piece('EXIF', Buffer.concat([Buffer.from('Exif\0\0'), exif(1)]))]),
  xmp: (webp) => extended(webp, 0x04, [], [piece('XMP ', xmp())]),
  'reserved-bytes': (webp) => {
    const whole = extended(webp, 0x0c, [], [piece('EXIF', exif(1)), piece('XMP ', xmp())]);
    whole.write('PLA', 21, 'latin1');
    return whole;
  },
  unknown: (webp) => extended(webp, 0, [piece('PLN1', planted('front'))], [piece('PLN2', planted('behind'))]),
  'profile-dirty': (webp, profile) => extended(webp, 0x20, [piece('ICCP', dirtyProfile(profile))], []),
  trailing: (webp) => Buffer.concat([webp, Buffer.from(planted('trailing'))]),
  'behind-simple': (webp) => assemble([...piecesOf(webp), piece('EXIF', exif(1)), piece('XMP ', xmp())]),
  'in-frames': (webp) =>
    assemble(
      piecesOf(webp).map((each) =>
        each.type !== 'ANMF'
          ? each
          : piece(
              'ANMF',
              Buffer.concat([each.content, chunk(piece('PLNT', planted('frame'))), chunk(piece('EXIF', exif(1)))]),
            ),
      ),
    ),
  everything: (webp, profile) =>
    Buffer.concat([
      extended(
        webp,
        0x2c,
        [piece('ICCP', dirtyProfile(profile)), piece('PLNT', planted('front'))],
        [piece('EXIF', exif(1)), piece('XMP ', xmp()), piece('PLNT', planted('behind'))],
      ),
      Buffer.from(planted('trailing')),
    ]),
};

export async function webpSamples(): Promise<Sample[]> {
  const bases = await webpBases();
  const profile = await profileOf(bases.find(({ name }) => name === 'profile')!.bytes);
  const samples: Sample[] = [];
  const add = (base: string, name: string, bytes: Buffer, orientation = 1): unknown =>
    samples.push({ name: `webp-${name}`, type: 'image/webp', bytes, orientation, base: `webp-${base}` });
  for (const base of bases) {
    add(base.name, base.name, base.bytes);
    for (const [name, plant] of Object.entries(WEBP_PLANTINGS))
      add(base.name, `${base.name}-${name}`, plant(base.bytes, profile));
  }
  for (let orientation = 2; orientation <= 8; orientation++) {
    add(
      'lossy',
      `turned-${orientation}`,
      extended(bases[0]!.bytes, 0x08, [], [piece('EXIF', exif(orientation))]),
      orientation,
    );
  }
  return samples;
}
