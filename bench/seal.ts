/**
 * Sealing and opening a stream in memory, against what OpenSSL's own measure says of AES-256-GCM in 16 KiB blocks. It
 * counts processor time, so the same is counted here: other processes on the machine don't matter.
 */
import { spawnSync } from 'node:child_process';
import { bufferSource, readInto } from '../src/base/source.js';
import { CONTEXT } from '../src/crypto/labels.js';
import { CHUNK_LENGTH, openStream, sealedLength, StreamSealer } from '../src/crypto/stream.js';
import type { Benchmark } from './benchmark.js';
import { rowOf, type Result } from './row.js';

const MB = 1e6;
const ROUNDS = 7;
const WARM_ROUNDS = 4;
const PIECE = 256 * 1024;
const SIZE = 256 * PIECE;
/** What is opened again and again: small enough for the processor's cache, where OpenSSL's block lies too. */
const STREAM = 8 * PIECE;
const KEY = Buffer.alloc(32, 7);

function cpuSecondsSince(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1e6;
}

/** Seals as the way in does: into a block of memory that is used again and again. */
function sealRate(): number {
  const piece = Buffer.alloc(PIECE, 1);
  const block = Buffer.alloc(sealedLength(PIECE), 1);
  const start = process.cpuUsage();
  const sealer = new StreamSealer(KEY, CONTEXT.spool);
  for (let done = 0; done < SIZE; done += PIECE) sealer.updateInto(block, 0, piece);
  sealer.final();
  return SIZE / MB / cpuSecondsSince(start);
}

function sealedOnce(): Buffer {
  const sealer = new StreamSealer(KEY, CONTEXT.spool);
  return Buffer.concat([sealer.header, sealer.update(Buffer.alloc(STREAM, 1)), sealer.final()]);
}

async function openRate(sealed: Buffer): Promise<number> {
  const out = Buffer.alloc(PIECE);
  const start = process.cpuUsage();
  const stream = await openStream(KEY, CONTEXT.spool, bufferSource(sealed));
  if (stream === null) throw new Error('a stream does not open');
  for (let at = 0; at < SIZE; at += PIECE) await readInto(stream, at % STREAM, out);
  const rate = SIZE / MB / cpuSecondsSince(start);
  stream.close();
  return rate;
}

/** Megabytes a second. */
function openssl(): number | null {
  const args = ['speed', '-evp', 'aes-256-gcm', '-bytes', String(CHUNK_LENGTH), '-seconds', '1', '-mr'];
  const { status, stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
  const bytes = /^\+F:\d+:[^:]*:([\d.]+)/m.exec(stdout)?.[1];
  return status !== 0 || bytes === undefined ? null : Number(bytes) / MB;
}

export const sealing: Benchmark = {
  name: 'seal',
  async run(): Promise<readonly Result[]> {
    const sealed = sealedOnce();
    const seals: number[] = [];
    const opens: number[] = [];
    const limits: number[] = [];
    // The compiler needs some rounds; a server that runs for months has had them.
    for (let round = -WARM_ROUNDS; round < ROUNDS; round++) {
      const rate = sealRate();
      const opened = await openRate(sealed);
      if (round < 0) continue;
      seals.push(rate);
      opens.push(opened);
      // A second each: every other round is enough.
      if (round % 2 === 0) limits.push(openssl() ?? NaN);
    }
    if (limits.some(Number.isNaN)) return [{ name: 'seal, open', skipped: 'openssl is not installed' }];
    const about = {
      unit: 'MB/CPU s',
      against: '`openssl speed -evp aes-256-gcm -bytes 16384`',
      goal: { of: 'ratio', at: 'least', value: 0.3 },
    } as const;
    return [rowOf({ name: 'seal', ...about }, seals, limits), rowOf({ name: 'open', ...about }, opens, limits)];
  },
};
