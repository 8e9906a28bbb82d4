/** How an answer is made: its headers, and the three forms that a client may ask for. */
import type { Context } from 'koa';
import type { PageContext } from './pages/views.js';
import type { Rendered } from './pages/pages.js';
import type { Site } from './site.js';
import { languageFrom } from './texts/texts.js';

export type Form = 'html' | 'json' | 'text';

/** The form asked for: browsers name text/html; who names JSON gets JSON; everything else, curl's default too, text. */
export function formOf(ctx: Context): Form {
  const accept = ctx.get('Accept').toLowerCase();
  if (accept.includes('text/html')) return 'html';
  return accept.includes('application/json') ? 'json' : 'text';
}

const NOTHING = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** Headers of every answer, errors too. What is not here is told to nobody: no date, no server, no cookie. */
export function baseHeaders(site: Pick<Site, 'secure'>): Record<string, string> {
  return {
    'Content-Security-Policy': NOTHING,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    'X-Robots-Tag': 'noindex',
    'X-Frame-Options': 'DENY',
    'Permissions-Policy': 'interest-cohort=(), browsing-topics=()',
    ...(site.secure ? { 'Strict-Transport-Security': 'max-age=63072000' } : {}),
  };
}

/** The policy of a page: its own style by hash, pictures and media of this site, forms to this site, nothing else. */
export function pagePolicy(styleHashes: readonly string[], framed: 'none' | 'self' = 'none'): string {
  return [
    "default-src 'none'",
    `style-src ${styleHashes.join(' ')}`,
    "img-src 'self' data:",
    "media-src 'self'",
    "frame-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    `frame-ancestors '${framed}'`,
  ].join('; ');
}

/** Bytes of uploads: whatever they are, they can do nothing. A video that is opened by itself still plays. */
export const BYTES_POLICY =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox allow-same-origin";

export function sendPage(ctx: Context, status: number, page: Rendered): void {
  ctx.status = status;
  ctx.set('Content-Security-Policy', pagePolicy(page.styleHashes));
  ctx.type = 'text/html; charset=utf-8';
  ctx.body = page.html;
}

export function sendText(ctx: Context, status: number, text: string): void {
  ctx.status = status;
  ctx.type = 'text/plain; charset=utf-8';
  ctx.body = text;
}

export function sendJson(ctx: Context, status: number, value: object): void {
  ctx.status = status;
  ctx.type = 'application/json; charset=utf-8';
  ctx.body = `${JSON.stringify(value)}\n`;
}

/** What stands behind the question mark. Koa's own `query` takes time with the square of the number of fields. */
export function queryOf(ctx: Context): URLSearchParams {
  return new URLSearchParams(ctx.querystring);
}

export function pageContext(ctx: Context): PageContext {
  return {
    language: languageFrom(queryOf(ctx).get('lang')),
    path: ctx.path,
    method: ctx.method === 'GET' || ctx.method === 'HEAD' ? 'GET' : 'POST',
  };
}
