/** Reads files back without the code under test: boxes, tables and samples, in the plainest way there is. */
import { bufferSource, readAll } from '../../../src/base/source.js';
import { scrubMp4 } from '../../../src/media/mp4/mp4.js';
import { planned } from '../../../src/media/plan.js';
import type { Removed } from '../../../src/media/removed.js';

export interface Scrubbed {
  readonly bytes: Buffer;
  readonly removed: Removed;
  readonly width: number | null;
  readonly height: number | null;
  readonly pieces: number;
}

export async function scrubbed(bytes: Uint8Array): Promise<Scrubbed> {
  const source = bufferSource(bytes);
  const { plan, removed, width, height } = await scrubMp4(source);
  return { bytes: await readAll(planned(source, plan)), removed, width, height, pieces: plan.pieces.length };
}

/** Names of all boxes on all known levels, as `moov/trak/tkhd`. */
export function boxNames(bytes: Buffer, path = ''): string[] {
  return boxesOf(bytes).flatMap(({ type, body }) => {
    const name = path === '' ? type : `${path}/${type}`;
    return PARENTS.has(type) ? [name, ...boxNames(body, name)] : [name];
  });
}

const PARENTS = new Set(['moov', 'trak', 'mdia', 'minf', 'stbl', 'dinf', 'edts', 'mvex', 'moof', 'traf']);

export function boxesOf(bytes: Buffer): { type: string; body: Buffer; at: number }[] {
  const found: { type: string; body: Buffer; at: number }[] = [];
  for (let at = 0; at < bytes.length;) {
    const long = bytes.readUInt32BE(at) === 1;
    const size = long ? Number(bytes.readBigUInt64BE(at + 8)) : bytes.readUInt32BE(at);
    if (size < 8 || at + size > bytes.length) throw new Error(`box of ${size} bytes at ${at} of ${bytes.length}`);
    found.push({
      type: bytes.toString('latin1', at + 4, at + 8),
      body: bytes.subarray(at + (long ? 16 : 8), at + size),
      at,
    });
    at += size;
  }
  return found;
}

/** The first box at `path`, as `moov/trak/tkhd`; `nth` counts among the first step's siblings of `trak`. */
export function find(bytes: Buffer, path: string, trak = 0): Buffer {
  let inside = bytes;
  for (const type of path.split('/')) {
    const found = boxesOf(inside).filter((candidate) => candidate.type === type)[type === 'trak' ? trak : 0];
    if (found === undefined) throw new Error(`no ${type} of ${path}`);
    inside = found.body;
  }
  return inside;
}

/** All samples of a track, by its tables. */
export function samplesOf(bytes: Buffer, trak = 0): Buffer[] {
  const at = 'moov/trak/mdia/minf/stbl';
  const stsz = find(bytes, `${at}/stsz`, trak);
  const stsc = find(bytes, `${at}/stsc`, trak);
  const wide = boxNames(find(bytes, at, trak)).includes('co64');
  const stco = find(bytes, `${at}/${wide ? 'co64' : 'stco'}`, trak);
  const samples: Buffer[] = [];
  for (let chunk = 1; chunk <= stco.readUInt32BE(4); chunk++) {
    let each = 0;
    for (let row = 0; row < stsc.readUInt32BE(4); row++) {
      if (stsc.readUInt32BE(8 + row * 12) <= chunk) each = stsc.readUInt32BE(12 + row * 12);
    }
    let offset = wide ? Number(stco.readBigUInt64BE(chunk * 8)) : stco.readUInt32BE(4 + chunk * 4);
    for (let index = 0; index < each; index++) {
      const size = stsz.readUInt32BE(12 + samples.length * 4);
      samples.push(bytes.subarray(offset, offset + size));
      offset += size;
    }
  }
  return samples;
}

/** The NAL units of a sample. */
export function nalsOf(sample: Buffer, lengthSize = 4): Buffer[] {
  const nals: Buffer[] = [];
  for (let at = 0; at < sample.length;) {
    const length = sample.readUIntBE(at, lengthSize);
    nals.push(sample.subarray(at + lengthSize, at + lengthSize + length));
    at += lengthSize + length;
  }
  return nals;
}
