/**
 * What a file is, found from its bytes; a client's word is never asked.
 *
 * Only the beginning decides, and for text all of it. That says which scrubber reads the file, and no more: a file that is
 * two things at once comes out of that scrubber as the one thing, or not at all.
 */
import { fileTypeFromBuffer } from 'file-type';
import { readInOrder, type ByteSource } from '../base/source.js';
import type { MediaType } from './media-type.js';

/** Supported, or the name of what it seems to be, in words for the page that refuses it. */
export type Found =
  | { readonly kind: 'supported'; readonly type: Exclude<MediaType, 'application/octet-stream'> }
  | { readonly kind: 'unsupported'; readonly seems: string };

/** As much as `file-type` wants to see. */
const LOOK = 4100;

type Probe = (head: Buffer) => boolean;
const at =
  (offset: number, magic: string): Probe =>
  (head) =>
    head.toString('latin1', offset, offset + magic.length) === magic;
const both =
  (...probes: readonly Probe[]): Probe =>
  (head) =>
    probes.every((probe) => probe(head));

const SUPPORTED: readonly (readonly ['image/jpeg' | 'image/png' | 'image/gif' | 'image/webp', Probe])[] = [
  ['image/jpeg', at(0, '\xff\xd8\xff')],
  ['image/png', at(0, '\x89PNG\r\n\x1a\n')],
  ['image/gif', (head) => /^GIF8[79]a/.test(head.toString('latin1', 0, 6))],
  ['image/webp', both(at(0, 'RIFF'), at(8, 'WEBP'))],
];

/**
 * Brands of ISO base media files (ISO/IEC 14496-12, 4.3), the major one first, then the compatible ones. QuickTime's own is
 * among them: what phones put into a .mov is H.264 and AAC, and comes out as MP4; the scrubber refuses any other.
 */
const MP4_BRAND = /^(?:isom|iso[2-9]|mp4[12]|avc1|M4V[ HP]|dash|MSNV|mmp4|f4v |NDS[CHPSX]|cmfc|msdh|XAVC|qt {2})$/;
const BRAND_NAMES: readonly (readonly [RegExp, string])[] = [
  [/^(?:heic|heix|heim|heis|hevc|hevx|hevm|hevs)$/, 'a HEIC picture'],
  [/^(?:avif|avis)$/, 'an AVIF picture'],
  [/^(?:mif1|msf1|mif2)$/, 'a HEIF picture'],
  [/^M4[AB] $/, 'an M4A sound file'],
  [/^3g[2egprs]/, 'a 3GP video'],
  [/^crx $/, 'a Canon raw picture'],
  [/^jxl $/, 'a JPEG XL picture'],
  [/^jp2 |^jpx /, 'a JPEG 2000 picture'],
];

