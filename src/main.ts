#!/usr/bin/env node
/** The process entry: the operator's verbs. */
import { Command, CommanderError } from 'commander';
import { blocklistVerb } from './cli/blocklist.js';
import { doctorVerb } from './cli/doctor.js';
import { growVerb } from './cli/grow.js';
import { initVerb } from './cli/init.js';
import { panicVerb } from './cli/panic.js';
import { serveVerb } from './cli/serve.js';
import { staffVerb } from './cli/staff.js';
import { limitsVerb } from './cli/limits.js';
import { verifyVerb } from './cli/verify.js';
import { voucherVerb } from './cli/voucher.js';
import { EXIT } from './cli/terminal.js';

// Everything that this process makes is its own user's alone.
process.umask(0o077);
// Node's warnings may be about a request; nothing is printed that depends on one.
process.removeAllListeners('warning');

const program = new Command('chatpic')
  .description('An anonymous, self-destructing sharing appliance')
  .showHelpAfterError()
  .exitOverride();
for (const add of [
  serveVerb,
  initVerb,
  growVerb,
  doctorVerb,
  verifyVerb,
  panicVerb,
  staffVerb,
  blocklistVerb,
  voucherVerb,
  limitsVerb,
])
  add(program);
program.commands.forEach((command) => command.exitOverride());

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
}
