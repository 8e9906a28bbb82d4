/**
 * What an AAC decoder is told before the first frame, rebuilt from the fields that it needs.
 *
 *     esds = ES descriptor(3): ES_ID ‖ flags ‖ decoder config(4): type ‖ stream ‖ buffer ‖ rates ‖ ASC(5) ‖ SL config(6)
 *     ASC  = object type(5) ‖ rate(4 [+24]) ‖ channels(4) ‖ [extension rate ‖ core type] ‖ GA config ‖ [sync extension]
 *
 * Sources: ISO/IEC 14496-1 section 7.2.6 (descriptors), 14496-3 section 1.6 (AudioSpecificConfig), 4.4.1 (GA config).
 *
 * A program config element, which describes unusual arrangements of loudspeakers, ends in a free comment: encoders write
 * their name there. The comment goes, all else in it stays.
 */
import { Reader } from '../../base/cursor.js';
import { fields, fullBox, type Parts } from './boxes.js';
import { BitReader, BitWriter } from './bits.js';
import { notSupported, unreadable } from './refuse.js';

const ES_DESCRIPTOR = 3;
const DECODER_CONFIG = 4;
const DECODER_SPECIFIC = 5;
const SL_CONFIG = 6;

/** MPEG-4 AAC, and MPEG-2 AAC in its three profiles. */
const AAC_OBJECT_TYPES: ReadonlySet<number> = new Set([0x40, 0x66, 0x67, 0x68]);
const MP3_OBJECT_TYPES: ReadonlySet<number> = new Set([0x69, 0x6b]);

const SBR = 5;
const PS = 29;
/** AAC Main, LC, SSR and LTP: the core object types whose frames this program can look into. */
const CORE_TYPES: ReadonlySet<number> = new Set([1, 2, 3, 4]);
const SYNC_SBR = 0x2b7;
const SYNC_PS = 0x548;

interface Descriptor {
  readonly tag: number;
  readonly body: Reader;
}

/** The clean `esds` box for the body of one, and how much of a comment was left out. */
export function cleanEsds(body: Buffer): { readonly esds: Parts; readonly comments: number } {
  const reader = new Reader(body);
  reader.skip(4);
  const stream = descriptor(reader);
  if (stream.tag !== ES_DESCRIPTOR) unreadable('sound without a stream descriptor');
  skipStreamHeader(stream.body);
  const decoder = descriptor(stream.body);
  if (decoder.tag !== DECODER_CONFIG) unreadable('sound without a decoder description');
  const objectType = decoder.body.u8();
  if (MP3_OBJECT_TYPES.has(objectType)) notSupported('MP3 sound');
  if (!AAC_OBJECT_TYPES.has(objectType)) notSupported('sound that is not AAC');
  decoder.body.skip(1);
  const rates = decoder.body.bytes(11);
  const specific = descriptor(decoder.body);
  if (specific.tag !== DECODER_SPECIFIC) unreadable('sound without an AAC configuration');
  const { config, comments } = cleanAudioConfig(specific.body.bytes(specific.body.remaining));
  return { esds: encodeEsds(objectType, rates, config), comments };
}

function encodeEsds(objectType: number, rates: Buffer, config: Buffer): Parts {
  const specific = encodeDescriptor(DECODER_SPECIFIC, config);
  const audioStream = 0x15;
  const decoder = encodeDescriptor(
    DECODER_CONFIG,
    Buffer.concat([Buffer.from([objectType, audioStream]), rates, specific]),
  );
  // In a file ES_ID is 0: the track says which stream it is. 2 is the one SL configuration that MP4 allows.
  const stream = Buffer.concat([Buffer.from([0, 0, 0]), decoder, encodeDescriptor(SL_CONFIG, Buffer.from([2]))]);
  return fullBox('esds', 0, 0, encodeDescriptor(ES_DESCRIPTOR, stream));
}

function skipStreamHeader(reader: Reader): void {
  reader.skip(2);
  const flags = reader.u8();
  if ((flags & 0x80) !== 0) reader.skip(2);
  if ((flags & 0x40) !== 0) reader.skip(reader.u8());
  if ((flags & 0x20) !== 0) reader.skip(2);
}

