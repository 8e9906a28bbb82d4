/** What a process has used, as Linux tells it. Elsewhere nothing is known, and the confinement's status says so. */
import { readFileSync } from 'node:fs';
import { KiB, SECOND } from '../../base/units.js';

export interface Usage {
  readonly cpuMilliseconds: number;
  readonly memoryBytes: number;
}

/** The kernel shows times to programs in this unit on every architecture it runs on today. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat counted after the command's name, which may hold blanks. */
const UTIME = 11;
const STIME = 12;

/** CPU time since the process began, of all its threads, and its resident memory. `null` when it can't be told. */
export function usageOf(pid: number): Usage | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    const resident = /^VmRSS:\s+(\d+) kB$/m.exec(status);
    const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
    return { cpuMilliseconds: (ticks * SECOND) / TICKS_PER_SECOND, memoryBytes: Number(resident?.[1] ?? 0) * KiB };
  } catch {
    return null;
  }
}
