/**
 * ICC profiles reduced to their colour meaning.
 *
 * A profile carries its maker, its date, an ID, texts, and on many displays the serial number of the monitor. What turns
 * numbers into colours is a handful of tags. The profile is built anew from these, in one fixed order, each trimmed to
 * the length that its own type gives, under a header of which only version, class, spaces and intent are taken over:
 *
 *   header(128) ‖ tag count(4) ‖ tag table(12 each) ‖ desc ‖ cprt ‖ kept elements, each padded to 4
 *
 * `desc` and `cprt` are required by ICC.1, so they are there, with the same few words in every file. Reduced twice is
 * reduced once, byte for byte. What holds: rendering is alike, because a colour engine reads nothing else. What doesn't:
 * a profile measured on one device is still that device's curve; only the hard scrub takes it out.
 */
import { Reader, Writer } from '../base/cursor.js';
import { MiB } from '../base/units.js';

/** A larger profile than this is not a profile. */
export const MAX_PROFILE = 4 * MiB;

const HEADER_SIZE = 128;
const ENTRY_SIZE = 12;
const MAX_TAGS = 100;
const CLASSES: ReadonlySet<string> = new Set(['scnr', 'mntr', 'prtr', 'spac']);
/** The D50 illuminant of the connection space, which ICC.1 fixes. */
const D50 = Buffer.from('0000f6d6000100000000d32d', 'hex');

const XYZ = ['XYZ '];
const CURVES = ['curv', 'para'];
const TABLES = ['mft1', 'mft2', 'mAB ', 'mBA '];

/** The tags that make colours, in the order in which they are written, with the types that they may have. */
const KEPT: readonly (readonly [string, readonly string[]])[] = [
  ['wtpt', XYZ],
  ['bkpt', XYZ],
  ['chad', ['sf32']],
  ['cicp', ['cicp']],
  ['rXYZ', XYZ],
  ['gXYZ', XYZ],
  ['bXYZ', XYZ],
  ['rTRC', CURVES],
  ['gTRC', CURVES],
  ['bTRC', CURVES],
  ['kTRC', CURVES],
  ['A2B0', TABLES],
  ['A2B1', TABLES],
  ['A2B2', TABLES],
  ['B2A0', TABLES],
  ['B2A1', TABLES],
  ['B2A2', TABLES],
  ['D2B0', ['mpet']],
  ['D2B1', ['mpet']],
  ['D2B2', ['mpet']],
  ['D2B3', ['mpet']],
  ['B2D0', ['mpet']],
  ['B2D1', ['mpet']],
  ['B2D2', ['mpet']],
  ['B2D3', ['mpet']],
];

interface Tag {
  readonly signature: string;
  readonly offset: number;
  readonly size: number;
}

interface Element {
  readonly signature: string;
  readonly data: Buffer;
}

/** The profile reduced; `null` where `profile` is none that a colour engine would use, so that it renders alike without. */
export function reduceProfile(profile: Buffer): Buffer | null {
  const tags = parseTags(profile);
  if (tags === null) return null;
  const elements: Element[] = [];
  for (const [signature, types] of KEPT) {
    const tag = tags.find((each) => each.signature === signature);
    const data = tag === undefined ? null : element(profile, tag, types);
    if (data !== null) elements.push({ signature, data });
  }
  if (!makesColours(new Set(elements.map(({ signature }) => signature)))) return null;
  const version4 = (profile[8] ?? 0) >= 4;
  const space = profile.toString('latin1', 16, 20).trim();
  const description = version4 ? localized(space) : describing(space);
  const copyright = version4 ? localized('-') : Buffer.from('text\0\0\0\0-\0', 'latin1');
  return build(profile, [
    { signature: 'desc', data: description },
    { signature: 'cprt', data: copyright },
    ...elements,
  ]);
}

function parseTags(profile: Buffer): Tag[] | null {
  if (profile.length < HEADER_SIZE + 4 || profile.length > MAX_PROFILE) return null;
  const size = profile.readUInt32BE(0);
  const count = profile.readUInt32BE(HEADER_SIZE);
  const first = HEADER_SIZE + 4 + count * ENTRY_SIZE;
  if (size > profile.length || count > MAX_TAGS || first > size) return null;
  if (profile.toString('latin1', 36, 40) !== 'acsp') return null;
  if (!CLASSES.has(profile.toString('latin1', 12, 16)) || !/^[\x20-\x7e]{4}$/.test(profile.toString('latin1', 16, 20)))
    return null;
  const reader = new Reader(profile.subarray(HEADER_SIZE + 4, first));
  const tags: Tag[] = [];
  for (let index = 0; index < count; index++) {
    const tag = { signature: reader.bytes(4).toString('latin1'), offset: reader.u32(), size: reader.u32() };
    if (tag.offset < first || tag.offset + tag.size > size) return null;
    tags.push(tag);
  }
  return tags;
}

