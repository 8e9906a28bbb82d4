/**
 * The door of the room: everything that moderation keeps, opened on the ledger's books, and what the senders' process may do
 * with it. It looks at uploads, takes reports and letters in, and counts. It can seal to the staff and never open.
 */
import { Refusal } from '../base/errors.js';
import { MINUTE } from '../base/units.js';
import { FileDigester } from '../crypto/file-digests.js';
import { readInOrder, type ByteSource } from '../base/source.js';
import type { Ledger, LedgerChange, Share } from '../ledger/ledger.js';
import { parseFileId, parseLinkToken } from '../ledger/tokens.js';
import type { Arena } from '../store/arena.js';
import { Accounts } from './accounts.js';
import { BlockLists, type FileDigests } from './block-list.js';
import { SPACE } from './book.js';
import { Cases, type Begun, type EvidenceOffer, type Flag, type Flagged, type Taken } from './cases.js';
import type { Case, ReportReason } from './case-record.js';
import { startClassifier, type Classifier } from './classifier/classifier.js';
import type { RgbPicture } from './classifier/tensor.js';
import { countChange, Counters, type Counted } from './counters.js';
import { heldEvidence, type HeldEvidence } from './evidence.js';
import { arenaBodies } from './list-bodies.js';
import { Notices, type Letter, type Notice, type NoticeKind } from './notices.js';
import type { LumaPlane } from './pdq.js';
import { PreservedShares } from './preserved.js';
import { redactTokens, sharesNamed } from './redact.js';
import { createReviewer, type Reviewer, type Verdict } from './verdict.js';

/** Bits in which two pictures may differ and still count as the same: the published threshold of PDQ. */
const RADIUS = 31;
const SWEEP_EVERY = MINUTE;
/** Nothing is sealed to it: without an account there is no evidence and no note. */
const NOBODY = Buffer.alloc(32);

export interface Reported {
  readonly share: Share;
  readonly reason: ReportReason;
  readonly note: string;
  /** The share's key, which lets staff see it, only read; null where the reporter's link does not open it, or not alone. */
  readonly key: Uint8Array | null;
}

/** What was borderline at upload, before it is a share. */
export interface Doubtful {
  readonly verdict: Extract<Verdict, { kind: 'borderline' }>;
  /** Whether it waits for a human. */
  readonly held: boolean;
  readonly offer: EvidenceOffer;
  /** Makes the share, with what it is given in the same commit. */
  readonly put: (also: (made: Share) => readonly LedgerChange[]) => Promise<Share>;
}

export interface LegalHold {
  readonly fileId: string;
  readonly sealedKey: Buffer;
  /** Milliseconds since 1970, on the ledger's clock. */
  readonly until: number;
}

export interface ModerationParts {
  readonly ledger: Ledger;
  readonly arena: Arena;
  readonly classifier?: Classifier;
}

export class Moderation {
  readonly lists: BlockLists;
  readonly accounts: Accounts;
  readonly counters: Counters;
  readonly preserved: PreservedShares;
  readonly classifier: Classifier;
  readonly #ledger: Ledger;
  readonly #arena: Arena;
  readonly #reviewer: Reviewer;
  #cases: Cases;
  #notices: Notices | null;
  #sealedTo: Buffer | null;
  #swept = 0;

