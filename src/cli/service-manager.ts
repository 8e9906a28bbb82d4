/**
 * What the service manager is told: that the appliance is ready, that it is well, that it is stopping (sd_notify(3)).
 *
 * Node has no datagrams over Unix sockets, so `systemd-notify` says it, a process of a few milliseconds every half of
 * the watchdog's time. That is why the unit has `NotifyAccess=all`: a broken-in decoder child could claim that all is
 * well. It could not do more than that; and it could stop the service anyway, being of the same user.
 *
 * The watchdog is fed only while `well` says so (`well.ts`: a commit went through). A process whose loop hangs, or whose
 * store can't commit, is not fed, and systemd ends it and starts it again: the next start says what is true.
 */
import { spawn } from 'node:child_process';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface ServiceManager {
  /** Says that the appliance listens, and begins to feed the watchdog while `well` answers true. */
  ready(well: () => Promise<boolean>): void;
  stopping(): void;
}

const NOTIFY = 'systemd-notify';
const MICROSECONDS = 1000;

/** Does nothing where no service manager asks (`NOTIFY_SOCKET` is not set). `file` is what says it. */
export function serviceManager(environment: Environment, pid: number, file = NOTIFY): ServiceManager {
  const socket = environment['NOTIFY_SOCKET'];
  if (socket === undefined) return { ready: () => undefined, stopping: () => undefined };
  const tell = (state: string): void => {
    const child = spawn(file, [state], {
      stdio: 'ignore',
      env: { NOTIFY_SOCKET: socket, PATH: environment['PATH'] },
    });
    // Not being able to say it is what the manager's own timeouts are for.
    child.once('error', () => undefined);
  };
  let feeding: NodeJS.Timeout | undefined;
  return {
    ready(well) {
      tell('READY=1');
      const interval = watchdogInterval(environment, pid);
      if (interval === null) return;
      feeding = setInterval(() => {
        void well().then((is) => {
          if (is) tell('WATCHDOG=1');
        });
      }, interval).unref();
    },
    stopping() {
      clearInterval(feeding);
      tell('STOPPING=1');
    },
  };
}

/** Half of the time after which the manager loses patience, in milliseconds; `null` if it does not watch this process. */
export function watchdogInterval(environment: Environment, pid: number): number | null {
  const microseconds = Number(environment['WATCHDOG_USEC']);
  const watched = environment['WATCHDOG_PID'];
  if (!Number.isSafeInteger(microseconds) || microseconds <= 0) return null;
  if (watched !== undefined && Number(watched) !== pid) return null;
  return Math.max(1, Math.floor(microseconds / MICROSECONDS / 2));
}
