/**
 * What a child can't reach: found out at the start by trying, and said by `chatpic doctor`; never assumed.
 *
 * - *Files*: a root of its own with the system's libraries and the program's code, read-only, and nothing else: no store,
 *   no /proc, no /dev, no /tmp. By user and mount namespaces and pivot_root; then every capability is given up.
 * - *Network*: a network namespace of its own, without an interface that is up.
 * - *Memory and time*: RLIMIT_DATA and RLIMIT_CPU, no core, no file written. What is over them ends with an error inside
 *   the child; the parent's watch (watch.ts) stands behind them and works without them.
 * - *Descriptors*: its pipes only; those that the parent itself inherited are covered (descriptors.ts).
 * - *The parent's memory*: a process in another user namespace may not trace it, though it has the same user.
 *
 * *What does not hold*: system calls are not filtered, so a hole in the kernel is one; signals reach processes of the same
 * user. Where a service manager forbids namespaces (RestrictNamespaces) its own walls have to do, and the status says so.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { SECOND } from '../../base/units.js';
import { inheritableDescriptors } from './descriptors.js';
import type { DecodeLimits } from './limits.js';

export interface Confinement {
  /** `own-root`: sees the system's libraries and the program only. `shared`: whatever the service's user may read. */
  readonly files: 'own-root' | 'shared';
  /** `none`: no way out, because the child's namespace has none or the service's own has none. `shared`: the service's. */
  readonly network: 'none' | 'shared';
  /** `limited`: by the kernel, and watched. `watched`: read every few milliseconds, so that a jump may go over it. */
  readonly memory: 'limited' | 'watched' | 'unwatched';
}

export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  /** Descriptors of this process that it must not inherit. */
  readonly hide?: readonly number[];
}

/** Puts walls around a command. `see` lists the files and folders that it needs beside the system's libraries. */
export interface Confiner {
  readonly confinement: Confinement;
  readonly confine: (command: Command, see: readonly string[]) => Command;
}

/** Read by the dynamic linker, or by libraries that Debian reaches through links. */
const SYSTEM = ['/usr', '/bin', '/lib', '/lib64', '/etc/ld.so.cache', '/etc/alternatives'];
const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin'];
const PROBE_TIMEOUT = 5 * SECOND;
/** CPU seconds for the way into the walls and the start of the child, before its own time counts. */
const START_SECONDS = 3;

/**
 * Builds the new root on a mount over /sys, where no installation lives, goes in, and drops what it needed to get there.
 * Arguments: paths to show, `--`, the command. What stands in
 * a folder shown before is there already. Links are shown as links, so that /lib keeps pointing into /usr.
 */
const OWN_ROOT = `set -e
umask 022
mount -t tmpfs -o size=1m,mode=755,nosuid,nodev tmpfs /sys
cd /sys
while [ "$1" != -- ]; do
  if [ -e ".$1" ]; then :
  elif [ -L "$1" ]; then mkdir -p ".\${1%/*}"; ln -s "$(readlink "$1")" ".$1"
  elif [ -e "$1" ]; then
    if [ -d "$1" ]; then mkdir -p ".$1"; else mkdir -p ".\${1%/*}"; : > ".$1"; fi
    mount --rbind "$1" ".$1"
    mount -o remount,bind,ro,nosuid,nodev ".$1"
  fi
  shift
done
shift
mkdir -p old proc
mount --rbind /proc proc
pivot_root . old
cd /
umount -l /old
mount -o remount,ro /
umount -l /proc
exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all env -i "$@"
`;

/** The strongest walls that this machine lets us build around a child, tried once from outside in. */
export async function findConfiner(limits: DecodeLimits): Promise<Confiner> {
  const limited = limiter(limits);
  const canLimit = limited !== null && (await works(limited, []));
  const limit = canLimit ? limited : plain;
  const memory = canLimit ? 'limited' : process.platform === 'linux' ? 'watched' : 'unwatched';
  const hide = inheritableDescriptors();
  for (const { confinement, wrap } of rooms()) {
    const confine: Confiner['confine'] = (command, see) => ({ ...limit(wrap(command, see), see), hide });
    if (await works(confine, [])) return { confinement: { ...confinement, memory }, confine };
  }
  return {
    confinement: { files: 'shared', network: hasWayOut() ? 'shared' : 'none', memory },
    confine: (command, see) => ({ ...limit(command, see), hide }),
  };
}

/** Whether this process, and with it every child that shares its network, sees more than the loopback. */
function hasWayOut(): boolean {
  try {
    return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ internal }) => !internal));
  } catch {
    // A service that may open Unix sockets alone may not ask the kernel for addresses. The names are in a file.
    return hasOutwardInterface();
  }
}

function hasOutwardInterface(): boolean {
  try {
    const names = readFileSync('/proc/self/net/dev', 'latin1').matchAll(/^ *([^\s:]+):/gm);
    return [...names].some(([, name]) => name !== 'lo');
  } catch {
    return true;
  }
}

/** The full path of a tool of the system, or `null`. The search path of the environment is not asked. */
export function toolPath(name: string): string | null {
  for (const folder of FOLDERS) {
    const file = `${folder}/${name}`;
    try {
      accessSync(file, constants.X_OK);
      return file;
    } catch {
      // Not in this folder, or not for us.
    }
  }
  return null;
}

const plain: Confiner['confine'] = (command) => command;

function limiter(limits: DecodeLimits): Confiner['confine'] | null {
  const prlimit = toolPath('prlimit');
  if (prlimit === null) return null;
  const seconds = Math.ceil(limits.cpuMilliseconds / SECOND) + START_SECONDS;
  const bounds = [`--data=${limits.memoryBytes}`, `--cpu=${seconds}`, '--core=0', '--fsize=0', '--nofile=64'];
  return ({ file, args }) => ({ file: prlimit, args: [...bounds, file, ...args] });
}

interface Room {
  readonly confinement: Pick<Confinement, 'files' | 'network'>;
  readonly wrap: Confiner['confine'];
}

function rooms(): Room[] {
  const unshare = toolPath('unshare');
  const shell = toolPath('sh');
  if (unshare === null || shell === null) return [];
  const ownRoot: Confiner['confine'] = ({ file, args }, see) => ({
    file: unshare,
    args: [
      ...['--user', '--map-root-user', '--mount', '--net', '--ipc', '--uts'],
      ...[shell, '-c', OWN_ROOT, 'sh', ...SYSTEM, ...see, '--', file, ...args],
    ],
  });
  const noNetwork: Confiner['confine'] = ({ file, args }) => ({
    file: unshare,
    args: ['--user', '--map-current-user', '--net', '--ipc', '--uts', file, ...args],
  });
  return [
    { confinement: { files: 'own-root', network: 'none' }, wrap: ownRoot },
    { confinement: { files: 'shared', network: 'none' }, wrap: noNetwork },
  ];
}

/** Whether a command runs and ends well within these walls. */
async function works(confine: Confiner['confine'], see: readonly string[]): Promise<boolean> {
  const env = toolPath('env');
  if (env === null) return false;
  const { file, args } = confine({ file: env, args: ['true'] }, see);
  return new Promise((resolve) => {
    const child = spawn(file, args, { cwd: '/', env: {}, stdio: 'ignore', timeout: PROBE_TIMEOUT });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
