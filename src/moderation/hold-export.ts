/**
 * A legal hold as one file, to be carried to where the offline key is: what opens it there, and the ciphertext.
 * docs/format/moderation.md, section 9.
 *
 * What holds: the file opens with the offline key only, and names nothing but the public file ID and two dates.
 */
import { Reader, Writer } from '../base/cursor.js';
import type { ByteSource } from '../base/source.js';
import type { FileId } from '../ledger/tokens.js';
import { parseFileId } from '../ledger/tokens.js';
import type { Preserved } from './preserved.js';
import { fieldSize, readField, writeField } from './text-field.js';

const MARK = Buffer.from('chatpic legal hold 1\n', 'latin1');
const FILE_ID_LENGTH = 13;
/** More than any head has. */
const HEAD_MOST = 512;

/** What stands before the ciphertext. */
export function encodeHoldHead({ fileId, since, until, sealedKey }: Preserved): Buffer {
  const head = Buffer.alloc(MARK.length + FILE_ID_LENGTH + 8 + 8 + fieldSize(sealedKey));
  const writer = new Writer(head).bytes(MARK).bytes(Buffer.from(fileId, 'latin1')).u64(since).u64(until);
  writeField(writer, sealedKey);
  return head;
}

/** The hold that an exported file has, and its ciphertext; null where it is no such file. */
export async function parseHold(file: ByteSource): Promise<{ item: Preserved; content: ByteSource } | null> {
  const head = await file.read(0, HEAD_MOST);
  try {
    const reader = new Reader(head);
    if (!reader.bytes(MARK.length).equals(MARK)) return null;
    const fileId: FileId | null = parseFileId(reader.bytes(FILE_ID_LENGTH).toString('latin1'));
    if (fileId === null) return null;
    const item = { fileId, since: reader.u64(), until: reader.u64(), sealedKey: readField(reader) };
    return { item, content: behind(file, head.length - reader.remaining) };
  } catch {
    return null;
  }
}

function behind(file: ByteSource, start: number): ByteSource {
  return { size: file.size - start, read: (offset, length) => file.read(start + offset, length) };
}
