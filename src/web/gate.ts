/** The challenge as requests meet it: who may go on, and what the others are told. */
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';
import { formOf, pageContext, sendPage } from './answer.js';
import { smallForm } from './body.js';
import type { Services } from './services.js';

type Fields = Readonly<Record<string, string>>;

/** Fields of the challenge itself: not carried along. */
const OWN: readonly string[] = ['challenge', 'word', 'pass'];

/** A letter alone is no flood: this many within a minute are. */
const LETTER_WEIGHT = 0.25;

/** One request at the gate: asked once, however often its answer is needed. */
export interface Gate {
  /** Goes on, or refuses 'challenge'. `fields` are those that have come so far. */
  check(fields: Fields): void;
  /** The pass that the right word has given, for the form that follows. */
  readonly pass: string | null;
}

export function gateFor(ctx: Context, { challenge }: Pick<Services, 'challenge'>): Gate {
  let open = !challenge.active;
  let pass: string | null = null;
  return {
    get pass() {
      return pass;
    },
    check(fields) {
      if (open) return;
      pass ??= challenge.answer(fields['challenge'] ?? '', fields['word'] ?? '');
      open = pass !== null || challenge.spend(fields['pass'] ?? ctx.get('X-Challenge'));
      if (!open) throw refusal(ctx, challenge);
    },
  };
}

/** A script is told how to pass; a browser is shown the page. */
function refusal(ctx: Context, challenge: Services['challenge']): Refusal {
  if (formOf(ctx) === 'html') return new Refusal('challenge', 'a word must be typed', { bound: 'challenge' });
  const given = challenge.ticket();
  if (given === null) {
    return new Refusal('busy', 'too many wait for their turn', { seconds: 60, bound: 'challenge' });
  }
  const { ticket, seconds } = given;
  ctx.set('X-Challenge', ticket);
  const how = `many requests are coming in: send it again after ${seconds} seconds with the header X-Challenge: ${ticket}`;
  return new Refusal('challenge', how, { seconds, bound: 'challenge' });
}

/** The page with the word. What was typed goes along, so that nothing is lost but the files. */
export function sendChallenge(ctx: Context, { pages, challenge }: Services, path: string, fields: Fields): void {
  const carried = Object.entries(fields).filter(([name, value]) => value !== '' && !OWN.includes(name));
  const wrong = fields['challenge'] !== undefined;
  const view = { path, carried, wrong, ...challenge.ask() };
  sendPage(ctx, ctx.method === 'GET' ? 200 : 429, pages.challenge({ ...pageContext(ctx), path: '/' }, view));
}

/** The fields of a small form, once it is through the gate; null = the challenge was sent instead. */
export async function gatedForm(ctx: Context, services: Services): Promise<Fields | null> {
  const fields = await smallForm(ctx, services.receiveForm);
  services.challenge.strain(LETTER_WEIGHT);
  try {
    gateFor(ctx, services).check(fields);
  } catch (error) {
    if (!(error instanceof Refusal) || formOf(ctx) !== 'html') throw error;
    services.counts.add('challenge');
    sendChallenge(ctx, services, ctx.path, fields);
    return null;
  }
  return fields;
}
