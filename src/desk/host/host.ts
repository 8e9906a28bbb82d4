/**
 * The senders' side of the door: does what the desk asks of moderation and the ledger. Everything of one subject is in one
 * file beside this one.
 *
 * What holds: ciphertext is handed out of shares that are flagged, and of no others; a decision, its entry in the trail and
 * its count are one commit; of two who decide the same thing one does. It can seal to the staff and never open.
 */
import type { Ledger } from '../../ledger/ledger.js';
import { AuditTrail } from '../../moderation/audit.js';
import { SPACE } from '../../moderation/book.js';
import { COUNTED, type Counted } from '../../moderation/counters.js';
import type { Moderation } from '../../moderation/moderation.js';
import { isOverdue } from '../../moderation/notices.js';
import type { Arena } from '../../store/arena.js';
import type { CountsState, DeskState, Door, TrailPage } from '../door.js';
import { accountCalls } from './accounts.js';
import { caseCalls } from './cases.js';
import { letterCalls } from './letters.js';
import { listCalls } from './lists.js';
import { Register } from './register.js';

const ENTRIES_A_PAGE = 100;

export interface HostParts {
  readonly ledger: Ledger;
  readonly arena: Arena;
  readonly moderation: Moderation;
  readonly siteName: string;
  readonly holdsBorderline: boolean;
  /** Days that a legal hold lasts unless somebody says otherwise. */
  readonly holdDays: number;
}

/** Opens the trail and the door over it. */
export async function openHost(parts: HostParts): Promise<Door> {
  const register = new Register(parts.ledger, await AuditTrail.open(parts.ledger.book(SPACE.audit)));
  const within: Within = { ...parts, register };
  return {
    ...accountCalls(within),
    ...caseCalls(within),
    ...letterCalls(within),
    ...listCalls(within),
    state: () => Promise.resolve(stateOf(within)),
    counts: () => Promise.resolve(countsOf(within)),
    trail: (before) => Promise.resolve(pageOf(register, before)),
  };
}

/** What the calls work with. */
export interface Within extends HostParts {
  readonly register: Register;
}

function stateOf({ ledger, moderation, siteName, holdsBorderline, holdDays, register }: Within): DeskState {
  const now = ledger.now();
  const letters = moderation.notices?.open() ?? [];
  const { held, most } = moderation.evidenceUnits();
  return {
    now,
    siteName,
    classifier: moderation.classifier.status,
    cases: moderation.queue().length,
    letters: letters.length,
    overdue: letters.filter((letter) => isOverdue(letter, now)).length,
    evidenceUnits: held,
    evidenceRoom: most,
    staffed: moderation.accounts.publicKey() !== null,
    offlineKey: moderation.preserved.offlineKey(),
    holdDays,
    trail: register.head,
    holdsBorderline,
  };
}

function countsOf({ ledger, moderation: { counters } }: Within): CountsState {
  const now = ledger.now();
  const running = Object.fromEntries(COUNTED.map((what) => [what, counters.exact(what, now)]));
  return { now, running: running as Record<Counted, number>, published: counters.report(now) };
}

function pageOf(register: Register, before: number): TrailPage {
  const entries = register.entries().filter(({ number }) => before < 0 || number < before);
  const page = entries.slice(0, ENTRIES_A_PAGE);
  const last = page.at(-1)?.number ?? 0;
  return { entries: page, head: register.head ?? Buffer.alloc(0), before: last > 0 ? last : null };
}
