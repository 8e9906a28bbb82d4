/** `GET`/`POST /takedown` and `/contact`: letters to the staff, sealed to them as they come in. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { formOf, pageContext, sendJson, sendPage, sendText } from '../answer.js';
import { gatedForm } from '../gate.js';
import {
  CONTACT_TOPICS,
  NO_TAKEDOWN,
  type ContactView,
  type TakedownProblem,
  type TakedownTyped,
} from '../pages/views.js';
import type { Services } from '../services.js';
import { codeCheck } from '../uploads.js';

type Fields = Readonly<Record<string, string>>;

const MESSAGE_LENGTH = 4000;
const LETTER_LENGTH = 10_000;
const NOTHING_WRITTEN = { topic: 'question', message: '', reply: '', code: '' };

export function letterRoutes(router: Router, services: Services): void {
  const { pages } = services;
  router.get('/takedown', (ctx) =>
    sendPage(ctx, 200, pages.takedown(pageContext(ctx), { typed: NO_TAKEDOWN, problem: null })),
  );
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
  const typed = takedownTyped(fields);
  const problem = takedownProblem(typed);
  if (problem !== null) {
    const page = services.pages.takedown(pageContext(ctx), { typed, problem });
    refuse(ctx, page, problem === 'too-long' ? 'the letter is too long' : `the field ${problem} is missing`);
    return;
  }
  const { links, work, name, contact: reach } = typed;
  const text = `links:\n${links}\n\nwork:\n${work}\n\nname: ${name}\ncontact: ${reach}\n`;
  const { reference } = await services.moderation.letter({ kind: 'copyright', priority: false, text });
  sent(ctx, services, 'takedown', reference);
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
  const { reference } = await services.moderation.letter({
    kind: 'contact',
    priority,
    text,
  });
  sent(ctx, services, 'contact', reference);
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

/** What the law asks for, in the order of the form: the first that is missing. */
function takedownProblem(typed: TakedownTyped): TakedownProblem | null {
  const asked = ['links', 'work', 'name', 'contact', 'goodFaith', 'accurate'] as const;
  const missing = asked.find((name) => typed[name] === '' || typed[name] === false);
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
