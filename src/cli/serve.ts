/** `chatpic serve`: runs the appliance until it is told to stop. */
import type { Command } from 'commander';
import { startApp, type App } from '../app.js';
import { lineLogger } from '../base/log.js';
import { configure, type Configuration } from '../config/configuration.js';
import { readEnvironment, SettingsError, unknownSettings } from '../config/environment.js';
import { collectLate } from '../janitor/collect.js';
import { strictFindings } from './checks.js';
import { openOperatorSocket } from './operator-socket.js';
import { prepareOnion, type PreparedOnion } from './onion-beside.js';
import { PANIC_SIGNAL } from './panic.js';
import { rootKeyOf } from './root-key.js';
import { serviceManager, type ServiceManager } from './service-manager.js';
import { wellness } from './well.js';
import type { Control } from '../web/control.js';
import { EXIT, explain, lastWords, progressLine, say } from './terminal.js';

interface ServeOptions {
  readonly acceptClock?: boolean;
  readonly onion?: boolean;
}

export function serveVerb(program: Command): void {
  program
    .command('serve')
    .description('run the appliance until it is told to stop')
    .option('--onion', "start the system's tor beside it, as an onion service")
    .option('--accept-clock', 'believe a wall clock that is more than a day ahead of the store')
    .action(async (options: ServeOptions) => {
      process.exitCode = await serve(options).catch(explain);
    });
}

async function serve({ acceptClock = false, onion: withOnion = false }: ServeOptions): Promise<number> {
  // Small buffers would share blocks that nobody can wipe.
  Buffer.poolSize = 0;
  collectLate();
  process.on('uncaughtException', (error) => {
    say(lastWords(error));
    process.exit(EXIT.refused);
  });
  const configuration = configure(readEnvironment(process.env));
  for (const name of unknownSettings(process.env)) say(`${name} is not a setting; it is ignored.`);
  if (configuration.strict && !(await holds(configuration))) return EXIT.refused;
  const log = lineLogger((line) => process.stderr.write(line));
  if (withOnion && configuration.deskDoor !== null) throw new SettingsError([DOOR_BESIDE_TOR]);
  const onion = withOnion ? await prepareOnion(configuration, log) : null;
  let listening = false;
  const app = await startApp({
    configuration,
    rootKey: rootKeyOf(configuration),
    log,
    acceptClockJump: acceptClock,
    ...(onion === null ? {} : { onion: onion.listener }),
    desk: { onionSocket: onion?.staff?.service.socket ?? null },
    onFilling: (filled, total) => {
      if (listening) showFilling(filled, total);
    },
  });
  listening = true;
  const well = wellness(app, configuration.rollSeconds);
  const control = await openOperatorSocket(configuration, app, well);
  const supervised = process.env['NOTIFY_SOCKET'] !== undefined;
  greet(app, supervised);
  const manager = serviceManager(process.env, process.pid);
  manager.ready(well);
  if (onion !== null) await startOnion(onion, app);
  return run({ app, onion, control }, manager);
}

/** The tor beside it leads the staff to a socket that a desk of its own would have to know. */
const DOOR_BESIDE_TOR = { name: 'CHATPIC_DESK_DOOR', value: '(set)', expected: 'off, because of --onion' };

/** Whether this machine lets the promises hold. Says what does not. */
async function holds(configuration: Configuration): Promise<boolean> {
  const findings = await strictFindings(configuration);
  for (const { name, says, todo } of findings) say(`${name}: ${says}. What you can do: ${todo}.`);
  return findings.length === 0;
}

/** `supervised`: as the service that `chatpic install` put in place, with the verbs on the path and nobody at a keyboard. */
function greet({ address, store, desk }: App, supervised: boolean): void {
  say('ChatPic is ready.');
  if (address.startsWith('/')) {
    say(`  It listens on the socket ${address}`);
  } else {
    say(`  Share something:  ${address}/`);
    say(`  From a terminal:  curl -T photo.jpg ${address}/`);
  }
  if (desk !== null)
    say(`  Staff desk:       ${desk.addresses[0]?.replace(/^http.*/, '$&/') ?? 'a service of its own'}`);
  say(`  Is all well?      ${supervised ? 'chatpic' : 'npx chatpic'} doctor`);
  if (store.made) say('The store was made just now and is being filled with noise.');
  if (!supervised) say('Stop with Ctrl-C.');
}

/** Tor comes up behind the site: its address is known at once, and said when visitors can find it. */
async function startOnion(onion: PreparedOnion, app: App): Promise<void> {
  say('Tor is starting; the address is said when it is published, in a minute or so.');
  try {
    await onion.start();
  } catch (error) {
    await app.close(0);
    throw error;
  }
  onion.published.then(
    () => {
      say(`  Over Tor:         ${onion.listener.origin}/`);
      say(`  Desk over Tor:    ${onion.staff === null ? 'nobody has a key to it' : `${onion.staff.origin}/`}`);
    },
    () => undefined,
  );
}

function showFilling(filled: number, total: number): void {
  progressLine(`Filling the store: ${Math.floor((100 * filled) / total)} %`);
  if (filled === total && process.stderr.isTTY) say('');
}

interface Running {
  readonly app: App;
  readonly onion: PreparedOnion | null;
  readonly control: Control | null;
}

/** Tor goes last: what is under way comes and goes through it. */
async function stopAll({ app, onion, control }: Running): Promise<void> {
  try {
    await control?.close();
    await app.close();
  } finally {
    await onion?.stop();
  }
}

/** Until a signal, or until the store can't go on. A second signal does not wait for what is under way. */
async function run(running: Running, manager: ServiceManager): Promise<number> {
  const { app } = running;
  const stopped = new Promise<number>((resolve) => {
    let signals = 0;
    const stop = (): void => {
      signals++;
      if (signals > 1) process.exit(EXIT.refused);
      manager.stopping();
      say('Stopping: what is under way may end. A second signal (Ctrl-C) stops at once.');
      stopAll(running).then(
        () => resolve(EXIT.done),
        (error: unknown) => resolve(explain(error)),
      );
    };
    process.on('SIGINT', stop);
    process.on('SIGTERM', stop);
    process.on(PANIC_SIGNAL, () => {
      say('Panic, as ordered: the slots are destroyed, and nothing in the store can be opened any more.');
      // Done as ordered: a service manager that sees a failure would start it again.
      app.store.panic().then(
        () => process.exit(EXIT.done),
        () => process.exit(EXIT.refused),
      );
    });
  });
  const failed = app.poisoned.then(() => {
    say('A write to the store failed. Nothing more is acknowledged; the next start says what is true.');
    return EXIT.refused;
  });
  const code = await Promise.race([stopped, failed]);
  // node-schedule leaves a timer behind: the end must not wait for it.
  process.exit(code);
}
