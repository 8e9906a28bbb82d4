/**
 * The entry of a desk that is a child. The senders' process starts it (desk-process.ts) with two things: descriptor 3, a
 * socket pair to the door, and one argument, where to listen. It has no environment.
 *
 * It says one line on its standard output, as JSON: the addresses it listens on, or why it can't.
 */
import { Socket } from 'node:net';
import { guardDeskProcess, runDesk, type DeskPlace } from './run-desk.js';

const DOOR = 3;

guardDeskProcess();
// Signals to the whole group are for the senders' process: it shuts the door when it is done.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

async function run(places: readonly DeskPlace[]): Promise<void> {
  const { addresses, ended } = await runDesk(new Socket({ fd: DOOR, readable: true, writable: true }), places);
  process.stdout.write(`${JSON.stringify({ addresses })}\n`);
  await ended;
  process.exit(0);
}

run(JSON.parse(process.argv[2] ?? '[]') as DeskPlace[]).catch((error: unknown) => {
  // Nobody has asked for anything yet: what it says is about this machine.
  const known = error instanceof Error;
  const code = known && 'code' in error ? String(error.code) : known ? error.message : 'unknown';
  process.stdout.write(`${JSON.stringify({ code })}\n`, () => process.exit(1));
});