  private constructor({ ledger, arena, classifier }: ModerationParts, lists: BlockLists) {
    this.#ledger = ledger;
    this.#arena = arena;
    this.lists = lists;
    this.accounts = new Accounts(ledger.book(SPACE.accounts));
    this.counters = new Counters(ledger.book(SPACE.counters));
    this.preserved = new PreservedShares(ledger);
    this.classifier = classifier ?? startClassifier({ modelFile: null });
    this.#reviewer = createReviewer({
      lists,
      classifier: this.classifier,
      radius: RADIUS,
      onUnchecked: () => this.#unchecked(),
    });
    this.#sealedTo = this.accounts.publicKey();
    this.#cases = this.#openCases();
    this.#notices = this.#openNotices();
  }

  /** Opens lists, cases and letters. Resolves when every list is indexed. */
  static async open(parts: ModerationParts): Promise<Moderation> {
    return new Moderation(
      parts,
      await BlockLists.load(parts.ledger.book(SPACE.lists), arenaBodies(parts.ledger, parts.arena)),
    );
  }

  /** Whether a list knows pictures by their looks: where none does, the decoder needn't draw them for it. */
  get looksAtBrightness(): boolean {
    return this.lists.wantLooks() || this.looksAtColour;
  }

  /** Whether there is a classifier that wants pictures in colour. */
  get looksAtColour(): boolean {
    return this.classifier.status.kind !== 'missing';
  }

  /** The digests that any list asks for; empty where none does, and then nothing is read. */
  async digestsOf(source: ByteSource): Promise<FileDigests> {
    const wanted = this.lists.wanted();
    if (wanted.size === 0) return {};
    const digester = new FileDigester(wanted);
    for await (const piece of readInOrder(source)) {
      digester.update(piece);
      piece.fill(0);
    }
    return digester.end();
  }

  /** Looks at an upload. What is prohibited is counted, and nothing else of it is kept. */
  async review(
    digests: readonly FileDigests[],
    lumas: readonly LumaPlane[],
    pictures: readonly RgbPicture[] = [],
  ): Promise<Verdict> {
    const verdict = await this.#reviewer.review({ digests, lumas, pictures });
    if (verdict.kind === 'prohibited') await this.counters.add('blockedAtUpload', this.#ledger.now());
    return verdict;
  }

  /** Makes a share of what was borderline at upload, and puts it before the staff with its key, in one commit. */
  async doubt({ verdict, held, offer, put }: Doubtful): Promise<Share> {
    const { reason, severity } = verdict;
    const flag: Flag = { kind: 'borderline', reason, severity, held };
    const begun: Begun[] = [];
    let committed = false;
    try {
      const share = await put(({ fileId }) => {
        const now = this.#ledger.now();
        const one = this.#flagging().begin(fileId, flag, now, this.#canSeal() ? offer : null);
        begun.push(one);
        return [...one.changes, countChange('borderline', now)];
      });
      committed = true;
      return share;
    } finally {
      for (const { settle } of begun) settle(committed);
    }
  }

  /** Takes a report in. Says whether the staff can look at the content. */
  async report({ share, reason, note, key }: Reported): Promise<{ readonly evidence: boolean }> {
    const now = this.#ledger.now();
    const cases = this.#flagging();
    const sealing = this.#canSeal();
    const flag = { kind: 'report', reason, note: sealing ? this.#redacted(note) : '' } as const;
    const hold = sealing && key !== null ? this.#ledger.hold(share) : null;
    try {
      const offer = hold === null || key === null ? null : { key, hold };
      const { evidence } = await cases.flag(share.fileId, flag, now, offer, (flagged) => countsOf(flagged, now));
      return { evidence: isSeen(evidence) };
    } finally {
      hold?.release();
    }
  }

  /** What waits for a decision: the gravest first, of equals the oldest. */
  queue(): readonly Case[] {
    return this.#cases.queue();
  }

  case(fileId: string): Case | null {
    return this.#cases.get(fileId);
  }

  /** Units that evidence keeps, and how many it may. */
  evidenceUnits(): { readonly held: number; readonly most: number } {
    return { held: this.#cases.unitsHeld(), most: this.#cases.mostUnits() };
  }

  /** The content of a flagged share, sealed; null where none is held. The caller closes it. */
  openEvidence(fileId: string): HeldEvidence | null {
    const item = this.#cases.get(fileId);
    const evidence = item?.evidence ?? null;
    const hold = item === null || evidence === null ? null : this.#ledger.holdKept(item.fileId);
    if (hold === null || evidence === null) return null;
    const lives = (): boolean =>
      evidence.until > this.#ledger.now() && this.#cases.get(fileId)?.evidence?.sealedKey === evidence.sealedKey;
    const opened = heldEvidence(this.#arena, hold, evidence.sealedKey, lives);
    if (lives()) return opened;
    opened.close();
    return null;
  }

  /** Takes a case out of the queue for the one who decides it; null = someone else was first. */
  takeCase(fileId: string): Taken | null {
    return this.#cases.take(fileId);
  }

  /** Null before there is anybody who could read letters. */
  get notices(): Notices | null {
    return this.#notices;
  }

  /**
   * Removes a flagged share and puts its content under legal hold, in one commit with `also`. `sealedKey` is its key, sealed
   * to the offline key by the one who can open it. False = someone else was first. Refuses 'forbidden' without an offline
   * key, and 'gone' where nothing of the content is held.
   */
  async preserve(hold: LegalHold, also: readonly LedgerChange[] = []): Promise<boolean> {
    if (this.preserved.offlineKey() === null) throw new Refusal('forbidden', 'there is no offline key for legal holds');
    const taken = this.#cases.take(hold.fileId);
    if (taken === null) return false;
    try {
      await this.#preserve(taken, hold, also);
      return true;
    } catch (error) {
      taken.undo();
      throw error;
    }
  }

  async #preserve({ item, keeping }: Taken, hold: LegalHold, also: readonly LedgerChange[]): Promise<void> {
    const { fileId, evidence } = item;
    const since = this.#ledger.now();
    if (evidence === null || evidence.until <= since) throw new Refusal('gone', 'nothing of its content is held');
    const changes = [...keeping, this.preserved.keeping({ ...hold, fileId, since }), ...also];
    const share = this.#ledger.findByFileId(fileId);
    const ended = share !== null && (await this.#ledger.remove(share, 'moderated', changes));
    // It was dead already, or died in between.
    if (!ended) await this.#ledger.change(changes);
  }

  /** What is under legal hold, sealed to the offline key; null where nothing is. The caller closes it. */
  openPreserved(fileId: string): HeldEvidence | null {
    const item = this.preserved.get(fileId);
    const hold = item === null ? null : this.#ledger.holdKept(item.fileId);
    if (item === null || hold === null) return null;
    return heldEvidence(this.#arena, hold, item.sealedKey, () => this.preserved.get(fileId) !== null);
  }

  /** Ends a case: its evidence is let go. Null = someone else was first. The share itself stays as it is. */
  endCase(fileId: string): Promise<Case | null> {
    return this.#cases.decide(fileId);
  }

  /** Takes a letter in, sealed to the staff. Refuses 'busy' where there is nobody yet who could read it. */
  async letter(letter: Omit<Letter, 'fileIds'>): Promise<Notice> {
    this.#flagging();
    if (this.#notices === null) throw nobodyYet();
    const now = this.#ledger.now();
    const fileIds = sharesNamed(letter.text, (token) => this.#fileIdOf(token));
    const known = fileIds.filter((fileId) => parseFileId(fileId) !== null);
    const notice = await this.#notices.receive({ ...letter, fileIds: known, text: this.#redacted(letter.text) }, now);
    const counted = COUNTED_AS[letter.kind];
    if (counted !== null) await this.counters.add(counted, now);
    return notice;
  }

  /** Called each second; drops evidence and letters whose time is over. */
  async sweep(now: number): Promise<void> {
    if (now - this.#swept < SWEEP_EVERY) return;
    this.#swept = now;
    await this.#cases.sweep(now, (text) => {
      const fileId = parseFileId(text);
      return fileId !== null && this.#ledger.findByFileId(fileId) !== null;
    });
    await this.preserved.sweep(now);
    await this.#notices?.sweep(now);
  }

  close(): Promise<void> {
    return this.classifier.close();
  }

  /** An upload that a configured model should have seen, and did not. A count that fails is no reason to refuse it. */
  #unchecked(): void {
    this.counters.add('unchecked', this.#ledger.now()).catch(() => undefined);
  }

  #canSeal(): boolean {
    return this.#sealedTo !== null;
  }

  /** The cases, sealed to the staff's key as it is now: the first account may have been made since the start. */
  #flagging(): Cases {
    if (this.#sealedTo === null) {
      this.#sealedTo = this.accounts.publicKey();
      if (this.#sealedTo !== null) {
        this.#cases = this.#openCases();
        this.#notices = this.#openNotices();
      }
    }
    return this.#cases;
  }

  #openCases(): Cases {
    return new Cases({
      ledger: this.#ledger,
      staffKey: this.#sealedTo ?? NOBODY,
      isPreserved: (fileId) => this.preserved.get(fileId) !== null,
      arenaUnits: () => this.#arena.capacity().total,
    });
  }

  #openNotices(): Notices | null {
    return this.#sealedTo === null ? null : new Notices(this.#ledger.book(SPACE.notices), this.#sealedTo);
  }

  #redacted(text: string): string {
    return redactTokens(text, (token) => this.#fileIdOf(token));
  }

  #fileIdOf(text: string): string | null {
    const token = parseLinkToken(text);
    return token === null ? null : (this.#ledger.find(token)?.fileId ?? null);
  }
}

/** A flood of reports on one share is one report. */
function countsOf({ opened, evidence }: Flagged, now: number): readonly LedgerChange[] {
  if (!opened) return [];
  const unseen = isSeen(evidence) ? [] : [countChange('reportsWithoutEvidence', now)];
  return [countChange('reports', now), ...unseen];
}

function isSeen(evidence: Flagged['evidence']): boolean {
  return evidence === 'held' || evidence === 'held-before';
}

/** The row of the report in which a letter counts. */
const COUNTED_AS: Readonly<Record<NoticeKind, Counted | null>> = {
  copyright: 'takedowns',
  'intimate-image': 'takedowns',
  'counter-notice': null,
  authority: 'authorityRequests',
  contact: null,
};

function nobodyYet(): Refusal {
  return new Refusal('busy', 'nobody can read letters here yet: the operator has made no staff account', {
    seconds: 3600,
  });
}
