/** Frame and scan headers, and the tables that they name (ITU-T T.81, B.2.2 to B.2.4). */
import { CursorError, Reader } from '../../base/cursor.js';
import { unreadable } from '../unreadable.js';

export interface Component {
  readonly id: number;
  readonly horizontal: number;
  readonly vertical: number;
  readonly quantization: number;
}

export interface Frame {
  readonly code: number;
  readonly precision: number;
  readonly width: number;
  readonly height: number;
  readonly components: readonly Component[];
}

export interface ScanComponent {
  readonly id: number;
  readonly dc: number;
  readonly ac: number;
}

export interface Scan {
  readonly components: readonly ScanComponent[];
  /** First and last coefficient, and the bit position: 0, 63, 0, 0 in a sequential scan. */
  readonly first: number;
  readonly last: number;
  readonly high: number;
  readonly low: number;
}

/** One table of a DQT or DHT segment: which slot it fills, and where it stands in the segment's content. */
export interface Table {
  readonly slot: string;
  readonly offset: number;
  readonly length: number;
  /** A zero in a quantization table: no encoder divides by it, so something else stands in its place. */
  readonly hasZero: boolean;
}

const MAX_COMPONENTS = 4;

/** Turns a layout that ends too early into a refusal that names the part. */
export function parsing<T>(part: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof CursorError) throw unreadable(`${part} is cut short`);
    throw error;
  }
}

export function parseFrame(code: number, content: Buffer): Frame {
  return parsing('the frame header', () => {
    const reader = new Reader(content);
    const [precision, height, width, count] = [reader.u8(), reader.u16(), reader.u16(), reader.u8()];
    if (width === 0 || height === 0) throw unreadable('the frame has no size');
    if (count === 0 || count > MAX_COMPONENTS) throw unreadable('the frame has a wrong number of components');
    const components: Component[] = [];
    for (let index = 0; index < count; index++) {
      const [id, sampling, quantization] = [reader.u8(), reader.u8(), reader.u8()];
      const [horizontal, vertical] = [sampling >> 4, sampling & 15];
      if (horizontal < 1 || horizontal > 4 || vertical < 1 || vertical > 4) throw unreadable('wrong sampling factors');
      components.push({ id, horizontal, vertical, quantization });
    }
    if (reader.remaining > 0) throw unreadable('the frame header has a wrong length');
    return { code, precision, width, height, components };
  });
}

export function parseScan(frame: Frame, content: Buffer): Scan {
  return parsing('the scan header', () => {
    const reader = new Reader(content);
    const count = reader.u8();
    if (count === 0 || count > frame.components.length) throw unreadable('the scan has a wrong number of components');
    const components: ScanComponent[] = [];
    for (let index = 0; index < count; index++) {
      const [id, tables] = [reader.u8(), reader.u8()];
      if (!frame.components.some((component) => component.id === id)) throw unreadable('a scan of no component');
      components.push({ id, dc: tables >> 4, ac: tables & 15 });
    }
    const [first, last, bits] = [reader.u8(), reader.u8(), reader.u8()];
    if (reader.remaining > 0) throw unreadable('the scan header has a wrong length');
    if (isProgressive(frame.code) && !isStep(count, first, last)) throw unreadable('a scan of no progressive step');
    return { components, first, last, high: bits >> 4, low: bits & 15 };
  });
}

function isProgressive(code: number): boolean {
  return code === 0xc2 || code === 0xca;
}

/** A scan of a progressive picture brings first coefficients alone, or others of one component (G.1.1.1). */
function isStep(components: number, first: number, last: number): boolean {
  return first === 0 ? last === 0 : components === 1 && first <= last && last <= 63;
}

export function quantizationTables(content: Buffer): Table[] {
  return parsing('a quantization table', () => {
    const reader = new Reader(content);
    const tables: Table[] = [];
    while (reader.remaining > 0) {
      const offset = reader.offset;
      const kind = reader.u8();
      if (kind >> 4 > 1 || (kind & 15) > 3) throw unreadable('a quantization table of no known kind');
      const wide = kind >> 4 === 1;
      const values = Array.from({ length: 64 }, () => (wide ? reader.u16() : reader.u8()));
      const [slot, length] = [quantizationSlot(kind & 15), reader.offset - offset];
      tables.push({ slot, offset, length, hasZero: values.includes(0) });
    }
    return tables;
  });
}

export function huffmanTables(content: Buffer): Table[] {
  return parsing('a Huffman table', () => {
    const reader = new Reader(content);
    const tables: Table[] = [];
    while (reader.remaining > 0) {
      const offset = reader.offset;
      const kind = reader.u8();
      if (kind >> 4 > 1 || (kind & 15) > 3) throw unreadable('a Huffman table of no known kind');
      const symbols = reader.bytes(16).reduce((sum, count) => sum + count, 0);
      if (symbols > 256) throw unreadable('a Huffman table of too many symbols');
      reader.skip(symbols);
      const [slot, length] = [huffmanSlot(kind >> 4, kind & 15), reader.offset - offset];
      tables.push({ slot, offset, length, hasZero: false });
    }
    return tables;
  });
}

export function quantizationSlot(id: number): string {
  return `Q${id}`;
}

export function huffmanSlot(kind: number, id: number): string {
  return `${kind === 0 ? 'DC' : 'AC'}${id}`;
}
