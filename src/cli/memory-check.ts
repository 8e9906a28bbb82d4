/** What `doctor` and strict mode say of memory that may reach a disk. True of the process that asks, and of no other. */
import { readFile } from 'node:fs/promises';
import type { Finding } from './checks.js';

/** From within walls, on a kernel that sets no limits: only somebody outside can tell. */
export const SWAP_UNTOLD: Finding = {
  name: 'swap',
  state: 'warn',
  says: 'could not be told: the table of swap is hidden, and there is no limit',
  todo: 'make sure that there is none (swapon --show)',
};

/** A file of the kernel's; empty where it is not there. */
export async function text(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}

export async function swap(): Promise<Finding> {
  const group = /^0::(.*)$/m.exec(await text('/proc/self/cgroup'))?.[1] ?? '';
  const limit = await text(`/sys/fs/cgroup${group}/memory.swap.max`);
  return swapFinding(await text('/proc/swaps'), limit.trim());
}

/**
 * `swaps` is the kernel's table, empty where it is hidden from this process, as from the service (`ProcSubset=pid`); `limit` is
 * this process's own, empty where the kernel keeps none.
 */
export function swapFinding(swaps: string, limit: string): Finding {
  const name = 'swap';
  const none = swaps !== '' && swaps.trim().split('\n').length === 1;
  if (none || limit === '0') return { name, state: 'good', says: 'memory is never written to disk', todo: '' };
  if (swaps === '' && limit === '') return SWAP_UNTOLD;
  const todo = 'turn swap off (swapoff -a), or run it as the service with MemorySwapMax=0';
  return { name, state: 'refuse', says: 'memory may be swapped to disk', todo };
}

export async function coreDumps(): Promise<Finding> {
  const name = 'core dumps';
  const limit = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(await text('/proc/self/limits'));
  const piped = (await text('/proc/sys/kernel/core_pattern')).startsWith('|');
  if (limit?.[1] === '0' && !piped) {
    return { name, state: 'good', says: limit[2] === '0' ? 'off' : 'off for this process', todo: '' };
  }
  const todo = 'run it with ulimit -Hc 0, or as the service with LimitCORE=0';
  return { name, state: 'refuse', says: 'a crash may write memory to disk', todo };
}
