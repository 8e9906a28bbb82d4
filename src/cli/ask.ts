/** Passphrases of operator and staff: from a credential file, or typed at the terminal without being shown. */
import { readFile } from 'node:fs/promises';
import { secretCopy, wipe } from '../base/bytes.js';
import { StoreFault } from '../base/errors.js';

const MOST_BYTES = 1024;

/** The passphrase in UTF-8, normalised to NFKC. The caller wipes it. */
export async function askPassphrase(file: string | null, what = 'Root passphrase'): Promise<Buffer> {
  const typed = file === null ? await typedAtTerminal(what) : await fromFile(file);
  // A person may type the same words on another keyboard tomorrow. The string can't be wiped; it is dropped at once.
  const normal = Buffer.from(typed.toString('utf8').normalize('NFKC'), 'utf8');
  wipe(typed);
  return normal;
}

async function fromFile(file: string): Promise<Buffer> {
  try {
    const bytes = await readFile(file);
    const end = bytes.at(-1) === 0x0a ? bytes.length - 1 : bytes.length;
    const copy = secretCopy(bytes.subarray(0, end));
    wipe(bytes);
    return copy;
  } catch {
    throw new StoreFault(
      'root key',
      'the passphrase credential could not be read',
      'check LoadCredential= of the service',
    );
  }
}

/** Reads one line from the terminal, or from a pipe, byte by byte into memory that can be wiped. */
async function typedAtTerminal(what: string): Promise<Buffer> {
  const { stdin, stderr } = process;
  const terminal = stdin.isTTY;
  if (terminal) {
    stderr.write(`${what}: `);
    stdin.setRawMode(true);
  }
  try {
    return await readLine(stdin);
  } finally {
    if (terminal) {
      stdin.setRawMode(false);
      stderr.write('\n');
    }
    stdin.pause();
  }
}

/** What came behind a line end: the beginning of the next line, where lines come through a pipe. */
let rest: Buffer = Buffer.alloc(0);

async function readLine(stdin: NodeJS.ReadStream): Promise<Buffer> {
  const line = Buffer.from(new ArrayBuffer(MOST_BYTES));
  let length = 0;
  for (;;) {
    const piece = rest.length > 0 ? rest : await nextPiece(stdin);
    rest = Buffer.alloc(0);
    if (piece === null) return ended(line, length);
    for (const [index, byte] of piece.entries()) {
      if (byte === 0x03) throw new StoreFault('passphrase', 'no passphrase was given', 'start it again and type it');
      if (byte === 0x0a || byte === 0x0d) {
        rest = secretCopy(piece.subarray(index + 1));
        piece.fill(0);
        return ended(line, length);
      }
      if (byte === 0x7f) length = Math.max(0, length - 1);
      else if (length < MOST_BYTES) line[length++] = byte;
    }
    piece.fill(0);
  }
}

/** The next bytes of the terminal; null at its end. */
function nextPiece(stdin: NodeJS.ReadStream): Promise<Buffer | null> {
  return new Promise((resolve) => {
    const done = (piece: Buffer | null): void => {
      stdin.off('data', onData);
      stdin.off('end', onEnd);
      stdin.pause();
      resolve(piece);
    };
    const onData = (piece: Buffer): void => done(piece);
    const onEnd = (): void => done(null);
    if (stdin.readableEnded) {
      resolve(null);
      return;
    }
    stdin.once('data', onData);
    stdin.once('end', onEnd);
    stdin.resume();
  });
}

function ended(line: Buffer, length: number): Buffer {
  const copy = secretCopy(line.subarray(0, length));
  wipe(line);
  return copy;
}
