/**
 * The folder of the tor that runs beside the appliance (0700, tor demands it of all of them):
 *
 *   torrc          generated anew at each start
 *   torrc.local    the operator's own lines, such as bridges; read if it is there
 *   control, cookie   the control socket and what opens it
 *   data/          tor's own state
 *   senders/, staff/, previous/   the keys of the services; losing one is losing its address
 *   web.sock, desk.sock, previous.sock   where the appliance listens for each
 */
import path from 'node:path';

export interface TorFolder {
  readonly root: string;
  readonly torrc: string;
  readonly extra: string;
  readonly control: string;
  readonly cookie: string;
  readonly data: string;
  readonly senders: string;
  readonly staff: string;
  readonly previous: string;
  readonly webSocket: string;
  readonly deskSocket: string;
  readonly previousSocket: string;
}

export function torFolder(folder: string): TorFolder {
  const root = path.resolve(folder);
  const at = (name: string): string => path.join(root, name);
  return {
    root,
    torrc: at('torrc'),
    extra: at('torrc.local'),
    control: at('control'),
    cookie: at('cookie'),
    data: at('data'),
    senders: at('senders'),
    staff: at('staff'),
    previous: at('previous'),
    webSocket: at('web.sock'),
    deskSocket: at('desk.sock'),
    previousSocket: at('previous.sock'),
  };
}
