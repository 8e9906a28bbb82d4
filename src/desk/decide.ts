/** What becomes of a flagged share. The senders' process does it, and writes it down, in one commit. */
import { Refusal } from '../base/errors.js';
import { DAY } from '../base/units.js';
import { encodeLook } from '../moderation/ban.js';
import type { CaseDetail, Decided, SealedEvidence } from './door.js';
import type { Desk } from './desk.js';
import { OpenedItem, resealToOffline } from './evidence.js';
import type { Session } from './sessions.js';

export const DECISIONS = ['keep', 'remove', 'ban', 'preserve'] as const;
export type Decision = (typeof DECISIONS)[number];
/** Days for which something may be put under legal hold. */
const MOST_HOLD_DAYS = 3650;

const DONE: Readonly<Record<Decision, string>> = {
  keep: 'stays as it is.',
  remove: 'is removed: its link is dead.',
  ban: 'is removed, its link is dead, and the same content is refused from now on.',
  preserve: 'is removed, its link is dead, and its content is kept under the offline key.',
};

/** Does what the form says. Returns the sentence to be told. Refuses what is no decision, or is not possible here. */
export async function decide(desk: Desk, session: Session, fileId: string, fields: URLSearchParams): Promise<string> {
  const decision = DECISIONS.find((one) => one === fields.get('decision'));
  if (decision === undefined) throw new Refusal('malformed', 'choose what is to become of it');
  const detail = await desk.door.case(fileId);
  const { done } = detail === null ? { done: false } : await carryOut(desk, session, detail, decision, fields);
  desk.sessions.closeItem(fileId);
  desk.claims.drop(fileId);
  return done ? `${fileId} ${DONE[decision]}` : `${fileId} was decided by somebody else a moment ago.`;
}

async function carryOut(
  desk: Desk,
  session: Session,
  detail: CaseDetail,
  decision: Decision,
  fields: URLSearchParams,
): Promise<Decided> {
  const { door } = desk;
  const { fileId } = detail;
  const { name } = session;
  switch (decision) {
    case 'keep':
      return door.keep(name, fileId);
    case 'remove':
      return door.remove(name, fileId);
    case 'ban': {
      const { looks, digests } = await bannedOf(desk, session, fileId, evidenceOf(detail));
      return door.ban(name, fileId, looks, digests);
    }
    case 'preserve': {
      const { offlineKey, now } = await door.state();
      if (offlineKey === null) throw new Refusal('forbidden', 'the operator has no offline key for legal holds');
      const sealedKey = resealToOffline(session.privateKey, offlineKey, fileId, evidenceOf(detail));
      if (sealedKey === null) throw new Refusal('gone', 'it does not open with this key');
      return door.preserve(name, fileId, sealedKey, now + daysOf(fields) * DAY);
    }
  }
}

function evidenceOf({ sealed }: CaseDetail): SealedEvidence {
  if (sealed === null) throw new Refusal('gone', 'nothing of its content is held: it can only be kept or removed');
  return sealed;
}

async function bannedOf(
  { door, decoder }: Desk,
  session: Session,
  fileId: string,
  sealed: SealedEvidence,
): Promise<{ looks: Buffer[]; digests: readonly Buffer[] }> {
  const item = await OpenedItem.open(door, decoder, session.privateKey, fileId, sealed);
  if (item === null) throw new Refusal('gone', 'it does not open with this key');
  try {
    const { looks, digests } = await item.banned();
    return { looks: looks.map(encodeLook), digests };
  } finally {
    item.close();
  }
}

function daysOf(fields: URLSearchParams): number {
  const days = Number(fields.get('days'));
  if (Number.isSafeInteger(days) && days >= 1 && days <= MOST_HOLD_DAYS) return days;
  throw new Refusal('malformed', `a legal hold lasts 1 to ${MOST_HOLD_DAYS} days`);
}
