/**
 * `chatpic desk`: the staff's desk as a service of its own, run until it is told to stop or the appliance ends. Whoever runs
 * it starts it again then: it has forgotten everybody, and waits at the door until the appliance is back.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Command } from 'commander';
import { configure } from '../config/configuration.js';
import { readEnvironment, SettingsError } from '../config/environment.js';
import { guardDeskProcess, runDesk } from '../desk/run-desk.js';
import { EXIT, explain, say } from './terminal.js';

export function deskVerb(program: Command): void {
  program
    .command('desk')
    .description("run the staff's desk as a service of its own, at the door of an appliance (CHATPIC_DESK_DOOR)")
    .action(async () => {
      process.exit(await desk().catch(explain));
    });
}

async function desk(): Promise<number> {
  const { deskDoor, deskListen } = configure(readEnvironment(process.env));
  if (deskDoor === null) throw new SettingsError([NO_DOOR]);
  guardDeskProcess();
  const socket = await connected(deskDoor);
  const running = socket === null ? null : await runDesk(socket, [{ listen: deskListen }]).catch(unlessShut(socket));
  if (running === null) {
    say('The appliance does not let a desk in: it does not run, or another desk is at its door.');
    return EXIT.refused;
  }
  say(`The desk listens on ${running.addresses.join(', ')}.`);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => running.end());
  await running.ended;
  return EXIT.done;
}

const NO_DOOR = { name: 'CHATPIC_DESK_DOOR', value: 'off', expected: 'unix:/path, the same as the appliance has' };

/** Null where nobody listens. The system's other errors are thrown. */
async function connected(path: string): Promise<Socket | null> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return socket;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return null;
    throw error;
  }
}

/** Null where the door was shut; every other failure stays one. */
function unlessShut(socket: Socket): (error: unknown) => null {
  return (error) => {
    if (socket.destroyed) return null;
    throw error;
  };
}
