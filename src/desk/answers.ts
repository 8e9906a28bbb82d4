/**
 * Texts to answer letters with, filled in as far as the appliance knows. They are sent by people, from outside: there is no
 * way from here to anybody. docs/TAKEDOWN.md says when which one fits; counsel may want other words.
 */
import type { Outcome } from '../moderation/notices.js';
import type { LetterRow } from './door.js';
import { when } from './words.js';

export interface AnswerText {
  readonly title: string;
  readonly text: string;
}

/** The texts for a letter; once it is answered, those for its outcome first. */
export function answerTexts(letter: LetterRow): readonly AnswerText[] {
  const { reference, receivedAt, fileIds, outcome } = letter;
  const quoting = `${reference} of ${when(receivedAt).slice(0, 10)}`;
  const files = fileIds.length === 0 ? 'FILE-ID' : fileIds.join(', ');
  const all = textsFor(letter, quoting, files);
  if (outcome === 'open') return all;
  return [...all.filter(({ fits }) => fits === outcome), ...all.filter(({ fits }) => fits !== outcome)];
}

type Fitting = AnswerText & { readonly fits: Outcome };

function textsFor({ kind, fileIds }: LetterRow, quoting: string, files: string): readonly Fitting[] {
  if (kind === 'contact') {
    const text = `Thank you for your message ${quoting}.\n\n`;
    return [{ title: 'Answer', fits: 'answered', text }];
  }
  if (kind === 'authority') {
    const text = `We received your request ${quoting}. We hold no addresses, accounts or logs. Of the file ${files} we know the day on which it expires, and its size.`;
    return [{ title: 'Answer (have counsel read it first)', fits: 'answered', text }, nothingThere];
  }
  if (kind === 'counter-notice') return counterTexts(quoting, files);
  return [
    {
      title: 'Granted',
      fits: 'granted',
      text:
        fileIds.length > 1
          ? `Your notice ${quoting}: the files ${files} have been removed and their links no longer work. We keep no copy.`
          : `Your notice ${quoting}: the file ${files} has been removed and its link no longer works. We keep no copy.`,
    },
    {
      title: 'Refused',
      fits: 'refused',
      text: `Your notice ${quoting}: we have not removed ${files}, because REASON. If you have more to show, answer with the reference.`,
    },
    {
      title: 'Incomplete',
      fits: 'open',
      text: `Your notice ${quoting} lacks: WHAT. Please send it again with these.`,
    },
    nothingThere,
  ];
}

const nothingThere: Fitting = {
  title: 'Nothing there',
  fits: 'answered',
  text: 'The link that you name does not work here (any more). We can\u2019t say whether it ever did.',
};

function counterTexts(quoting: string, files: string): readonly Fitting[] {
  return [
    {
      title: 'Granted',
      fits: 'granted',
      text: `Your counter-notice ${quoting}: what was shared as ${files} may be shared here again. What was removed can't be restored: it was destroyed.`,
    },
    {
      title: 'Refused',
      fits: 'refused',
      text: `Your counter-notice ${quoting}: we stand by the removal of ${files}, because REASON.`,
    },
    {
      title: 'Incomplete',
      fits: 'open',
      text: `Your counter-notice ${quoting} lacks: WHAT. Please send it again with these.`,
    },
  ];
}
