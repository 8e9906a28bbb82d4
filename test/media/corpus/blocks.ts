/** Metadata blocks that several formats carry: EXIF, XMP, IPTC, ICC, each with planted values in every place it has. */
import { planted } from './plant.js';

type Value = string | Buffer | number;
interface Entry {
  readonly tag: number;
  readonly type: number;
  readonly value: Value;
}

const ascii = (tag: number, value: string): Entry => ({ tag, type: 2, value: `${value}\0` });
const short = (tag: number, value: number): Entry => ({ tag, type: 3, value });
const long = (tag: number, value: number): Entry => ({ tag, type: 4, value });
const undefinedBytes = (tag: number, value: string): Entry => ({ tag, type: 7, value });
const rational = (tag: number, ...values: number[]): Entry => ({
  tag,
  type: 5,
  value: Buffer.concat(values.map((value) => Buffer.from(new Uint32Array([value, 1]).buffer).swap32())),
});

/** A TIFF structure as cameras write it: main, EXIF, GPS and thumbnail directories, and a maker note. */
export function exif(orientation: number, thumbnail: Buffer = Buffer.alloc(0), little = false): Buffer {
  const exifEntries = [
    ascii(0x9003, '2024:01:02 03:04:05'),
    ascii(0x9004, '2024:01:02 03:04:06'),
    undefinedBytes(0x927c, planted('maker-note').repeat(8)),
    undefinedBytes(0x9286, `ASCII\0\0\0${planted('user-comment')}`),
    ascii(0xa430, planted('owner')),
    ascii(0xa431, planted('body-serial')),
    ascii(0xa434, planted('lens')),
  ];
  const gpsEntries = [
    ascii(0x0001, 'N'),
    rational(0x0002, 52, 31, 7),
    ascii(0x001b, planted('gps-method')),
    ascii(0x001d, '2024:01:02'),
  ];
  const main = [
    ascii(0x010e, planted('description')),
    ascii(0x010f, planted('make')),
    ascii(0x0110, planted('model')),
    short(0x0112, orientation),
    ascii(0x0131, planted('software')),
    ascii(0x0132, '2024:01:02 03:04:07'),
    ascii(0x013b, planted('artist')),
    ascii(0x8298, planted('copyright')),
  ];
  const size = (entries: readonly Entry[]): number =>
    6 + entries.length * 12 + entries.reduce((sum, { value }) => sum + ((dataLength(value) + 1) & ~1), 0);
  const mainAt = 8;
  const exifAt = mainAt + size([...main, long(0, 0), long(0, 0)]);
  const gpsAt = exifAt + size(exifEntries);
  const thumbAt = gpsAt + size(gpsEntries);
  const thumbEntries = thumbnail.length === 0 ? [] : [long(0x0201, thumbAt + 30), long(0x0202, thumbnail.length)];
  const next = thumbEntries.length === 0 ? 0 : thumbAt;
  const body = [
    directory(mainAt, [...main, long(0x8769, exifAt), long(0x8825, gpsAt)], next, little),
    directory(exifAt, exifEntries, 0, little),
    directory(gpsAt, gpsEntries, 0, little),
    ...(next === 0 ? [] : [directory(thumbAt, thumbEntries, 0, little), thumbnail]),
  ];
  const head = Buffer.from(little ? '49492a0008000000' : '4d4d002a00000008', 'hex');
  return Buffer.concat([head, ...body]);
}

function dataLength(value: Value): number {
  if (typeof value === 'number') return 0;
  return value.length <= 4 ? 0 : value.length;
}

function directory(at: number, entries: readonly Entry[], next: number, little: boolean): Buffer {
  const u16 = (out: Buffer, value: number, offset: number): unknown =>
    little ? out.writeUInt16LE(value, offset) : out.writeUInt16BE(value, offset);
  const u32 = (out: Buffer, value: number, offset: number): unknown =>
    little ? out.writeUInt32LE(value, offset) : out.writeUInt32BE(value, offset);
  const table = Buffer.alloc(6 + entries.length * 12);
  u16(table, entries.length, 0);
  const data: Buffer[] = [];
  let dataAt = at + table.length;
  for (const [index, { tag, type, value }] of [...entries].sort((a, b) => a.tag - b.tag).entries()) {
    const offset = 2 + index * 12;
    u16(table, tag, offset);
    u16(table, type, offset + 2);
    const bytes = typeof value === 'string' ? Buffer.from(value, 'latin1') : value;
    const unit = type === 5 ? 8 : 1;
    u32(table, typeof bytes === 'number' ? 1 : bytes.length / unit, offset + 4);
    if (typeof bytes === 'number') {
      if (type === 3) u16(table, bytes, offset + 8);
      else u32(table, bytes, offset + 8);
    } else if (bytes.length <= 4) {
      bytes.copy(table, offset + 8);
    } else {
      u32(table, dataAt, offset + 8);
      const order = type === 5 && little ? Buffer.from(bytes).swap32() : bytes;
      const padded = Buffer.concat([order, Buffer.alloc(bytes.length & 1)]);
      data.push(padded);
      dataAt += padded.length;
    }
  }
  u32(table, next, table.length - 4);
  return Buffer.concat([table, ...data]);
}

