/**
 * Descriptors that this process was started with and that every process it starts would inherit: the listening sockets of
 * a service manager above all. Node marks its own so that they close, and of these it finds the first ones only: it stops
 * at a gap in the numbers above 15.
 */
import { readdirSync, readFileSync } from 'node:fs';

const O_CLOEXEC = 0o2000000;

/** Numbers above 2, ascending. Empty where the system doesn't tell. */
export function inheritableDescriptors(): number[] {
  try {
    return readdirSync('/proc/self/fdinfo')
      .map(Number)
      .filter((fd) => fd > 2 && isInheritable(fd))
      .sort((a, b) => a - b);
  } catch {
    return [];
  }
}

function isInheritable(fd: number): boolean {
  try {
    const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
    return (parseInt(flags?.[1] ?? '', 8) & O_CLOEXEC) === 0;
  } catch {
    // The one that listed the folder: closed by now.
    return false;
  }
}
