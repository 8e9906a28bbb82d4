/**
 * The memory of a process as whoever takes the machine would see it, and what to look for in it: read through
 * /proc/PID/mem while the process stands still. Every private mapping that can be written, the file-backed ones included.
 */
import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import { searcher, type Needle } from './needles.js';

export interface Region {
  /** Address of its first byte. */
  readonly start: number;
  /** What the kernel says of it: "[heap]", a library's path, or nothing. */
  readonly name: string;
  readonly bytes: Buffer;
}

export interface Hit {
  readonly needle: string;
  readonly form: string;
  readonly address: number;
  readonly region: string;
  /** What stands around it: for finding whose it is. */
  readonly around: Buffer;
}

const AROUND = 64;
const PAGE = 4096;
const ENTRY = 8;
const LONGEST_RUN = 1 << 28;

/** Whether this system shows the memory of our children: Linux, and not forbidden. */
export function canReadMemory(pid: number): boolean {
  try {
    closeSync(openSync(`/proc/${pid}/mem`, 'r'));
    return true;
  } catch {
    return false;
  }
}

/**
 * All memory of a process that can differ from a file: what is writable, or of no file. Pages that were never touched are
 * left out; those that were, and may not be read any more by the process itself, are not.
 */
export function* regionsOf(pid: number): Generator<Region> {
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, low = '', high = '', mode = '', inode, name = ''] =
        /^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ (\d+) *(.*)$/.exec(line) ?? [];
      // [vsyscall] is the kernel's, at addresses that are no number of JavaScript's.
      if ((mode[1] !== 'w' && inode !== '0') || low.length > 12) continue;
      for (const { start, length } of touched(pagemap, parseInt(low, 16), parseInt(high, 16))) {
        const bytes = readRun(memory, start, length);
        if (bytes !== null) yield { start, name, bytes };
      }
    }
  } finally {
    closeSync(memory);
    closeSync(pagemap);
  }
}

/** Runs of pages that are in memory or in swap: the two highest bits of a page's entry. */
function* touched(pagemap: number, low: number, high: number): Generator<{ start: number; length: number }> {
  const entries = Buffer.alloc(65536 * ENTRY);
  let start: number | null = null;
  for (let at = low; at < high; at += 65536 * PAGE) {
    const came = readSync(
      pagemap,
      entries,
      0,
      Math.min(entries.length, ((high - at) / PAGE) * ENTRY),
      (at / PAGE) * ENTRY,
    );
    for (let page = 0; page < came / ENTRY; page++) {
      const address = at + page * PAGE;
      const here = (entries[page * ENTRY + ENTRY - 1] ?? 0) >> 6 !== 0;
      if (here) start ??= address;
      if (start !== null && (!here || address - start >= LONGEST_RUN)) {
        yield { start, length: address - start };
        start = here ? address : null;
      }
    }
  }
  if (start !== null) yield { start, length: high - start };
}

/** Null for mappings of devices, which the kernel does not show. */
function readRun(memory: number, start: number, length: number): Buffer | null {
  const bytes = Buffer.allocUnsafeSlow(length);
  try {
    return bytes.subarray(0, readSync(memory, bytes, 0, length, start));
  } catch {
    return null;
  }
}

/** Runs `work` while the process stands still. */
export function whileStopped<T>(pid: number, work: () => T): T {
  process.kill(pid, 'SIGSTOP');
  try {
    return work();
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

/** A copy of all memory of a process, made while it stands still. */
export function memoryOf(pid: number): Region[] {
  return whileStopped(pid, () => [...regionsOf(pid)]);
}

/** All places in memory where a needle stands in any form. */
export function searchMemory(pid: number, needles: readonly Needle[]): Hit[] {
  const search = searcher(needles);
  const hits: Hit[] = [];
  for (const { start, name, bytes: hay } of regionsOf(pid)) {
    for (const { needle, form, at, length } of search(hay)) {
      const around = Buffer.from(hay.subarray(Math.max(0, at - AROUND), at + length + AROUND));
      hits.push({ needle, form, address: start + at, region: name, around });
    }
  }
  return hits;
}

/** A process and all that it started, and so on. */
export function familyOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean).map(Number);
  return [pid, ...children.flatMap(familyOf)];
}
