/**
 * The queue: every share that was flagged, by reports or at upload, until a human has decided.
 *
 * What holds, and why:
 * - One share is one case, however often it is reported: further reports add a reason, never a rank.
 * - Nothing is removed by being here; `held` is set by the checks at upload alone.
 * - Evidence exists for flagged shares only, for 72 hours, and for all of them together within 5 % of the arena. What is
 *   over it is a case without evidence, never a refused report. The units of its content are kept in the commit that makes
 *   the record, and let go in the one that ends it, whether or not the share lives.
 * - Of two who decide the same case one does: the decision is taken in memory before anything is written.
 * Knows nothing of: links, secrets, what is in a share.
 */
import { HOUR } from '../base/units.js';
import type { Ledger, LedgerChange } from '../ledger/ledger.js';
import type { FileId } from '../ledger/tokens.js';
import type { Hold } from '../store/arena.js';
import { SPACE } from './book.js';
import { encodeCase, parseCase, type Case, type ReportReason } from './case-record.js';
import { sealShareKey, sealText } from './staff-seal.js';
import { cutText } from './text-field.js';
import type { BorderlineReason, Severity } from './verdict.js';

export const EVIDENCE_TIME = 72 * HOUR;
/** All evidence together keeps at most this part of the arena from being used again. */
export const EVIDENCE_PART = 0.05;
/** Characters of an optional sentence. */
export const NOTE_LENGTH = 500;
const NOTES_KEPT = 3;

export type Flag =
  | { readonly kind: 'report'; readonly reason: ReportReason; readonly note: string }
  | {
      readonly kind: 'borderline';
      readonly reason: BorderlineReason;
      readonly severity: Severity;
      readonly held: boolean;
    };

/** What the one who flags has at hand: the share's key, only read, and a hold on its units, the caller's to release. */
export interface EvidenceOffer {
  readonly key: Uint8Array;
  readonly hold: Hold;
}

export interface Flagged {
  /** False where the share was in the queue already. */
  readonly opened: boolean;
  readonly evidence: 'held' | 'held-before' | 'none-offered' | 'no-room';
}

/** A flag that is to be committed. */
export interface Begun extends Flagged {
  readonly changes: readonly LedgerChange[];
  /** Says, once, whether they were. Until then the case stands in the queue as if they had been. */
  readonly settle: (committed: boolean) => void;
}

/** A case that was taken out of the queue by the one who decides it. */
export interface Taken {
  readonly item: Case;
  /** What ends it, its evidence too. */
  readonly changes: readonly LedgerChange[];
  /** What ends it and leaves the units of its content kept: for a legal hold. */
  readonly keeping: readonly LedgerChange[];
  /** Puts it back, where the decision could not be committed. */
  readonly undo: () => void;
}

export interface CasesOptions {
  readonly ledger: Pick<Ledger, 'book' | 'change' | 'keptUnits'>;
  readonly staffKey: Uint8Array;
  /** Whether a share is under legal hold. */
  readonly isPreserved: (fileId: string) => boolean;
  /** Units of the arena in all. */
  readonly arenaUnits: () => number;
}

const REPORT_SEVERITY: Readonly<Record<ReportReason, Severity>> = {
  minors: 3,
  violence: 2,
  intimate: 3,
  personal: 2,
  copyright: 1,
  malware: 2,
  other: 1,
};

export class Cases {
  readonly #options: CasesOptions;
  readonly #open: Map<string, Case>;
  /** Units that are about to be kept. */
  #begun = 0;

  constructor(options: CasesOptions) {
    this.#options = options;
    const cases = options.ledger
      .book(SPACE.cases)
      .entries()
      .map(({ key, value }) => parseCase(key.toString('latin1') as FileId, value));
    this.#open = new Map(cases.map((item) => [item.fileId, item]));
  }

  /** Puts a share into the queue, or adds to its case, together with `also`. Resolves when durable. */
  async flag(
    fileId: FileId,
    flag: Flag,
    now: number,
    offer: EvidenceOffer | null,
    also: (flagged: Flagged) => readonly LedgerChange[] = () => [],
  ): Promise<Flagged> {
    const { changes, settle, ...flagged } = this.begin(fileId, flag, now, offer);
    let committed = false;
    try {
      await this.#options.ledger.change([...changes, ...also(flagged)]);
      committed = true;
    } finally {
      settle(committed);
    }
    return flagged;
  }

