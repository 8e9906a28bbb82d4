/**
 * XMP packets and Photoshop resource blocks (with IPTC inside): nothing of them is kept; they are read only to say what
 * kinds of things they held. Each is looked at up to `LOOK` bytes, in one pass and without nesting.
 */
import { EXIF_LOOK, readExif } from './exif.js';
import type { RemovedKind, RemovedTally } from './removed.js';

/** More of a block than this is not looked at for the count; it is dropped all the same. */
export const LOOK = 256 * 1024;

/** A property stands as an element or as an attribute: behind `<` or white space, never behind `</`. */
const XMP_PROPERTIES: readonly (readonly [RemovedKind, RegExp])[] = [
  ['location', /[<\s]exif:GPSLatitude\b|[<\s]photoshop:(?:City|Country)\b|[<\s]Iptc4xmp\w+:Location\w*/g],
  ['camera', /[<\s](?:tiff:(?:Make|Model)|aux:Lens|exifEX:Lens(?:Make|Model))\b/g],
  ['date', /[<\s](?:xmp:(?:Create|Modify|Metadata)Date|photoshop:DateCreated|exif:DateTime\w+)\b/g],
  ['serial-number', /[<\s](?:aux|exifEX|exif):\w*(?:SerialNumber|ImageUniqueID)\b/g],
  ['author', /[<\s](?:dc:(?:creator|rights)|photoshop:(?:Credit|AuthorsPosition|CaptionWriter)|xmpRights:Owner)\b/g],
  ['software', /[<\s](?:xmp:CreatorTool|tiff:Software)\b/g],
  ['description', /[<\s](?:dc:(?:title|description|subject)|photoshop:Headline)\b/g],
  ['comment', /[<\s](?:exif:UserComment|xmp:Label)\b/g],
  ['edit-history', /[<\s](?:xmpMM:(?:History|DocumentID|InstanceID|OriginalDocumentID|DerivedFrom)|crs:Version)\b/g],
  ['thumbnail', /[<\s]xmp:Thumbnails\b/g],
];

export function tallyXmp(packet: Buffer, tally: RemovedTally): void {
  const text = packet.toString('latin1', 0, LOOK);
  let met = 0;
  for (const [kind, pattern] of XMP_PROPERTIES) {
    const count = text.match(pattern)?.length ?? 0;
    tally.add(kind, count);
    met += count;
  }
  if (met === 0) tally.add('metadata-block');
}

const SIGNATURE = '8BIM';
const IPTC = 0x0404;
const XMP = 0x0424;
const EXIF = 0x0422;
const THUMBNAILS: ReadonlySet<number> = new Set([0x0409, 0x040c]);

/** Photoshop image resources: `8BIM`, ID, a name padded to even, length, data padded to even. */
export function tallyPhotoshop(resources: Buffer, tally: RemovedTally): void {
  tally.add('metadata-block');
  let at = 0;
  while (at + 12 <= resources.length && resources.toString('latin1', at, at + 4) === SIGNATURE) {
    const id = resources.readUInt16BE(at + 4);
    const nameLength = resources.readUInt8(at + 6);
    const start = at + 6 + ((nameLength + 2) & ~1) + 4;
    if (start > resources.length) return;
    const length = resources.readUInt32BE(start - 4);
    const data = resources.subarray(start, start + length);
    if (THUMBNAILS.has(id)) tally.add('thumbnail');
    else if (id === IPTC) tallyIptc(data, tally);
    else if (id === XMP) tallyXmp(data, tally);
    else if (id === EXIF) readExif(data.subarray(0, EXIF_LOOK), tally);
    at = start + length + (length & 1);
  }
}

const KIND_OF_DATASET: ReadonlyMap<number, RemovedKind> = new Map<number, RemovedKind>([
  [5, 'description'],
  [25, 'description'],
  [55, 'date'],
  [62, 'date'],
  [65, 'software'],
  [80, 'author'],
  [90, 'location'],
  [101, 'location'],
  [105, 'description'],
  [110, 'author'],
  [116, 'author'],
  [120, 'description'],
  [122, 'author'],
]);

/** IPTC-IIM: `1C`, record, dataset, length, value; record 2 is what applications write. */
function tallyIptc(data: Buffer, tally: RemovedTally): void {
  let at = 0;
  while (at + 5 <= data.length && data[at] === 0x1c) {
    const kind = data[at + 1] === 2 ? KIND_OF_DATASET.get(data.readUInt8(at + 2)) : undefined;
    if (kind !== undefined) tally.add(kind);
    at += 5 + data.readUInt16BE(at + 3);
  }
}