/** One descriptor: tag, length in 1 to 4 bytes of seven bits, body. */
function descriptor(reader: Reader): Descriptor {
  const tag = reader.u8();
  let length = 0;
  for (let count = 0; count < 4; count++) {
    const byte = reader.u8();
    length = length * 128 + (byte & 0x7f);
    if ((byte & 0x80) === 0) break;
  }
  return { tag, body: new Reader(reader.bytes(length)) };
}

function encodeDescriptor(tag: number, body: Buffer): Buffer {
  const length: number[] = [body.length & 0x7f];
  for (let rest = body.length >>> 7; rest > 0; rest >>>= 7) length.unshift(0x80 | (rest & 0x7f));
  const head = Buffer.from([tag, ...length]);
  return fields(head.length + body.length, (out) => out.bytes(head).bytes(body));
}

/** Copies bits from a reader to a writer, and says what they were. */
class BitCopy {
  readonly from: BitReader;
  readonly to = new BitWriter();

  constructor(bytes: Buffer) {
    this.from = new BitReader(bytes);
  }

  bits(count: number): number {
    const value = this.from.bits(count);
    this.to.bits(value, count);
    return value;
  }

  align(): void {
    this.from.align();
    this.to.align();
  }
}

/** The AudioSpecificConfig of `bytes` without comments and without what stands behind its last known field. */
export function cleanAudioConfig(bytes: Buffer): { readonly config: Buffer; readonly comments: number } {
  const copy = new BitCopy(bytes);
  let type = copyObjectType(copy);
  copyRate(copy);
  const channels = copy.bits(4);
  const explicit = type === SBR || type === PS;
  if (explicit) {
    copyRate(copy);
    type = copyObjectType(copy);
  }
  if (!CORE_TYPES.has(type)) notSupported('AAC sound of a rare kind');
  const comments = copyGeneralConfig(copy, channels);
  if (!explicit) copySyncExtension(copy);
  return { config: copy.to.take(), comments };
}

function copyObjectType(copy: BitCopy): number {
  const type = copy.bits(5);
  return type === 31 ? 32 + copy.bits(6) : type;
}

function copyRate(copy: BitCopy): void {
  if (copy.bits(4) === 15) copy.bits(24);
}

function copyGeneralConfig(copy: BitCopy, channels: number): number {
  copy.bits(1);
  if (copy.bits(1) === 1) copy.bits(14);
  const extension = copy.bits(1);
  const comments = channels === 0 ? copyProgramConfig(copy) : 0;
  if (extension === 1) copy.bits(1);
  return comments;
}

function copyProgramConfig(copy: BitCopy): number {
  const layout = programLayout(copy);
  for (const bits of layout) copy.bits(bits);
  copy.align();
  const length = copy.from.bits(8);
  copy.from.skip(length * 8);
  copy.to.bits(0, 8);
  return length > 0 ? 1 : 0;
}

/** What both readers of a program config element have in common: bits that can be taken. */
interface BitTaker {
  bits(count: number): number;
}

/**
 * Takes the fields of a program config element up to its lists, and gives the widths of what follows up to the
 * alignment before the comment.
 */
export function programLayout(take: BitTaker): number[] {
  take.bits(4 + 2 + 4);
  const front = take.bits(4);
  const side = take.bits(4);
  const back = take.bits(4);
  const lfe = take.bits(2);
  const associated = take.bits(3);
  const coupling = take.bits(4);
  if (take.bits(1) === 1) take.bits(4);
  if (take.bits(1) === 1) take.bits(4);
  if (take.bits(1) === 1) take.bits(3);
  const fives = front + side + back + coupling;
  return [...Array<number>(fives).fill(5), ...Array<number>(lfe + associated).fill(4)];
}

/** SBR and PS signalled behind the core's configuration, so that old decoders pass over them. */
function copySyncExtension(copy: BitCopy): void {
  if (!nextIs(copy, SYNC_SBR) || peek(copy, 16) !== ((SYNC_SBR << 5) | SBR)) return;
  copy.bits(16);
  if (copy.bits(1) === 0) return;
  copyRate(copy);
  if (nextIs(copy, SYNC_PS)) copy.bits(12);
}

function nextIs(copy: BitCopy, sync: number): boolean {
  return peek(copy, 12) >>> 1 === sync;
}

/** The next `count` bits without taking them; -1 if there are fewer. */
function peek(copy: BitCopy, count: number): number {
  return copy.from.remaining < count ? -1 : copy.from.peek(count);
}