export function xmp(): Buffer {
  return Buffer.from(
    `<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF ` +
      `xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" ` +
      `xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" ` +
      `xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" ` +
      `xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/" xmp:CreatorTool="${planted('xmp-tool')}" ` +
      `xmp:CreateDate="2024-01-02" tiff:Orientation="6" exif:GPSLatitude="52,31.1N" ` +
      `xmpMM:DocumentID="xmp.did:${planted('xmp-id')}"><dc:creator><rdf:Seq><rdf:li>${planted('xmp-creator')}` +
      `</rdf:li></rdf:Seq></dc:creator></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>`,
  );
}

/** Photoshop resources with IPTC, a thumbnail and a path name. */
export function photoshop(thumbnail: Buffer): Buffer {
  const dataset = (number: number, value: string): Buffer =>
    Buffer.concat([Buffer.from([0x1c, 2, number, value.length >> 8, value.length & 255]), Buffer.from(value)]);
  const resource = (id: number, data: Buffer): Buffer => {
    const head = Buffer.alloc(12);
    head.write('8BIM', 'latin1');
    head.writeUInt16BE(id, 4);
    head.writeUInt32BE(data.length, 8);
    return Buffer.concat([head, data, Buffer.alloc(data.length & 1)]);
  };
  const iptc = Buffer.concat([
    dataset(5, planted('iptc-title')),
    dataset(55, '20240102'),
    dataset(80, planted('iptc-by')),
    dataset(90, planted('iptc-city')),
  ]);
  return Buffer.concat([
    resource(0x0404, iptc),
    resource(0x040c, Buffer.concat([Buffer.alloc(28), thumbnail])),
    resource(0x07d0, Buffer.from(planted('path'))),
  ]);
}

/** `profile` with planted texts, header fields, private tags and bytes between and behind its tags. */
export function dirtyProfile(profile: Buffer): Buffer {
  const count = profile.readUInt32BE(128);
  const tags = Array.from({ length: count }, (_, index) => {
    const at = 132 + index * 12;
    const [offset, size] = [profile.readUInt32BE(at + 4), profile.readUInt32BE(at + 8)];
    return { signature: profile.toString('latin1', at, at + 4), data: profile.subarray(offset, offset + size) };
  }).filter(({ signature }) => signature !== 'desc' && signature !== 'cprt' && signature !== 'dmdd');
  const text = (value: string): Buffer => Buffer.from(`text\0\0\0\0${value}\0`, 'latin1');
  const wide = Buffer.from(planted('icc-desc'), 'utf16le').swap16();
  const mluc = Buffer.concat([
    Buffer.from('6d6c756300000000000000010000000c656e5553', 'hex'),
    Buffer.from([0, 0, 0, wide.length, 0, 0, 0, 28]),
    wide,
  ]);
  const marked = tags.map(({ signature, data }) => {
    const copy = Buffer.from(data);
    copy.write('PLNT', 4, 'latin1'); // reserved bytes
    return { signature, data: copy };
  });
  const all = [
    { signature: 'desc', data: mluc },
    { signature: 'cprt', data: text(planted('icc-copyright')) },
    { signature: 'targ', data: text(planted('icc-target')) },
    { signature: 'PLNT', data: text(planted('icc-private')) },
    ...marked,
  ];
  const gap = Buffer.from(planted('icc-gap '));
  let at = 132 + all.length * 12;
  const table: Buffer[] = [];
  const body: Buffer[] = [];
  for (const { signature, data } of all) {
    const entry = Buffer.alloc(12);
    entry.write(signature, 'latin1');
    entry.writeUInt32BE(at, 4);
    entry.writeUInt32BE(data.length, 8);
    table.push(entry);
    const padding = Buffer.concat([gap, Buffer.alloc((4 - ((data.length + gap.length) & 3)) & 3)]);
    body.push(data, padding);
    at += data.length + padding.length;
  }
  const out = Buffer.concat([profile.subarray(0, 132), ...table, ...body]);
  out.writeUInt32BE(out.length, 0);
  out.writeUInt32BE(all.length, 128);
  out.write('PLNT', 4, 'latin1');
  out.write('PLNT', 80, 'latin1');
  out.write(planted('icc-id').slice(0, 16), 84, 'latin1');
  return out;
}
