/**
 * The names that people hold: link token, deletion token, public file ID. Minted and parsed here and nowhere else.
 *
 * A link token has 16 characters of 62 (95 bits), a deletion token 24 (142 bits), drawn without bias. Neither is ever
 * stored: the ledger keeps keyed hashes of them. The file ID is public and names a share to the staff.
 */
import type { Brand } from '../base/brand.js';
import { ALPHANUMERIC, LOWER_ALPHANUMERIC, randomToken } from '../crypto/random.js';

export type LinkToken = Brand<string, 'LinkToken'>;
export type DeletionToken = Brand<string, 'DeletionToken'>;
export type FileId = Brand<string, 'FileId'>;

const LINK_LENGTH = 16;
const DELETION_LENGTH = 24;
const FILE_ID_PREFIX = 'cp-';
const FILE_ID_LENGTH = 10;
const LINK = /^[0-9A-Za-z]{16}$/;
const DELETION = /^[0-9A-Za-z]{24}$/;
const FILE_ID = /^cp-[0-9a-z]{10}$/;

/** Null = malformed. */
export function parseLinkToken(text: string): LinkToken | null {
  return LINK.test(text) ? (text as LinkToken) : null;
}

/** Null = malformed. */
export function parseDeletionToken(text: string): DeletionToken | null {
  return DELETION.test(text) ? (text as DeletionToken) : null;
}

/** Null = malformed. */
export function parseFileId(text: string): FileId | null {
  return FILE_ID.test(text) ? (text as FileId) : null;
}

export function mintLinkToken(): LinkToken {
  return randomToken(LINK_LENGTH, ALPHANUMERIC) as LinkToken;
}

export function mintDeletionToken(): DeletionToken {
  return randomToken(DELETION_LENGTH, ALPHANUMERIC) as DeletionToken;
}

export function mintFileId(): FileId {
  return `${FILE_ID_PREFIX}${randomToken(FILE_ID_LENGTH, LOWER_ALPHANUMERIC)}` as FileId;
}
