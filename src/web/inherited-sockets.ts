/**
 * Listening sockets that systemd made and hands over (sd_listen_fds(3)): they exist before this process and outlive it,
 * so that visitors who come during a restart wait in the queue instead of being turned away.
 *
 *   LISTEN_PID      who they are for: a child of that process inherits the variables, but they are not for it
 *   LISTEN_FDS      how many there are, from descriptor 3 on
 *   LISTEN_FDNAMES  their names in that order, between colons (`FileDescriptorName=` of the socket unit)
 *
 * A unit names its socket after the last part of its path, `web.sock`, or after its port, `tcp-443`: that is how a configured
 * listener finds it. A process that was handed its TCP port needs neither a network nor a right to bind.
 */
import path from 'node:path';

const FIRST_DESCRIPTOR = 3;

/** The descriptor of the socket that `place` names, or `null` where none was handed over: then it is made. */
export function inheritedSocket(
  place: string,
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
): number | null {
  if (Number(environment['LISTEN_PID']) !== pid) return null;
  const count = Number(environment['LISTEN_FDS'] ?? 0);
  const names = (environment['LISTEN_FDNAMES'] ?? '').split(':').slice(0, count);
  const at = names.indexOf(path.basename(place));
  return at < 0 ? null : FIRST_DESCRIPTOR + at;
}
