/** PNGs and APNGs with something planted in every place that they have. */
import { crc32, deflateSync } from 'node:zlib';
import { dirtyProfile, exif, xmp } from './blocks.js';
import { drawing, pngBases, profileOf } from './base.js';
import { planted, type Sample } from './plant.js';

export const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');

export function chunk(type: string, ...contents: readonly (Buffer | string)[]): Buffer {
  const content = Buffer.concat(
    contents.map((each) => (typeof each === 'string' ? Buffer.from(each, 'latin1') : each)),
  );
  const out = Buffer.alloc(12 + content.length);
  out.writeUInt32BE(content.length, 0);
  out.write(type, 4, 'latin1');
  content.copy(out, 8);
  out.writeUInt32BE(crc32(out.subarray(4, 8 + content.length)), 8 + content.length);
  return out;
}

export interface Piece {
  readonly type: string;
  readonly content: Buffer;
}

export function chunksOf(png: Buffer): Piece[] {
  const found: Piece[] = [];
  for (let at = 8; at < png.length;) {
    const length = png.readUInt32BE(at);
    found.push({ type: png.toString('latin1', at + 4, at + 8), content: png.subarray(at + 8, at + 8 + length) });
    at += 12 + length;
  }
  return found;
}

export function assemble(pieces: readonly Piece[]): Buffer {
  return Buffer.concat([SIGNATURE, ...pieces.map(({ type, content }) => chunk(type, content))]);
}

const piece = (type: string, ...contents: readonly (Buffer | string)[]): Piece => ({
  type,
  content: Buffer.concat(contents.map((each) => (typeof each === 'string' ? Buffer.from(each, 'latin1') : each))),
});

function before(png: Buffer, type: string, ...what: readonly Piece[]): Buffer {
  const pieces = chunksOf(png);
  const found = pieces.findIndex((each) => each.type === type);
  // The header of a first frame belongs to the data behind it: ffmpeg wants them together.
  const at = type === 'IDAT' && pieces[found - 1]?.type === 'fcTL' ? found - 1 : found;
  return assemble([...pieces.slice(0, at), ...what, ...pieces.slice(at)]);
}

const without = (png: Buffer, type: string): Buffer => assemble(chunksOf(png).filter((each) => each.type !== type));

const TEXTS = [
  piece('tEXt', `Comment\0${planted('text')}`),
  piece('tEXt', `Author\0${planted('author')}`),
  piece('zTXt', 'Description\0\0', deflateSync(planted('compressed'))),
  piece('iTXt', `Title\0\0\0en\0\0${planted('international')}`),
  piece('iTXt', 'XML:com.adobe.xmp\0\0\0\0\0', xmp()),
  piece('tEXt', `Raw profile type exif\0\nexif\n${planted('raw')}`),
];
const PRIVATE = [
  piece('tIME', Buffer.from([7, 232, 1, 2, 3, 4, 5])),
  piece('prVt', planted('private')),
  piece('caBX', planted('c2pa')),
  piece('iDOT', planted('apple')),
  piece('sPLT', `${planted('splt')}\0\x08`, Buffer.alloc(6)),
  piece('pCAL', `${planted('pcal')}\0`, Buffer.alloc(10)),
  piece('dSIG', planted('signature')),
];

type Planting = (png: Buffer, other: Buffer, profile: Buffer) => Buffer;

export const PNG_PLANTINGS: Readonly<Record<string, Planting>> = {
  'texts-before': (png) => before(png, 'IDAT', ...TEXTS),
  'texts-behind': (png) => before(png, 'IEND', ...TEXTS),
  private: (png) => before(before(png, 'IDAT', ...PRIVATE), 'IEND', ...PRIVATE),
  exif: (png) => before(png, 'IDAT', piece('eXIf', exif(1))),
  'exif-behind': (png) => before(png, 'IEND', piece('eXIf', exif(1))),
  trailing: (png, other) => Buffer.concat([png, other, Buffer.from(planted('trailing'))]),
  'in-the-data': (png) => {
    const pieces = chunksOf(png);
    const data = Buffer.concat(pieces.filter(({ type }) => type === 'IDAT').map(({ content }) => content));
    const at = pieces.findIndex(({ type }) => type === 'IDAT');
    const split = [
      piece('IDAT', data.subarray(0, 20)),
      piece('IDAT', data.subarray(20), planted('remains')),
      piece('IDAT', planted('more-remains').repeat(40)),
    ];
    return assemble([...pieces.slice(0, at), ...split, ...pieces.slice(at).filter(({ type }) => type !== 'IDAT')]);
  },
  'many-data-chunks': (png) => {
    const pieces = chunksOf(png);
    const data = Buffer.concat(pieces.filter(({ type }) => type === 'IDAT').map(({ content }) => content));
    const at = pieces.findIndex(({ type }) => type === 'IDAT');
    const split = Array.from({ length: Math.ceil(data.length / 7) }, (_, n) =>
      piece('IDAT', data.subarray(n * 7, n * 7 + 7)),
    );
    const rest = pieces.slice(at).filter(({ type }) => type !== 'IDAT');
    return assemble([...pieces.slice(0, at), ...split, piece('tEXt', `Comment\0${planted('x')}`), ...rest]);
  },
  'profile-dirty': (png, _other, profile) =>
    before(
      without(without(png, 'iCCP'), 'sRGB'),
      hasPalette(png) ? 'PLTE' : 'IDAT',
      profilePiece(dirtyProfile(profile)),
    ),
  'profile-broken': (png) =>
    before(
      without(png, 'iCCP'),
      hasPalette(png) ? 'PLTE' : 'IDAT',
      piece('iCCP', `${planted('name')}\0\0`, deflateSync(planted('no'))),
    ),
  gamma: (png) =>
    before(
      without(png, 'iCCP'),
      hasPalette(png) ? 'PLTE' : 'IDAT',
      piece('gAMA', Buffer.from([0, 0, 0xb1, 0x8f])),
      piece('cHRM', Buffer.from('00007a26000080840000fa00000080e8000075300000ea6000003a9800001770', 'hex')),
      piece('gAMA', 'PLAN'),
    ),
  'square-density': (png) =>
    before(without(png, 'pHYs'), 'IDAT', piece('pHYs', Buffer.from([0, 0, 46, 35, 0, 0, 46, 35, 1]))),
  everything: (png, other, profile) =>
    Buffer.concat([
      before(
        before(
          before(
            without(without(png, 'iCCP'), 'sRGB'),
            hasPalette(png) ? 'PLTE' : 'IDAT',
            profilePiece(dirtyProfile(profile)),
          ),
          'IDAT',
          ...TEXTS,
          ...PRIVATE,
          piece('eXIf', exif(1)),
        ),
        'IEND',
        ...TEXTS,
      ),
      other,
    ]),
};

