/**
 * What the desk's process may ask of the senders' process: all of it, and nothing else passes between them.
 *
 * What holds (invariant 23): no link, no deletion token, no share's secret S and no key of a share passes in either
 * direction, only ciphertext and sealed keys of shares that were flagged, rows that are sealed to the staff, and public
 * names. The staff's private key and the passphrases that open it stay in the desk's process.
 * What does not hold: the senders' process believes the desk in who is signed in. Whoever has taken the desk's process
 * over can decide in anybody's name, and see what was flagged; nothing more.
 *
 * Arguments are strings, numbers and bytes only: the other side checks them against `SHAPES` before anything is done.
 * `actor` is the name of the account that is signed in; times are milliseconds since 1970 of the store's clock. A promise
 * that resolves to a decision is durable, its entry in the audit trail included, both in one commit.
 */
import type { AuditEntry } from '../moderation/audit.js';
import type { ListInfo } from '../moderation/block-list-format.js';
import type { ListState } from '../moderation/block-list.js';
import type { ReportReason } from '../moderation/case-record.js';
import type { ClassifierStatus } from '../moderation/classifier/classifier.js';
import type { Counted, QuarterCounts } from '../moderation/counters.js';
import type { Notice, Outcome } from '../moderation/notices.js';
import type { BorderlineReason, Severity } from '../moderation/verdict.js';

/** What stands at the head of each page. */
export interface DeskState {
  readonly now: number;
  readonly siteName: string;
  readonly classifier: ClassifierStatus;
  readonly cases: number;
  readonly letters: number;
  /** Letters whose time to answer is over. */
  readonly overdue: number;
  /** Units of the arena that evidence keeps, and may keep. */
  readonly evidenceUnits: number;
  readonly evidenceRoom: number;
  /** False before the operator has made the first account. */
  readonly staffed: boolean;
  /** X25519, 32 bytes: what is put under legal hold is sealed to it. Null where the operator has none. */
  readonly offlineKey: Buffer | null;
  /** Days that a legal hold lasts unless somebody says otherwise. */
  readonly holdDays: number;
  /** The last hash of the audit trail; null = the trail does not hold together, and nothing is decided. */
  readonly trail: Buffer | null;
  /** Whether what is borderline waits for a human before it is served. */
  readonly holdsBorderline: boolean;
}

export interface AccountRows {
  /** The staff's X25519 key; null before the first account. */
  readonly publicKey: Buffer | null;
  readonly rows: readonly { readonly name: string; readonly row: Buffer }[];
}

export interface CaseRow {
  readonly fileId: string;
  readonly openedAt: number;
  readonly severity: Severity;
  readonly held: boolean;
  readonly reports: readonly ReportReason[];
  readonly borderline: readonly BorderlineReason[];
  /** False where there is nothing to look at: it can be kept or removed unseen. */
  readonly evidence: boolean;
}

/** What is known of a flagged share. */
export interface CaseDetail extends CaseRow {
  /** Sealed to the staff under the file ID. */
  readonly notes: readonly Buffer[];
  /** The share as it is now; null = its link is dead. */
  readonly share: ShareFacts | null;
  readonly sealed: SealedEvidence | null;
}

export interface ShareFacts {
  readonly expiresAt: number | null;
  readonly mode: 'timed' | 'burn' | 'never';
  readonly viewsLeft: number | null;
  readonly opened: boolean;
  readonly held: boolean;
  readonly hasPassphrase: boolean;
  /** Bytes that it takes in the store, in whole units. */
  readonly storedBytes: number;
}

export interface SealedEvidence {
  /** The share's key, sealed to the staff under the file ID. */
  readonly sealedKey: Buffer;
  /** Bytes of ciphertext, to be read with `readEvidence`. */
  readonly size: number;
  readonly until: number;
}

/** A letter as it stands in the book, its text sealed to the staff under its reference. */
export type LetterRow = Omit<Notice, 'sealedText'>;

export interface LetterDetail extends LetterRow {
  readonly sealedText: Buffer;
  /** Which of the shares that it names are live. */
  readonly live: readonly string[];
}

export interface ListsState {
  readonly lists: readonly ListState[];
  /** The site's own bans, by the hash that a ban is known by. */
  readonly bannedLooks: readonly Buffer[];
  readonly bannedFiles: readonly Buffer[];
}

