/**
 * `chatpic staff offline-key` and `chatpic staff hold`: content that was removed and must be kept by law. The private half of
 * the offline key is made elsewhere and never comes to the machine that has the store: `offline-key make` and `hold open`
 * touch no store, the other verbs touch no private key.
 */
import { createWriteStream } from 'node:fs';
import { mkdir, open as openFile, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Command } from 'commander';
import { secretCopy, wipe } from '../base/bytes.js';
import { Refusal } from '../base/errors.js';
import { readInOrder, type ByteSource } from '../base/source.js';
import { generateHpkeKeyPair, HPKE_KEY_LENGTH } from '../crypto/hpke.js';
import { CONTEXT } from '../crypto/labels.js';
import { openStream, type OpenedStream } from '../crypto/stream.js';
import { FRONT_HEAD, frontLength, parseFront } from '../intake/front.js';
import { safeName } from '../intake/names.js';
import { encodeHoldHead, parseHold } from '../moderation/hold-export.js';
import { openShareKey } from '../moderation/staff-seal.js';
import { EXIT, print, refusedOr, say } from './terminal.js';
import { withModeration } from './with-moderation.js';

interface ToFile {
  readonly out: string;
}

export function legalHoldVerbs(staff: Command): void {
  const key = staff.command('offline-key').description('the key that legal holds are sealed to');
  key
    .command('make')
    .description(
      'make a pair, on a machine that is not this one: the private half into a file, the public half printed',
    )
    .requiredOption('--out <file>', 'where the private half goes; it must not be there yet')
    .action((options: ToFile) => run(makeKey(options)));
  key
    .command('set')
    .description('have legal holds sealed to this public half from now on')
    .argument('<key>', 'as `offline-key make` printed it')
    .action((text: string) => run(setKey(text)));
  const hold = staff.command('hold').description('shares that were removed and are kept by law');
  hold
    .command('list')
    .description('what is held, and until when')
    .option('--json', 'print it as JSON')
    .action((options: { readonly json?: boolean }) => run(list(options.json ?? false)));
  hold
    .command('export')
    .description('write one hold into a file, to be carried to where the offline key is')
    .argument('<file-id>')
    .requiredOption('--out <file>', 'it must not be there yet')
    .action((fileId: string, options: ToFile) => run(exportHold(fileId, options)));
  hold
    .command('open')
    .description('open an exported hold, where the offline key is')
    .argument('<file>')
    .requiredOption('--key <file>', 'the private half, as `offline-key make` wrote it')
    .requiredOption('--out <folder>', 'where the content goes')
    .action((file: string, options: ToFile & { readonly key: string }) => run(openHold(file, options)));
  hold
    .command('end')
    .description('end a hold before its time: its key and its content go')
    .argument('<file-id>')
    .requiredOption('--yes', 'it cannot be undone')
    .action((fileId: string) => run(endHold(fileId)));
}

async function run(work: Promise<number>): Promise<void> {
  process.exitCode = await work.catch(refusedOr);
}

async function makeKey({ out }: ToFile): Promise<number> {
  const { publicKey, privateKey } = generateHpkeKeyPair();
  const text = Buffer.from(`${privateKey.toString('base64')}\n`, 'latin1');
  try {
    await writeFile(out, text, { mode: 0o600, flag: 'wx' });
  } finally {
    wipe(privateKey, text);
  }
  say('Keep that file off every machine that has a network. Whoever has it can open every legal hold.');
  print(publicKey.toString('base64'));
  return EXIT.done;
}

function setKey(text: string): Promise<number> {
  return withModeration(async ({ preserved }) => {
    await preserved.setOfflineKey(Buffer.from(text, 'base64'));
    print('Legal holds are sealed to this key from now on.');
    return EXIT.done;
  });
}

