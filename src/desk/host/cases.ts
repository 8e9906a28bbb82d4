/** Flagged shares, from the senders' side: what is known of them, their ciphertext, and what becomes of them. */
import { Refusal } from '../../base/errors.js';
import type { LedgerChange, Share } from '../../ledger/ledger.js';
import { parseFileId } from '../../ledger/tokens.js';
import type { AuditAction } from '../../moderation/audit.js';
import { parseLook } from '../../moderation/ban.js';
import type { Case } from '../../moderation/case-record.js';
import type { Taken } from '../../moderation/cases.js';
import { countChange, type Counted } from '../../moderation/counters.js';
import { shred } from '../../shred/shred.js';
import { MOST_PIECE, type CaseRow, type Decided, type Door, type ShareFacts } from '../door.js';
import type { Within } from './host.js';

type Calls = Pick<
  Door,
  'queue' | 'case' | 'readEvidence' | 'viewed' | 'keep' | 'remove' | 'ban' | 'preserve' | 'removeShare'
>;

const DIGEST_LENGTH = 32;
/** Rows of one answer; the rest shows when these are done. */
const MOST_ROWS = 1000;

export function caseCalls(within: Within): Calls {
  const { moderation, register } = within;
  return {
    queue: () => Promise.resolve(moderation.queue().slice(0, MOST_ROWS).map(rowOf)),
    case: (fileId) => Promise.resolve(detailOf(within, fileId)),
    readEvidence: (fileId, offset, length) => readEvidence(within, fileId, offset, length),
    viewed: (actor, fileId) => register.note(actor, 'viewed', moderation.case(fileId)?.fileId ?? ''),
    keep: (actor, fileId) => keep(within, actor, fileId),
    remove: (actor, fileId) => removeCase(within, actor, fileId, 'removed', []),
    ban: (actor, fileId, looks, digests) => ban(within, actor, fileId, looks, digests),
    preserve: (actor, fileId, sealedKey, until) => preserve(within, actor, fileId, sealedKey, until),
    removeShare: (actor, fileId) => removeShare(within, actor, fileId),
  };
}

function rowOf({ fileId, openedAt, severity, held, reports, borderline, evidence }: Case): CaseRow {
  const reasons = { reports: [...reports], borderline: [...borderline] };
  return { fileId, openedAt, severity, held, ...reasons, evidence: evidence !== null };
}

function detailOf(within: Within, fileId: string): Awaited<ReturnType<Door['case']>> {
  const { moderation } = within;
  const item = moderation.case(fileId);
  if (item === null) return null;
  const evidence = moderation.openEvidence(fileId);
  const size = evidence?.content.size ?? 0;
  evidence?.close();
  const held = evidence === null ? null : item.evidence;
  const sealed = held === null ? null : { sealedKey: held.sealedKey, size, until: held.until };
  return { ...rowOf(item), notes: item.notes, share: factsOf(within, liveShare(within, fileId)), sealed };
}

function factsOf({ arena }: Within, share: Share | null): ShareFacts | null {
  if (share === null) return null;
  const { expiresAt, mode, viewsLeft, opened, held, hasPassphrase, units } = share;
  return { expiresAt, mode, viewsLeft, opened, held, hasPassphrase, storedBytes: units.length * arena.unitBytes };
}

function liveShare({ ledger }: Within, text: string): Share | null {
  const fileId = parseFileId(text);
  return fileId === null ? null : ledger.findByFileId(fileId);
}

async function readEvidence(
  { moderation }: Within,
  id: string,
  offset: number,
  length: number,
): Promise<Buffer | null> {
  if (offset < 0 || length < 0 || length > MOST_PIECE) throw new Refusal('malformed', 'a piece that is none');
  const evidence = moderation.openEvidence(id);
  try {
    return evidence === null || offset >= evidence.content.size ? null : await evidence.content.read(offset, length);
  } finally {
    evidence?.close();
  }
}

async function keep(within: Within, actor: string, fileId: string): Promise<Decided> {
  const { ledger, register } = within;
  const share = liveShare(within, fileId);
  const held = share?.held === true;
  const counted: Counted[] = held ? ['released'] : [];
  return decide(within, actor, fileId, held ? 'released' : 'kept', counted, async (changes) => {
    const released = held && (await ledger.setHeld(share, false, changes)) !== null;
    // It may have died in between; the case ends all the same.
    return released || register.make(changes);
  });
}

function removeCase(
  within: Within,
  actor: string,
  fileId: string,
  action: AuditAction,
  counted: readonly Counted[],
  before: () => Promise<void> = () => Promise.resolve(),
): Promise<Decided> {
  const { ledger, moderation, register } = within;
  const share = liveShare(within, fileId);
  const reported = share !== null && (moderation.case(fileId)?.reports.size ?? 0) > 0;
  const all: readonly Counted[] = reported ? ['removedAfterReport', ...counted] : counted;
  return decide(within, actor, fileId, action, all, async (changes) => {
    await before();
    return (share !== null && (await shred(ledger, share, 'moderated', changes))) || register.make(changes);
  });
}

function ban(
  within: Within,
  actor: string,
  fileId: string,
  looks: readonly Buffer[],
  digests: readonly Buffer[],
): Promise<Decided> {
  const parsed = looks.map(parseLook).filter((look) => look !== null);
  if (parsed.length !== looks.length || digests.some(({ length }) => length !== DIGEST_LENGTH))
    throw new Refusal('malformed', 'hashes that are none');
  const content = { looks: parsed, sha256: digests };
  // First the ban: after a crash in between it is refused here and still in the queue, not gone and free to come back.
  return removeCase(within, actor, fileId, 'removed-and-banned', ['bans'], () => within.moderation.lists.ban(content));
}

async function preserve(within: Within, actor: string, id: string, sealedKey: Buffer, until: number): Promise<Decided> {
  const { ledger, moderation, register } = within;
  const item = moderation.case(id);
  if (item === null) return { done: false };
  const { fileId, reports } = item;
  const reported = reports.size > 0 && liveShare(within, fileId) !== null;
  const counts = reported ? [countChange('removedAfterReport', ledger.now())] : [];
  const hold = { fileId, sealedKey, until };
  return {
    done: await register.write(actor, 'preserved', fileId, (entry) => moderation.preserve(hold, [...counts, ...entry])),
  };
}

async function removeShare(within: Within, actor: string, fileId: string): Promise<Decided> {
  const { ledger, moderation, register } = within;
  if (moderation.case(fileId) !== null && liveShare(within, fileId) !== null)
    return removeCase(within, actor, fileId, 'removed-by-file-id', []);
  const share = liveShare(within, fileId);
  if (share === null) return { done: false };
  const make = (entry: readonly LedgerChange[]): Promise<boolean> => shred(ledger, share, 'taken-down', entry);
  return { done: await register.write(actor, 'removed-by-file-id', fileId, make) };
}

/** Takes a case out of the queue and ends it with whatever `make` does, or puts it back. */
async function decide(
  { ledger, moderation, register }: Within,
  actor: string,
  fileId: string,
  action: AuditAction,
  counted: readonly Counted[],
  make: (changes: readonly LedgerChange[]) => Promise<boolean>,
): Promise<Decided> {
  const taken: Taken | null = moderation.takeCase(fileId);
  if (taken === null) return { done: false };
  const counts = counted.map((what) => countChange(what, ledger.now()));
  try {
    const done = await register.write(actor, action, fileId, (entry) => make([...taken.changes, ...counts, ...entry]));
    return { done };
  } catch (error) {
    taken.undo();
    throw error;
  }
}
