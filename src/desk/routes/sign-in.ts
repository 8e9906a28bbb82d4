/** `GET`/`POST /sign-in`, `POST /sign-out`. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import type { Desk } from '../desk.js';
import { dropCookie, fieldsOf, form, redirect, SIGN_IN, sessionOf, setCookie } from '../gate.js';
import { sendDeskPage } from '../pages.js';

interface Problem {
  readonly text: string;
  readonly status: 403 | 429 | 503;
  /** Seconds after which another try is worth it. */
  readonly wait?: number;
}

export function signInRoutes(router: Router, desk: Desk): void {
  router.get(SIGN_IN, (ctx) => show(ctx, desk, '', null));
  router.post(SIGN_IN, (ctx) => signIn(ctx, desk));
  router.post(
    '/sign-out',
    form(desk, (ctx, session) => {
      desk.sessions.end(session);
      dropCookie(ctx);
      redirect(ctx, SIGN_IN);
      return Promise.resolve();
    }),
  );
}

async function signIn(ctx: Context, desk: Desk): Promise<void> {
  const fields = await fieldsOf(ctx);
  const name = (fields.get('name') ?? '').trim().toLowerCase();
  const problem = await tried(ctx, desk, name, fields.get('passphrase') ?? '');
  if (problem === null) redirect(ctx, '/');
  else await show(ctx, desk, name, problem);
}

/** Null = signed in. */
async function tried(
  ctx: Context,
  { door, signIns, sessions, monotonic }: Desk,
  name: string,
  passphrase: string,
): Promise<Problem | null> {
  try {
    const answer = await signIns.signIn(name, passphrase);
    if (answer.kind === 'wrong') return { text: 'The name or the passphrase is wrong.', status: 403 };
    if (answer.kind === 'wait') return slowDown(answer.until - monotonic());
    await door.signedIn(name);
    setCookie(ctx, sessions.begin(name, answer.privateKey));
    return null;
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'busy') throw error;
    return { text: 'Too many passphrases are being checked. Try again in a moment.', status: 503, wait: 5 };
  }
}

function slowDown(milliseconds: number): Problem {
  const wait = Math.max(1, Math.ceil(milliseconds / 1000));
  return { text: `Too many wrong tries for this name. Wait ${wait} s and try again.`, status: 429, wait };
}

function show(ctx: Context, desk: Desk, name: string, problem: Problem | null): Promise<void> {
  if (problem?.wait !== undefined) ctx.set('Retry-After', String(problem.wait));
  const session = sessionOf(ctx, desk);
  const view = { name: name.slice(0, 64), problem: problem?.text ?? null, signedInAs: session?.name ?? null };
  return sendDeskPage(ctx, desk, session, 'sign-in', view, problem?.status ?? 200);
}
