/** `/letters` and `/letter/REFERENCE`: notices with their clock, and messages. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import { openText } from '../../moderation/staff-seal.js';
import { answerTexts } from '../answers.js';
import type { Desk } from '../desk.js';
import type { LetterDetail } from '../door.js';
import { form, page, redirect } from '../gate.js';
import { sendDeskPage } from '../pages.js';
import type { Session } from '../sessions.js';

const OUTCOMES = ['granted', 'refused', 'answered'] as const;

export function letterRoutes(router: Router, desk: Desk): void {
  router.get(
    '/letters',
    page(desk, async (ctx, session) => {
      const letters = await desk.door.letters();
      const rows = letters.map((row) => ({ ...row, holder: desk.claims.holder(row.reference) }));
      await sendDeskPage(ctx, desk, session, 'letters', { rows });
    }),
  );
  router.get(
    '/letter/:reference',
    page(desk, (ctx, session) => show(ctx, desk, session)),
  );
  router.post(
    '/letter/:reference/take',
    form(desk, (ctx, session) => {
      desk.claims.takeOver(referenceOf(ctx), session.name);
      redirect(ctx, `/letter/${referenceOf(ctx)}`);
      return Promise.resolve();
    }),
  );
  router.post(
    '/letter/:reference/answer',
    form(desk, (ctx, session, fields) => answer(ctx, desk, session, fields)),
  );
}

async function show(ctx: Context, desk: Desk, session: Session): Promise<void> {
  const letter = await letterOf(ctx, desk);
  const text = openText(session.privateKey, letter.reference, letter.sealedText);
  const view = { ...letter, text, answers: answerTexts(letter), holder: desk.claims.holder(letter.reference) };
  await sendDeskPage(ctx, desk, session, 'letter', view);
}

/** Removes the files that were ticked, then writes the answer down. What is sent to the contact is sent by a person. */
async function answer(ctx: Context, desk: Desk, session: Session, fields: URLSearchParams): Promise<void> {
  const outcome = OUTCOMES.find((one) => one === fields.get('outcome'));
  if (outcome === undefined) throw new Refusal('malformed', 'choose how it was answered');
  const letter = await letterOf(ctx, desk);
  const { reference } = letter;
  if (!desk.claims.take(reference, session.name)) {
    const holder = desk.claims.holder(reference) ?? 'somebody else';
    throw new Refusal('forbidden', `${holder} has taken this letter; take it over first`);
  }
  const wanted = outcome === 'granted' ? fields.getAll('remove') : [];
  let removed = 0;
  for (const fileId of letter.fileIds) {
    if (wanted.includes(fileId) && (await desk.door.removeShare(session.name, fileId)).done) removed++;
  }
  const { done } = await desk.door.answerLetter(session.name, reference, outcome);
  desk.claims.drop(reference);
  const also = removed === 0 ? '' : ` ${removed} removed.`;
  session.say(done ? `Written down as ${outcome}.${also} Send the text below.` : 'Somebody else has answered it.');
  redirect(ctx, `/letter/${reference}`);
}

async function letterOf(ctx: Context, { door }: Desk): Promise<LetterDetail> {
  const letter = await door.letter(referenceOf(ctx));
  if (letter === null) throw new Refusal('gone', 'there is no letter of this reference');
  return letter;
}

function referenceOf(ctx: Context): string {
  return (ctx as Context & { readonly params: Record<string, string> }).params['reference'] ?? '';
}
