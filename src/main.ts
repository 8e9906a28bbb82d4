#!/usr/bin/env node
/** The process entry: the operator's verbs. */
import { Command, CommanderError } from 'commander';
import { EXIT } from './cli/terminal.js';

// Everything that this process makes is its own user's alone.
process.umask(0o077);
// Node's warnings may be about a request; nothing is printed that depends on one.
process.removeAllListeners('warning');

/** A verb's file is loaded when it is asked for: `panic` must not wait for the rest of the house. */
const VERBS: Readonly<Record<string, () => Promise<(program: Command) => void>>> = {
  serve: async () => (await import('./cli/serve.js')).serveVerb,
  init: async () => (await import('./cli/init.js')).initVerb,
  grow: async () => (await import('./cli/grow.js')).growVerb,
  desk: async () => (await import('./cli/desk.js')).deskVerb,
  doctor: async () => (await import('./cli/doctor.js')).doctorVerb,
  verify: async () => (await import('./cli/verify.js')).verifyVerb,
  panic: async () => (await import('./cli/panic.js')).panicVerb,
  staff: async () => (await import('./cli/staff.js')).staffVerb,
  blocklist: async () => (await import('./cli/blocklist.js')).blocklistVerb,
  onion: async () => (await import('./cli/onion.js')).onionVerb,
  voucher: async () => (await import('./cli/voucher.js')).voucherVerb,
  limits: async () => (await import('./cli/limits.js')).limitsVerb,
  canary: async () => (await import('./cli/canary.js')).canaryVerb,
  install: async () => (await import('./cli/install.js')).installVerb,
  stats: async () => (await import('./cli/stats.js')).statsVerb,
};

const program = new Command('chatpic')
  .description('An anonymous, self-destructing sharing appliance')
  .showHelpAfterError()
  .exitOverride();
const asked = process.argv[2] ?? '';
for (const verb of Object.hasOwn(VERBS, asked) ? [asked] : Object.keys(VERBS)) (await VERBS[verb]?.())?.(program);
program.commands.forEach((command) => command.exitOverride());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
}
