/** Letters, from the senders' side: rows and sealed texts, and that they were answered. */
import { parseFileId } from '../../ledger/tokens.js';
import { Refusal } from '../../base/errors.js';
import { countChange, type Counted } from '../../moderation/counters.js';
import { wasLate, type Notice, type Outcome } from '../../moderation/notices.js';
import type { Decided, Door, LetterRow } from '../door.js';
import type { Within } from './host.js';

type Calls = Pick<Door, 'letters' | 'letter' | 'answerLetter'>;
type Answered = Exclude<Outcome, 'open'>;

const ACTION = { granted: 'notice-granted', refused: 'notice-refused', answered: 'notice-answered' } as const;

export function letterCalls(within: Within): Calls {
  const { ledger, moderation } = within;
  const isLive = (text: string): boolean => {
    const fileId = parseFileId(text);
    return fileId !== null && ledger.findByFileId(fileId) !== null;
  };
  return {
    letters: () => Promise.resolve((moderation.notices?.open() ?? []).map(rowOf)),
    letter: (reference) => {
      const notice = moderation.notices?.get(reference) ?? null;
      return Promise.resolve(notice === null ? null : { ...notice, live: notice.fileIds.filter(isLive) });
    },
    answerLetter: (actor, reference, outcome) => answer(within, actor, reference, outcome),
  };
}

function rowOf({ sealedText: _text, ...row }: Notice): LetterRow {
  return row;
}

async function answer(
  { ledger, moderation: { notices }, register }: Within,
  actor: string,
  reference: string,
  outcome: Answered,
): Promise<Decided> {
  if (!Object.hasOwn(ACTION, outcome)) throw new Refusal('malformed', 'an outcome that is none');
  const notice = notices?.get(reference) ?? null;
  if (notices === null || notice === null) return { done: false };
  const now = ledger.now();
  const counts = countedFor({ ...notice, outcome, answeredAt: now }).map((what) => countChange(what, now));
  const done = await register.write(actor, ACTION[outcome], reference, async (entry) => {
    const answered = await notices.answer(reference, outcome, now, (change) =>
      ledger.change([change, ...counts, ...entry]),
    );
    return answered !== null;
  });
  return { done };
}

/** Rows of the transparency report: of notices of copyright and of intimate images, and of authorities. */
function countedFor(answered: Notice): readonly Counted[] {
  const { kind, outcome } = answered;
  if (kind === 'authority') return ['authorityAnswered'];
  if (kind === 'contact' || kind === 'counter-notice') return [];
  const late: readonly Counted[] = wasLate(answered) ? ['takedownsLate'] : [];
  if (outcome === 'granted') return ['takedownsGranted', ...late];
  return outcome === 'refused' ? ['takedownsRefused', ...late] : late;
}