const FOREIGN: readonly (readonly [string, Probe])[] = [
  [
    'a TIFF or raw picture',
    (head) => /^(?:II\*\0|MM\0\*|II\x2b\0|MM\0\x2b|IIRO|IIU\0)/.test(head.toString('latin1', 0, 4)),
  ],
  ['a JPEG XL picture', (head) => at(0, '\xff\x0a')(head) || at(4, 'JXL ')(head)],
  ['a JPEG 2000 picture', (head) => at(4, 'jP  ')(head) || at(0, '\xff\x4f\xff\x51')(head)],
  ['a BMP picture', both(at(0, 'BM'), (head) => head.length > 26 && head.readUInt32LE(6) === 0)],
  ['a Photoshop document', at(0, '8BPS')],
  ['an icon', (head) => at(0, '\0\0\x01\0')(head) || at(0, '\0\0\x02\0')(head)],
  ['a PDF document', (head) => head.subarray(0, 1024).includes('%PDF-')],
  ['an Office document of the old kind', at(0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1')],
  ['a WebM or Matroska video', at(0, '\x1a\x45\xdf\xa3')],
  ['an AVI video', both(at(0, 'RIFF'), at(8, 'AVI '))],
  ['a WAV sound file', both(at(0, 'RIFF'), at(8, 'WAVE'))],
  ['a Flash video', at(0, 'FLV\x01')],
  ['a Windows Media file', at(0, '\x30\x26\xb2\x75\x8e\x66\xcf\x11')],
  ['an MPEG video', (head) => at(0, '\0\0\x01\xba')(head) || at(0, '\0\0\x01\xb3')(head)],
  ['an MPEG transport stream', both(at(0, 'G'), at(188, 'G'))],
  ['an Ogg file', at(0, 'OggS')],
  ['a FLAC sound file', at(0, 'fLaC')],
  ['an MP3 sound file', (head) => at(0, 'ID3')(head) || /^\xff[\xfb\xf3\xf2]/.test(head.toString('latin1', 0, 2))],
  ['a 7-Zip archive', at(0, '7z\xbc\xaf\x27\x1c')],
  ['a RAR archive', at(0, 'Rar!\x1a\x07')],
  ['a gzip archive', at(0, '\x1f\x8b')],
  ['a bzip2 archive', at(0, 'BZh')],
  ['an XZ archive', at(0, '\xfd7zXZ\0')],
  ['a Zstandard archive', at(0, '\x28\xb5\x2f\xfd')],
  ['a Windows program', at(0, 'MZ')],
  ['a Linux program', at(0, '\x7fELF')],
  ['a SQLite database', at(0, 'SQLite format 3\0')],
  ['an encrypted file (age)', at(0, 'age-encryption.org/')],
];

/** Formats that are text, but not to be read as such; matched behind white space, comments and XML's preamble. */
const WRITTEN: readonly (readonly [string, RegExp])[] = [
  ['an SVG picture', /^<(?:\w{1,20}:)?svg[\s>]/i],
  ['a web page', /^<(?:!doctype html|html|head|body|script)[\s>]/i],
  ['a PDF document', /^%PDF-/],
  ['a PostScript document', /^%!PS/],
  ['an RTF document', /^\{\\rtf/],
];

/** Reads the beginning of `source`, and all of it where it looks like text. */
export async function sniff(source: ByteSource): Promise<Found> {
  if (source.size === 0) return named('an empty file');
  const head = await source.read(0, Math.min(LOOK, source.size));
  try {
    return supported(head) ?? (await text(source, head)) ?? isoMedia(head) ?? foreign(head) ?? (await guess(head));
  } finally {
    head.fill(0);
  }
}

function supported(head: Buffer): Found | null {
  const found = SUPPORTED.find(([, probe]) => probe(head));
  return found === undefined ? null : { kind: 'supported', type: found[0] };
}

/** `ftyp`: length(4) ‖ 'ftyp' ‖ major brand(4) ‖ version(4) ‖ compatible brands(4 each). Old QuickTime has no `ftyp`. */
function isoMedia(head: Buffer): Found | null {
  const type = head.toString('latin1', 4, 8);
  if (type === 'moov' || type === 'mdat' || type === 'wide' || type === 'pnot') return named('a QuickTime (MOV) video');
  if (type !== 'ftyp') return null;
  const end = Math.min(head.readUInt32BE(0), head.length);
  const brands = [head.toString('latin1', 8, 12)];
  for (let offset = 16; offset + 4 <= end; offset += 4) brands.push(head.toString('latin1', offset, offset + 4));
  for (const brand of brands) {
    const found = BRAND_NAMES.find(([pattern]) => pattern.test(brand));
    // HEIF is the family: a compatible brand says which member, if one of them does.
    if (found !== undefined && (found[1] !== 'a HEIF picture' || brand === brands.at(-1))) return named(found[1]);
    if (MP4_BRAND.test(brand)) return { kind: 'supported', type: 'video/mp4' };
  }
  return named(brands.some((brand) => /^mi?f1|^msf1/.test(brand)) ? 'a HEIF picture' : 'a video of another kind');
}

function foreign(head: Buffer): Found | null {
  if (at(0, 'PK\x03\x04')(head) || at(0, 'PK\x05\x06')(head)) return named(zipName(head));
  const found = FOREIGN.find(([, probe]) => probe(head));
  return found === undefined ? null : named(found[0]);
}

function zipName(head: Buffer): string {
  const text = head.toString('latin1');
  if (text.includes('word/') || text.includes('xl/') || text.includes('ppt/') || text.includes('[Content_Types].xml')) {
    return 'an Office document';
  }
  if (text.includes('mimetypeapplication/vnd.oasis')) return 'an OpenDocument file';
  if (text.includes('AndroidManifest.xml')) return 'an Android app';
  return 'a ZIP archive';
}

/** UTF-8 from end to end, without control characters but tab, line feed, carriage return and form feed. */
async function text(source: ByteSource, head: Buffer): Promise<Found | null> {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    for await (const piece of readInOrder(source)) {
      const plain = !hasControls(piece);
      decoder.decode(piece, { stream: true });
      piece.fill(0);
      if (!plain) return null;
    }
    decoder.decode();
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
  const beginning = afterPreamble(head.toString('utf8'));
  const written = WRITTEN.find(([, pattern]) => pattern.test(beginning));
  return written === undefined ? { kind: 'supported', type: 'text/plain' } : named(written[0]);
}

/** What stands behind white space, comments, processing instructions and the document type of another kind than HTML. */
function afterPreamble(text: string): string {
  for (let rest = text.replace(/^\ufeff/, ''); ;) {
    rest = rest.trimStart();
    const [opening, closing] = rest.startsWith('<!--')
      ? ['<!--', '-->']
      : rest.startsWith('<?')
        ? ['<?', '?>']
        : /^<!doctype svg/i.test(rest)
          ? ['<', '>']
          : ['', ''];
    const end = opening === '' ? -1 : rest.indexOf(closing, opening.length);
    if (end < 0) return rest;
    rest = rest.slice(end + closing.length);
  }
}

function hasControls(bytes: Buffer): boolean {
  for (const byte of bytes) {
    if (byte === 0x7f || (byte < 0x20 && byte !== 9 && byte !== 10 && byte !== 12 && byte !== 13)) return true;
  }
  return false;
}

/** For anything rarer, the ending that a library of signatures gives, in capitals. */
async function guess(head: Buffer): Promise<Found> {
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  const ending = found?.ext.toUpperCase() ?? '';
  return named(/^[A-Z0-9]{1,6}$/.test(ending) ? `a file of type ${ending}` : 'a file of unknown type');
}

function named(seems: string): Found {
  return { kind: 'unsupported', seems };
}