function element(profile: Buffer, tag: Tag, types: readonly string[]): Buffer | null {
  const data = profile.subarray(tag.offset, tag.offset + tag.size);
  const type = data.toString('latin1', 0, 4);
  if (!types.includes(type)) return null;
  const size = elementSize(type, data);
  if (size === null || size > data.length) return null;
  const copy = Buffer.from(data.subarray(0, size));
  copy.fill(0, 4, 8);
  return copy;
}

/** What an element's own counts say that it takes (ICC.1:2022, section 10). */
function elementSize(type: string, data: Buffer): number | null {
  const u8 = (at: number): number => data[at] ?? 0;
  const u16 = (at: number): number => u8(at) * 256 + u8(at + 1);
  switch (type) {
    case 'XYZ ':
      return 20;
    case 'sf32':
      return 44;
    case 'cicp':
      return 12;
    case 'curv':
      return data.length < 12 ? null : 12 + 2 * data.readUInt32BE(8);
    case 'para': {
      const parameters = [1, 3, 4, 5, 7][u16(8)];
      return parameters === undefined ? null : 12 + 4 * parameters;
    }
    case 'mft1':
      return 48 + 256 * u8(8) + u8(10) ** u8(8) * u8(9) + 256 * u8(9);
    case 'mft2':
      return 52 + 2 * (u16(48) * u8(8) + u8(10) ** u8(8) * u8(9) + u16(50) * u8(9));
    default:
      return data.length;
  }
}

function makesColours(kept: ReadonlySet<string>): boolean {
  const matrix = ['rXYZ', 'gXYZ', 'bXYZ', 'rTRC', 'gTRC', 'bTRC'].every((signature) => kept.has(signature));
  return matrix || kept.has('kTRC') || kept.has('A2B0') || kept.has('A2B1') || kept.has('D2B0') || kept.has('cicp');
}

/** textDescriptionType of version 2: ASCII text, no Unicode, no Macintosh text. */
function describing(text: string): Buffer {
  const data = Buffer.alloc(12 + text.length + 1 + 78);
  new Writer(data)
    .bytes(Buffer.from('desc\0\0\0\0', 'latin1'))
    .u32(text.length + 1)
    .bytes(Buffer.from(text, 'latin1'));
  return data;
}

/** multiLocalizedUnicodeType of version 4 with one record, English. */
function localized(text: string): Buffer {
  const words = Buffer.from(text, 'utf16le').swap16();
  const data = Buffer.alloc(28 + words.length);
  new Writer(data)
    .bytes(Buffer.from('mluc\0\0\0\0', 'latin1'))
    .u32(1)
    .u32(12)
    .bytes(Buffer.from('enUS', 'latin1'))
    .u32(words.length)
    .u32(28)
    .bytes(words);
  return data;
}

function build(original: Buffer, elements: readonly Element[]): Buffer {
  const places = new Map<string, number>();
  let end = HEADER_SIZE + 4 + elements.length * ENTRY_SIZE;
  const offsets = elements.map(({ data }) => {
    // Three channels often share one curve: the same bytes are written once.
    const key = data.toString('latin1');
    const at = places.get(key) ?? end;
    if (at === end) end += (data.length + 3) & ~3;
    places.set(key, at);
    return at;
  });
  const out = Buffer.alloc(end);
  writeHeader(out, original);
  const table = new Writer(out.subarray(HEADER_SIZE));
  table.u32(elements.length);
  for (const [index, { signature, data }] of elements.entries()) {
    const at = offsets[index] ?? 0;
    table.bytes(Buffer.from(signature, 'latin1')).u32(at).u32(data.length);
    data.copy(out, at);
  }
  return out;
}

/** ICC.1:2022, 7.2. Left zero: CMM, date, platform, flags, manufacturer, model, attributes, creator, ID. */
function writeHeader(out: Buffer, original: Buffer): void {
  out.writeUInt32BE(out.length, 0);
  original.copy(out, 8, 8, 10); // version, major and minor
  original.copy(out, 12, 12, 24); // class, colour space, connection space
  out.write('acsp', 36, 'latin1');
  const intent = original.readUInt32BE(64);
  out.writeUInt32BE(intent <= 3 ? intent : 0, 64);
  D50.copy(out, 68);
}
