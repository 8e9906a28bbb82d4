/** How verbs speak and end: plain sentences on stderr, data on stdout, and three exit codes. */
import { Refusal, StoreFault } from '../base/errors.js';
import { SettingsError } from '../config/environment.js';
import { TorFault } from '../tor/tor-fault.js';

/** 0 done, 1 refused or found wanting, 2 wrong usage. */
export const EXIT = { done: 0, refused: 1, usage: 2 } as const;

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** A refusal is a plain sentence; everything else is explained. Returns the exit code. */
export function refusedOr(error: unknown): number {
  if (!(error instanceof Refusal)) return explain(error);
  say(`${error.message}.`);
  return EXIT.refused;
}

/** What went wrong, in sentences that an operator can act on. Returns the exit code. */
export function explain(error: unknown): number {
  if (error instanceof SettingsError) {
    say('Some settings are wrong:');
    for (const { name, value, expected } of error.complaints) say(`  ${name}=${value}: expected ${expected}`);
    return EXIT.usage;
  }
  if (error instanceof StoreFault) {
    say(`${error.part}: ${error.message}`);
    say(`What you can do: ${error.remedy}`);
    return EXIT.refused;
  }
  if (error instanceof TorFault) {
    say(`tor: ${error.message}`);
    say(`What you can do: ${error.remedy}`);
    return EXIT.refused;
  }
  if (error instanceof Error && 'code' in error) {
    say(sentenceFor(error as NodeJS.ErrnoException));
    return EXIT.refused;
  }
  say(`This should not have happened: ${error instanceof Error ? error.message : 'an unknown failure'}`);
  return EXIT.refused;
}

function sentenceFor(error: NodeJS.ErrnoException): string {
  const where =
    'address' in error && 'port' in error ? ` ${String(error.address)}:${String(error.port)}` : (error.path ?? '');
  if (error.code === 'EADDRINUSE') return `Something else listens on${where} already: stop it, or set CHATPIC_LISTEN.`;
  if (error.code === 'EACCES') return `No permission for ${where}: check its owner and mode.`;
  return `The system refused: ${error.code ?? 'unknown'} ${where}`.trim();
}

/**
 * What is said of a bug that nothing caught: its kind, and where in the code. Node would print the message and every
 * property too, and those may hold what a visitor sent.
 */
export function lastWords(error: unknown): string {
  if (!(error instanceof Error)) return 'chatpic: something broke that is our fault; the next start says what is true';
  const { name, message, stack = '' } = error;
  const head = message === '' ? name : `${name}: ${message}`;
  const places = stack.startsWith(`${head}\n`) ? stack.slice(head.length + 1) : '    (place unknown)';
  return `chatpic: something broke that is our fault; the next start says what is true\n${places}`;
}

/** One line that is written over while something takes long; nothing where there is no terminal to write over. */
export function progressLine(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
