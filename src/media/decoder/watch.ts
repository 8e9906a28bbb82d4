/** What a process has used, as Linux tells it. Elsewhere nothing is known, and the confinement's status says so. */
import { closeSync, openSync, readSync } from 'node:fs';
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

/** Longer than either file is. */
const ROOM = Buffer.alloc(8 * KiB);

/** Watches one process through files that stay open: it is looked at many times a second. To be closed. */
export class Watch {
  readonly #pid: number;
  #stat: number | null = null;
  #status: number | null = null;

  constructor(pid: number) {
    this.#pid = pid;
  }

  /** CPU time since the process began, of all its threads, and its resident memory. `null` when it can't be told. */
  usage(): Usage | null {
    // Where a descriptor could not be had, the next look tries again: it must not go unwatched for good.
    this.#stat ??= opened(`/proc/${this.#pid}/stat`);
    this.#status ??= opened(`/proc/${this.#pid}/status`);
    if (this.#stat === null || this.#status === null) return null;
    try {
      const stat = textOf(this.#stat);
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      const resident = /^VmRSS:\s+(\d+) kB$/m.exec(textOf(this.#status));
      const ticks = Number(fields[UTIME]) + Number(fields[STIME]);
      return { cpuMilliseconds: (ticks * SECOND) / TICKS_PER_SECOND, memoryBytes: Number(resident?.[1] ?? 0) * KiB };
    } catch {
      return null;
    }
  }

  /** To be called once. */
  close(): void {
    for (const file of [this.#stat, this.#status]) if (file !== null) closeSync(file);
  }
}

function opened(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}

function textOf(file: number): string {
  return ROOM.toString('latin1', 0, readSync(file, ROOM, 0, ROOM.length, 0));
}
