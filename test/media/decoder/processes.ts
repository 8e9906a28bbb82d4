/** The children of this process, as Linux shows them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export function childrenOf(pid: number = process.pid): number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) => {
    const line = readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1');
    return line.split(' ').filter(Boolean).map(Number);
  });
}

/** What its descriptors lead to. */
export function descriptorsOf(pid: number): { fd: number; name: string }[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [{ fd: Number(fd), name: readlinkSync(`/proc/${pid}/fd/${fd}`) }];
    } catch {
      // The one that listed the folder.
      return [];
    }
  });
}

/** Resident memory in bytes: `VmRSS` now, `VmHWM` at its highest. */
export function memoryOf(pid: number, field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0) * 1024;
}