function list(json: boolean): Promise<number> {
  return withModeration((moderation) => {
    const { held, most } = moderation.evidenceUnits();
    const holds = moderation.preserved.all().map(({ fileId, since, until }) => ({
      fileId,
      since: dayOf(since),
      until: dayOf(until),
    }));
    if (json) print(JSON.stringify({ holds, units: { held, most } }));
    else for (const { fileId, since, until } of holds) print(`${fileId}  held since ${since} until ${until}`);
    if (!json) say(`Evidence and legal holds take ${held} of the ${most} units that they may.`);
    return Promise.resolve(EXIT.done);
  });
}

function dayOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10);
}

function exportHold(fileId: string, { out }: ToFile): Promise<number> {
  return withModeration(async (moderation) => {
    const item = moderation.preserved.get(fileId);
    const held = moderation.openPreserved(fileId);
    if (item === null || held === null) throw nothingHeld(fileId);
    try {
      const pieces = async function* (): AsyncGenerator<Buffer> {
        yield encodeHoldHead(item);
        yield* readInOrder(held.content);
      };
      await pipeline(Readable.from(pieces()), createWriteStream(out, { mode: 0o600, flags: 'wx', flush: true }));
    } finally {
      held.close();
    }
    print(`${fileId} is in ${out}, sealed. It is held here until its time, or until \`hold end\`.`);
    return EXIT.done;
  });
}

function endHold(fileId: string): Promise<number> {
  return withModeration(async ({ preserved }) => {
    if (!(await preserved.end(fileId))) throw nothingHeld(fileId);
    print(`${fileId} is held no longer.`);
    return EXIT.done;
  });
}

function nothingHeld(fileId: string): Refusal {
  return new Refusal('gone', `nothing is held under ${fileId}: see \`chatpic staff hold list\``);
}

async function openHold(file: string, { key, out }: ToFile & { readonly key: string }): Promise<number> {
  const privateKey = await privateKeyIn(key);
  const handle = await openFile(file, 'r');
  try {
    const { size } = await handle.stat();
    const source: ByteSource = {
      size,
      async read(offset, length) {
        const bytes = Buffer.from(new ArrayBuffer(Math.max(0, Math.min(length, size - offset))));
        return bytes.subarray(0, (await handle.read(bytes, 0, bytes.length, offset)).bytesRead);
      },
    };
    const stream = await opened(source, privateKey);
    try {
      await unpack(stream, out);
    } finally {
      stream.close();
    }
  } finally {
    wipe(privateKey);
    await handle.close();
  }
  return EXIT.done;
}

async function privateKeyIn(file: string): Promise<Buffer> {
  const text = await readFile(file);
  const key = secretCopy(Buffer.from(text.toString('latin1').trim(), 'base64'));
  wipe(text);
  if (key.length !== HPKE_KEY_LENGTH) throw new Refusal('malformed', 'that is no private half of an offline key');
  return key;
}

async function opened(file: ByteSource, privateKey: Buffer): Promise<OpenedStream> {
  const hold = await parseHold(file);
  if (hold === null) throw new Refusal('malformed', 'that is no exported legal hold');
  const { fileId, sealedKey } = hold.item;
  const key = openShareKey(privateKey, 'preserved', fileId, sealedKey);
  if (key === null) throw new Refusal('forbidden', 'it is sealed to another key');
  const stream = await openStream(key, CONTEXT.share, hold.content).finally(() => wipe(key));
  if (stream === null) throw new Refusal('malformed', 'its content does not belong to its key');
  return stream;
}

/** Writes each item of a share, and its caption, into a folder. */
async function unpack(stream: OpenedStream, folder: string): Promise<void> {
  const length = frontLength(await stream.read(0, FRONT_HEAD));
  if (length === null) throw new Refusal('malformed', 'its content is no share');
  const { caption, items } = parseFront(await stream.read(0, length));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  if (caption !== '') await writeFile(path.join(folder, 'caption.txt'), caption, { mode: 0o600, flag: 'wx' });
  for (const [index, { name, type, offset, size }] of items.entries()) {
    const target = path.join(folder, `${index + 1}-${safeName(name, type)}`);
    const bytes = Readable.from(readInOrder(stream, offset, offset + size));
    await pipeline(bytes, createWriteStream(target, { mode: 0o600, flags: 'wx' }));
    print(target);
  }
}
