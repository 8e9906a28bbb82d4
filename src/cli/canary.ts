/**
 * `chatpic canary`: the operator's signed word that nothing has happened. The private key is made and used where the operator
 * is, never on the machine that serves: no verb here touches the store.
 */
import { readFile, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { secretCopy, wipe } from '../base/bytes.js';
import { systemClock } from '../base/clock.js';
import { Refusal } from '../base/errors.js';
import { randomSecret } from '../crypto/random.js';
import { SIGNING_KEY_LENGTH, verifyingKeyOf } from '../crypto/signature.js';
import {
  canaryAgeDays,
  canaryPublicKeyFile,
  openCanary,
  parseCanaryPublicKey,
  signCanary,
} from '../moderation/canary.js';
import { EXIT, print, refusedOr, say } from './terminal.js';

interface Signing {
  readonly key: string;
  readonly out: string;
}

export function canaryVerb(program: Command): void {
  const verb = program.command('canary').description('a text signed by the operator, again and again while it is true');
  verb
    .command('key')
    .description('make the signing key; its public half goes into FILE.pub')
    .requiredOption('--out <file>', 'where the private half goes; it must not be there yet')
    .action((options: { readonly out: string }) => run(makeKey(options.out)));
  verb
    .command('sign')
    .description('sign a text with the date; what is served is FILE and FILE.pub')
    .argument('<text>', 'a file with the statement')
    .requiredOption('--key <file>', 'the private half, as `canary key` wrote it')
    .requiredOption('--out <file>', 'where the signed text goes, over an older one')
    .action((text: string, options: Signing) => run(sign(text, options)));
  verb
    .command('verify')
    .description('check a signed text against its key, as anybody can with signify')
    .argument('<file>')
    .option('--key <file>', 'the public half; FILE.pub unless given')
    .action((file: string, options: { readonly key?: string }) => run(verify(file, options.key ?? `${file}.pub`)));
}

async function run(work: Promise<number>): Promise<void> {
  process.exitCode = await work.catch(refusedOr);
}

async function makeKey(out: string): Promise<number> {
  const key = randomSecret(SIGNING_KEY_LENGTH);
  const text = Buffer.from(`${key.toString('base64')}\n`, 'latin1');
  try {
    await writeFile(out, text, { mode: 0o600, flag: 'wx' });
    await writeFile(`${out}.pub`, canaryPublicKeyFile(verifyingKeyOf(key)), { mode: 0o644 });
  } finally {
    wipe(key, text);
  }
  say(`Keep ${out} off the machine that serves. Publish ${out}.pub in more places than one.`);
  return EXIT.done;
}

async function sign(textFile: string, { key: keyFile, out }: Signing): Promise<number> {
  const statement = await readFile(textFile, 'utf8');
  if (statement.trim() === '') throw new Refusal('empty', 'there is nothing to sign in that file');
  const written = await readFile(keyFile);
  const key = secretCopy(Buffer.from(written.toString('latin1').trim(), 'base64'));
  wipe(written);
  try {
    if (key.length !== SIGNING_KEY_LENGTH) throw new Refusal('malformed', 'that is no private half of a canary key');
    await writeFile(out, signCanary(key, statement, systemClock.wall()), { mode: 0o644 });
    await writeFile(`${out}.pub`, canaryPublicKeyFile(verifyingKeyOf(key)), { mode: 0o644 });
  } finally {
    wipe(key);
  }
  print(`Signed. Copy ${out} and ${out}.pub to where CHATPIC_CANARY points.`);
  return EXIT.done;
}

async function verify(file: string, keyFile: string): Promise<number> {
  const publicKey = parseCanaryPublicKey(await readFile(keyFile, 'utf8'));
  if (publicKey === null) throw new Refusal('malformed', 'that is no public key of a canary');
  const canary = openCanary(publicKey, await readFile(file, 'utf8'));
  if (canary === null) throw new Refusal('forbidden', 'it is not signed by this key, or was changed');
  print(
    `Signed by this key on ${new Date(canary.signedAt).toISOString().slice(0, 10)}, ${canaryAgeDays(canary, systemClock.wall())} days ago.`,
  );
  return EXIT.done;
}