  /** The same, for a caller who commits the changes together with others. */
  begin(fileId: FileId, flag: Flag, now: number, offer: EvidenceOffer | null): Begun {
    const before = this.#open.get(fileId) ?? null;
    const base = before ?? emptyCase(fileId, now);
    const { evidence, outcome } = this.#evidence(base, now, offer);
    const after: Case = { ...(flag.kind === 'report' ? this.#reported(base, flag) : doubted(base, flag)), evidence };
    const keeping: readonly LedgerChange[] =
      outcome === 'held' && offer !== null ? [{ kind: 'keep', fileId, hold: offer.hold }] : [];
    const units = keeping.length > 0 ? (evidence?.units ?? 0) : 0;
    this.#open.set(fileId, after);
    this.#begun += units;
    const settle = (committed: boolean): void => {
      this.#begun -= units;
      if (!committed && this.#open.get(fileId) === after) this.#restore(fileId, before);
    };
    return { opened: before === null, evidence: outcome, changes: [putCase(after), ...keeping], settle };
  }

  get(fileId: string): Case | null {
    return this.#open.get(fileId) ?? null;
  }

  /** The gravest first, of equals the oldest. */
  queue(): readonly Case[] {
    return [...this.#open.values()].sort((a, b) => b.severity - a.severity || a.openedAt - b.openedAt);
  }

  /** Units that evidence keeps, those under legal hold included: what counts towards the bound. */
  unitsHeld(): number {
    return this.#options.ledger.keptUnits + this.#begun;
  }

  mostUnits(): number {
    return Math.floor(this.#options.arenaUnits() * EVIDENCE_PART);
  }

  /** Takes a case out of the queue at once, to decide it. Null = someone else was first, or there is none. */
  take(fileId: string): Taken | null {
    const item = this.#open.get(fileId);
    if (item === undefined) return null;
    this.#open.delete(fileId);
    const undo = (): void => {
      if (!this.#open.has(fileId)) this.#open.set(fileId, item);
    };
    return { item, changes: [deleteCase(fileId), ...this.#letGo(item)], keeping: [deleteCase(fileId)], undo };
  }

  /** Ends a case; the evidence goes with it. Null = someone else was first. Resolves when durable. */
  async decide(fileId: string): Promise<Case | null> {
    const taken = this.take(fileId);
    if (taken === null) return null;
    try {
      await this.#options.ledger.change(taken.changes);
    } catch (error) {
      taken.undo();
      throw error;
    }
    return taken.item;
  }

  /**
   * Drops evidence whose time is over, and cases with nothing left to decide about: no evidence and a share that is no
   * more. Says of which shares the evidence went.
   */
  async sweep(now: number, isLive: (fileId: string) => boolean): Promise<readonly string[]> {
    const over = [...this.#open.values()].filter(({ evidence }) => evidence !== null && evidence.until <= now);
    for (const item of over) {
      const without = { ...item, evidence: null };
      this.#open.set(item.fileId, without);
      await this.#options.ledger.change([putCase(without), ...this.#letGo(item)]);
    }
    for (const { fileId, evidence } of [...this.#open.values()]) {
      if (evidence === null && !isLive(fileId)) await this.decide(fileId);
    }
    return over.map(({ fileId }) => fileId);
  }

  /** Under legal hold the units stay, whatever becomes of a case that was opened on the way there. */
  #letGo({ fileId, evidence }: Case): readonly LedgerChange[] {
    return evidence === null || this.#options.isPreserved(fileId) ? [] : [{ kind: 'let-go', fileId }];
  }

  #restore(fileId: string, before: Case | null): void {
    if (before === null) this.#open.delete(fileId);
    else this.#open.set(fileId, before);
  }

  #evidence(
    item: Case,
    now: number,
    offer: EvidenceOffer | null,
  ): Pick<Case, 'evidence'> & { outcome: Flagged['evidence'] } {
    if (item.evidence !== null) return { evidence: item.evidence, outcome: 'held-before' };
    if (offer === null) return { evidence: null, outcome: 'none-offered' };
    const room = this.mostUnits() - this.unitsHeld();
    const units = offer.hold.units.length;
    if (units > room) return { evidence: null, outcome: 'no-room' };
    const sealedKey = sealShareKey(this.#options.staffKey, 'key', item.fileId, offer.key);
    return { evidence: { sealedKey, units, until: now + EVIDENCE_TIME }, outcome: 'held' };
  }

  #reported(item: Case, { reason, note }: Extract<Flag, { kind: 'report' }>): Case {
    const text = cutText(note.trim(), NOTE_LENGTH);
    const keep = text !== '' && item.notes.length < NOTES_KEPT;
    const notes = keep ? [...item.notes, sealText(this.#options.staffKey, item.fileId, text)] : item.notes;
    const severity = graver(item.severity, REPORT_SEVERITY[reason]);
    return { ...item, notes, severity, reports: new Set([...item.reports, reason]) };
  }
}

function doubted(item: Case, { reason, severity, held }: Extract<Flag, { kind: 'borderline' }>): Case {
  const borderline = new Set([...item.borderline, reason]);
  return { ...item, borderline, held: item.held || held, severity: graver(item.severity, severity) };
}

function graver(a: Severity, b: Severity): Severity {
  return a > b ? a : b;
}

function emptyCase(fileId: FileId, openedAt: number): Case {
  const none = { reports: new Set<ReportReason>(), borderline: new Set<BorderlineReason>(), notes: [], evidence: null };
  return { fileId, openedAt, severity: 1, held: false, ...none };
}

function putCase(item: Case): LedgerChange {
  return { kind: 'put', space: SPACE.cases, key: keyOf(item.fileId), value: encodeCase(item) };
}

function deleteCase(fileId: string): LedgerChange {
  return { kind: 'delete', space: SPACE.cases, key: keyOf(fileId) };
}

function keyOf(fileId: string): Buffer {
  return Buffer.from(fileId, 'latin1');
}