export interface CountsState {
  readonly now: number;
  /** Exact, of the quarter under way. */
  readonly running: Readonly<Record<Counted, number>>;
  /** As the public sees them. */
  readonly published: readonly QuarterCounts[];
}

export interface TrailPage {
  readonly entries: readonly AuditEntry[];
  readonly head: Buffer;
  /** The number to ask for next; null = these were the oldest. */
  readonly before: number | null;
}

/** `done` is false where someone else was first. */
export interface Decided {
  readonly done: boolean;
}

export interface Door {
  state(): Promise<DeskState>;

  accounts(): Promise<AccountRows>;
  /** Writes the row of an account: the private key as its passphrase seals it. Refuses the first account. */
  putAccount(actor: string, name: string, row: Buffer): Promise<void>;
  /** False = there is none. Refuses to remove the last one. */
  removeAccount(actor: string, name: string): Promise<boolean>;
  signedIn(actor: string): Promise<void>;

  /** The gravest first, of equals the oldest. */
  queue(): Promise<readonly CaseRow[]>;
  case(fileId: string): Promise<CaseDetail | null>;
  /** Ciphertext of a flagged share; at most `MOST_PIECE` bytes. Null = it is not held, or no longer. */
  readEvidence(fileId: string, offset: number, length: number): Promise<Buffer | null>;
  /** Writes down that `actor` sees the content, before it is shown. */
  viewed(actor: string, fileId: string): Promise<void>;
  /** Ends a case and lets the share be; one that was held is served from now on. */
  keep(actor: string, fileId: string): Promise<Decided>;
  remove(actor: string, fileId: string): Promise<Decided>;
  /** A look is the PDQ hash of a picture or frame, 32 bytes, then those of its crops; a digest is a SHA-256. */
  ban(actor: string, fileId: string, looks: readonly Buffer[], digests: readonly Buffer[]): Promise<Decided>;
  /** `sealedKey` is the share's key sealed to the offline key, `until` the end of the hold. */
  preserve(actor: string, fileId: string, sealedKey: Buffer, until: number): Promise<Decided>;
  /** Ends a share by its public name, without looking. False = there is none of this name. */
  removeShare(actor: string, fileId: string): Promise<Decided>;

  /** What waits for an answer: the overdue first. */
  letters(): Promise<readonly LetterRow[]>;
  letter(reference: string): Promise<LetterDetail | null>;
  answerLetter(actor: string, reference: string, outcome: Exclude<Outcome, 'open'>): Promise<Decided>;

  lists(): Promise<ListsState>;
  /** The next piece of the hashes of a list (`encodeHashes`) that `addList` will add; the first one begins anew. */
  listPiece(offset: number, bytes: Buffer): Promise<void>;
  addList(actor: string, name: string, reason: ListInfo['reason'], action: ListInfo['action']): Promise<ListState>;
  removeList(actor: string, id: number): Promise<boolean>;
  liftBan(actor: string, kind: 'pdq' | 'sha256', hash: Buffer): Promise<boolean>;

  counts(): Promise<CountsState>;
  /** The trail, the latest first; `before` = the number to begin below, -1 for the newest. */
  trail(before: number): Promise<TrailPage>;
}

export type DoorCall = keyof Door;

/** Bytes of one piece, up or down. */
export const MOST_PIECE = 512 * 1024;

/** What the arguments of each call are made of. A number is whole; `blobs` is a list of runs of bytes. */
export type Shape = 'text' | 'number' | 'bytes' | 'blobs';
export const SHAPES: Readonly<Record<DoorCall, readonly Shape[]>> = {
  state: [],
  accounts: [],
  putAccount: ['text', 'text', 'bytes'],
  removeAccount: ['text', 'text'],
  signedIn: ['text'],
  queue: [],
  case: ['text'],
  readEvidence: ['text', 'number', 'number'],
  viewed: ['text', 'text'],
  keep: ['text', 'text'],
  remove: ['text', 'text'],
  ban: ['text', 'text', 'blobs', 'blobs'],
  preserve: ['text', 'text', 'bytes', 'number'],
  removeShare: ['text', 'text'],
  letters: [],
  letter: ['text'],
  answerLetter: ['text', 'text', 'text'],
  lists: [],
  listPiece: ['number', 'bytes'],
  addList: ['text', 'text', 'text', 'text'],
  removeList: ['text', 'number'],
  liftBan: ['text', 'text', 'bytes'],
  counts: [],
  trail: ['number'],
};
