/** `GET`/`POST /takedown` and `/contact`: letters to the staff, sealed to them as they come in. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import { formOf, pageContext, queryOf, sendJson, sendPage, sendText } from '../answer.js';
import { gatedForm } from '../gate.js';
import {
  CONTACT_TOPICS,
  NO_TAKEDOWN,
  TAKEDOWN_ASKS,
  TAKEDOWN_KINDS,
  type ContactView,
  type PageContext,
  type TakedownKind,
  type TakedownProblem,
  type TakedownTyped,
} from '../pages/views.js';
import type { Rendered } from '../pages/pages.js';
import type { Services } from '../services.js';
import { codeCheck } from '../uploads.js';

type Fields = Readonly<Record<string, string>>;

const MESSAGE_LENGTH = 4000;
const LETTER_LENGTH = 10_000;
const NOTHING_WRITTEN = { topic: 'question', message: '', reply: '', code: '' };

export function letterRoutes(router: Router, services: Services): void {
  const { pages } = services;
  router.get('/takedown', (ctx) => {
    const kind = kindOf(queryOf(ctx).get('kind'));
    sendPage(ctx, 200, pages.takedown(contextOf(ctx, kind), { kind, typed: NO_TAKEDOWN, problem: null }));
  });
  router.get('/contact', (ctx) =>
    sendPage(
      ctx,
      200,
      pages.contact(pageContext(ctx), { typed: NOTHING_WRITTEN, problem: null, messageLength: MESSAGE_LENGTH }),
    ),
  );
  router.post('/takedown', (ctx) => takedown(ctx, services));
  router.post('/contact', (ctx) => contact(ctx, services));
}

async function takedown(ctx: Context, services: Services): Promise<void> {
  const fields = await gatedForm(ctx, services);
  if (fields === null) return;
  const kind = kindOf(fields['kind']);
  const typed = takedownTyped(fields);
  const problem = takedownProblem(kind, typed);
  const page = (told: TakedownProblem): Rendered =>
    services.pages.takedown(contextOf(ctx, kind), { kind, typed, problem: told });
  if (problem !== null) {
    refuse(ctx, page(problem), problem === 'too-long' ? 'the letter is too long' : `the field ${problem} is missing`);
    return;
  }
  const reference = await letter(ctx, services, { kind, priority: false, text: letterOf(typed) });
  if (reference !== null) sent(ctx, services, 'takedown', reference);
  else sendPage(ctx, 503, page('not-taken'));
}

async function contact(ctx: Context, services: Services): Promise<void> {
  const fields = await gatedForm(ctx, services);
  if (fields === null) return;
  const topic = CONTACT_TOPICS.find((known) => known === fields['topic']) ?? 'question';
  const field = (name: string): string => fields[name] ?? '';
  const typed = { topic, message: field('message'), reply: field('reply'), code: field('code').slice(0, 200) };
  const priority = typed.code.trim() !== '' && codeCheck(services)(typed.code);
  const problem = contactProblem(typed, priority);
  if (problem !== null) {
    const page = services.pages.contact(pageContext(ctx), { typed, problem, messageLength: MESSAGE_LENGTH });
    refuse(ctx, page, CONTACT_PROBLEMS[problem]);
    return;
  }
  const text = `topic: ${topic}\nreply to: ${typed.reply}\n\n${typed.message}\n`;
  const reference = await letter(ctx, services, {
    kind: 'contact',
    priority,
    text,
  });
  if (reference !== null) sent(ctx, services, 'contact', reference);
  else {
    const view = { typed, problem: 'not-taken', messageLength: MESSAGE_LENGTH } as const;
    sendPage(ctx, 503, services.pages.contact(pageContext(ctx), view));
  }
}

/** Hands a letter in; null where nobody can take it now and the form must come again, so that nothing written is lost. */
async function letter(
  ctx: Context,
  { moderation }: Services,
  written: Parameters<Services['moderation']['letter']>[0],
): Promise<string | null> {
  try {
    return (await moderation.letter(written)).reference;
  } catch (error) {
    if (!(error instanceof Refusal) || formOf(ctx) !== 'html') throw error;
    ctx.set('Retry-After', '3600');
    return null;
  }
}

const CONTACT_PROBLEMS = {
  message: 'the message is missing',
  'too-long': 'the message is too long',
  code: 'this Pro code is unknown or has ended',
} as const;

function contactProblem(
  { message, reply, code }: ContactView['typed'],
  priority: boolean,
): keyof typeof CONTACT_PROBLEMS | null {
  if (message.trim() === '') return 'message';
  if (message.length + reply.length > MESSAGE_LENGTH) return 'too-long';
  return code.trim() === '' || priority ? null : 'code';
}

function takedownTyped(fields: Fields): TakedownTyped {
  const field = (name: string): string => (fields[name] ?? '').trim();
  return {
    links: field('links'),
    work: field('work'),
    name: field('name'),
    contact: field('contact'),
    goodFaith: field('goodFaith') !== '',
    accurate: field('accurate') !== '',
  };
}

/** A letter of no kind is one of copyright, as the form has them first. */
function kindOf(text: unknown): TakedownKind {
  return TAKEDOWN_KINDS.find((kind) => kind === text) ?? 'copyright';
}

/** Links to the page in other languages lead to the same form. */
function contextOf(ctx: Context, kind: TakedownKind): PageContext {
  const context = pageContext(ctx);
  return kind === 'copyright' ? context : { ...context, path: `/takedown?kind=${kind}` };
}

function letterOf({ links, work, name, contact: reach, goodFaith, accurate }: TakedownTyped): string {
  const stated = `stated: ${goodFaith ? 'good faith' : '-'}, ${accurate ? 'the second statement' : '-'}`;
  return `links:\n${links}\n\nwhat and why:\n${work}\n\nname: ${name}\ncontact: ${reach}\n${stated}\n`;
}

/** What the law asks for, in the order of the form: the first that is missing. */
function takedownProblem(kind: TakedownKind, typed: TakedownTyped): TakedownProblem | null {
  const missing = TAKEDOWN_ASKS[kind].find((name) => typed[name] === '' || typed[name] === false);
  if (missing !== undefined) return missing;
  const length = typed.links.length + typed.work.length + typed.name.length + typed.contact.length;
  return length > LETTER_LENGTH ? 'too-long' : null;
}

function refuse(ctx: Context, page: Parameters<typeof sendPage>[2], reason: string): void {
  const form = formOf(ctx);
  if (form === 'html') sendPage(ctx, 400, page);
  else if (form === 'json') sendJson(ctx, 400, { error: 'malformed', message: reason });
  else sendText(ctx, 400, `${reason}.\n`);
}

function sent(ctx: Context, { pages }: Services, kind: 'takedown' | 'contact', reference: string): void {
  const form = formOf(ctx);
  if (form === 'html') sendPage(ctx, 200, pages.sent({ ...pageContext(ctx), path: '/' }, { kind, reference }));
  else if (form === 'json') sendJson(ctx, 200, { reference });
  else sendText(ctx, 200, `reference: ${reference}\n`);
}
