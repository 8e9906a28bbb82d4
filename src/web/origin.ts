/**
 * Forms of other sites can't act here: a state change that a browser sends must come from a page of this site.
 *
 * There is no cookie to protect, but a foreign page could still make its visitors burn, delete or upload. Browsers say
 * where a request comes from: `Sec-Fetch-Site` where they have it (not on plain http), `Origin` otherwise. Scripts send
 * neither and are let through: they do what their owner wants.
 */
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

export async function sameOriginOnly(ctx: Context, next: () => Promise<unknown>): Promise<void> {
  if (!SAFE.has(ctx.method) && !comesFromHere(ctx))
    throw new Refusal('forbidden', 'the request came from another site');
  await next();
}

function comesFromHere(ctx: Context): boolean {
  const site = ctx.get('Sec-Fetch-Site');
  if (site !== '') return site === 'same-origin' || site === 'none';
  const origin = ctx.get('Origin');
  if (origin === '') return true;
  // Whatever name the browser used to come here is in Host; nothing is built from it, it is only compared.
  return origin.replace(/^https?:\/\//, '') === ctx.get('Host');
}