function hasPalette(png: Buffer): boolean {
  return png[25] === 3;
}

export function profilePiece(profile: Buffer): Piece {
  return piece('iCCP', `${planted('profile-name')}\0\0`, deflateSync(profile));
}

const u32 = (...values: readonly number[]): Buffer => Buffer.from(new Uint32Array(values).buffer).swap32();

/** An animation of `frames` pictures of one size; `late` frames stand behind those that acTL counts. */
export async function animation(
  width: number,
  height: number,
  frames: number,
  late = 0,
  hidden = false,
): Promise<Buffer> {
  const pictures: Piece[][] = [];
  for (let n = 0; n < frames + late; n++) pictures.push(chunksOf(await drawing(width, height, 4, n).png().toBuffer()));
  const first = pictures[0]!;
  let sequence = 0;
  const control = (n: number): Piece =>
    piece('fcTL', u32(sequence++, width, height, 0, 0), Buffer.from([0, 10 + n, 0, 100, n % 3, n % 2]));
  const out: Piece[] = [first[0]!, piece('acTL', u32(frames, 0))];
  for (const [n, pieces] of pictures.entries()) {
    const data = pieces.filter(({ type }) => type === 'IDAT');
    if (n > 0 || !hidden) out.push(control(n));
    else {
      out.push(...data, control(n));
    }
    if (n > 0 || hidden) {
      out.push(...data.map(({ content }) => piece('fdAT', u32(sequence++), content)));
      if (late > 0 && n >= frames) out.push(piece('tEXt', `Comment\0${planted('late')}`));
    } else out.push(...data);
  }
  return assemble([...out, piece('IEND')]);
}

/** `apng` with planted bytes behind the end of every second frame's stream, which makes later numbers move up. */
export function remainsInFrames(apng: Buffer): Buffer {
  let sequence = 0;
  const out: Piece[] = [];
  let frames = 0;
  for (const each of chunksOf(apng)) {
    if (each.type === 'fdAT' && frames++ % 2 === 1) {
      out.push(piece('fdAT', u32(sequence++), each.content.subarray(4)));
    } else if (each.type === 'fdAT') {
      out.push(piece('fdAT', u32(sequence++), each.content.subarray(4), planted('remains')));
      out.push(piece('fdAT', u32(sequence++), planted('more-remains')));
    } else if (each.type === 'fcTL') out.push(piece('fcTL', u32(sequence++), each.content.subarray(4)));
    else out.push(each);
  }
  return assemble(out);
}

export async function pngSamples(): Promise<Sample[]> {
  const bases = await pngBases();
  const films = [
    { name: 'film', bytes: await animation(24, 20, 4) },
    { name: 'film-hidden', bytes: await animation(16, 16, 3, 0, true) },
  ];
  const other = bases[0]!.bytes;
  const profile = await profileOf(bases.find(({ name }) => name === 'profile')!.bytes);
  const samples: Sample[] = [];
  const add = (base: string, name: string, bytes: Buffer, orientation = 1): unknown =>
    samples.push({ name: `png-${name}`, type: 'image/png', bytes, orientation, base: `png-${base}` });
  for (const base of [...bases, ...films]) {
    add(base.name, base.name, base.bytes);
    for (const [name, plant] of Object.entries(PNG_PLANTINGS)) {
      if (base.name.startsWith('film') && name === 'in-the-data') continue;
      add(base.name, `${base.name}-${name}`, plant(base.bytes, other, profile));
    }
  }
  for (let orientation = 2; orientation <= 8; orientation++) {
    add('rgb', `turned-${orientation}`, before(other, 'IDAT', piece('eXIf', exif(orientation))), orientation);
  }
  for (const film of films) add(film.name, `${film.name}-remains`, remainsInFrames(film.bytes));
  add('film-three', 'film-three', await animation(20, 20, 3));
  add('film-three', 'film-late', await animation(20, 20, 3, 2));
  const ratio = piece('pHYs', Buffer.from([0, 0, 46, 35, 0, 0, 23, 18, 1]));
  add('rgb', 'density', before(without(other, 'pHYs'), 'IDAT', ratio, ...TEXTS));
  return samples;
}
