/**
 * Who gets in: a page needs a session, and what changes something needs the form token of that session beside it.
 *
 * What holds: a GET changes nothing but how long the session lives; a POST that a page of this session did not offer is
 * refused before anything is done, also where a browser sends the cookie along.
 */
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';
import { acceptBody, readBody } from '../web/body.js';
import type { Desk } from './desk.js';
import type { Session } from './sessions.js';

const COOKIE = 'desk';
const FORM_BYTES = 64 * 1024;
export const SIGN_IN = '/sign-in';

type Handler<Rest extends readonly unknown[]> = (ctx: Context, session: Session, ...rest: Rest) => Promise<void>;

/** A page for those who are signed in; the others are led to the sign-in. */
export function page(desk: Desk, show: Handler<[]>): (ctx: Context) => Promise<void> {
  return async (ctx) => {
    const session = sessionOf(ctx, desk);
    if (session === null) redirect(ctx, SIGN_IN);
    else await show(ctx, session);
  };
}

/** A form that changes something. `fields` are those that came with the right token. */
export function form(desk: Desk, act: Handler<[fields: URLSearchParams]>): (ctx: Context) => Promise<void> {
  return page(desk, async (ctx, session) => {
    const fields = await fieldsOf(ctx);
    demandToken(session, fields.get('form'));
    await act(ctx, session, fields);
  });
}

/** Refuses a form that no page of this session offered. */
export function demandToken(session: Session, token: string | null | undefined): void {
  if (!session.bears(token ?? '')) throw new Refusal('forbidden', 'this form is not from a page of this session');
}

export async function fieldsOf(ctx: Context): Promise<URLSearchParams> {
  acceptBody(ctx);
  const body = await readBody(ctx, FORM_BYTES);
  const fields = new URLSearchParams(body.toString('utf8'));
  // A passphrase may have been in it. The strings made of it can't be wiped; they are dropped soon.
  body.fill(0);
  return fields;
}

export function sessionOf(ctx: Context, { sessions }: Desk): Session | null {
  const cookie = new RegExp(`(?:^|;\\s*)${COOKIE}=([0-9A-Za-z]+)`).exec(ctx.get('Cookie'))?.[1];
  return cookie === undefined ? null : sessions.find(cookie);
}

export function setCookie(ctx: Context, cookie: string): void {
  ctx.set('Set-Cookie', `${COOKIE}=${cookie}; HttpOnly; SameSite=Strict; Path=/`);
}

export function dropCookie(ctx: Context): void {
  ctx.set('Set-Cookie', `${COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0`);
}

/** 303: a reload of what comes next asks for a page and repeats no act. */
export function redirect(ctx: Context, where: string): void {
  ctx.status = 303;
  ctx.set('Location', where);
  ctx.body = '';
}
