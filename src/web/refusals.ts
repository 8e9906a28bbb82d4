/** Refusals as answers: a status, and the reason with the way out in the form asked for. */
import type { Context } from 'koa';
import { Refusal, type RefusalCode, type RefusalDetail } from '../base/errors.js';
import type { Counts } from './counts.js';
import { formOf, pageContext, sendJson, sendPage, sendText } from './answer.js';
import type { Pages } from './pages/pages.js';
import { refusalHelp, seemsPhrase } from './pages/phrases.js';
import { DEFAULT_LANGUAGE, speakerOf } from './texts/texts.js';

const STATUS: Readonly<Record<RefusalCode, number>> = {
  malformed: 400,
  empty: 400,
  'cut-off': 400,
  'wrong-passphrase': 403,
  forbidden: 403,
  gone: 404,
  'wrong-method': 405,
  'must-open': 409,
  'length-required': 411,
  'too-large': 413,
  'type-not-supported': 415,
  unreadable: 422,
  prohibited: 422,
  'slow-down': 429,
  challenge: 429,
  busy: 503,
  'store-full': 507,
};

const RETRY_SECONDS = 10;

export type ErrorCode = RefusalCode | 'not-found' | 'internal';

export function statusOf(code: ErrorCode): number {
  if (code === 'not-found') return 404;
  return code === 'internal' ? 500 : STATUS[code];
}

/** Answers with an error. Nothing in it depends on the address that was asked for: every gone looks alike. */
export function sendError(
  ctx: Context,
  pages: Pages,
  code: ErrorCode,
  message: string,
  detail: RefusalDetail = {},
): void {
  const status = statusOf(code);
  const retryAfter = retryOf(status, detail);
  if (retryAfter !== null) ctx.set('Retry-After', String(retryAfter));
  const form = formOf(ctx);
  if (form === 'html') {
    const context = { ...pageContext(ctx), path: '/' };
    sendPage(ctx, status, pages.error(context, { code, detail, retryAfter }));
  } else if (form === 'json') {
    sendJson(ctx, status, { error: code, message: plainSentence(code, message, detail) });
  } else {
    sendText(ctx, status, `${plainSentence(code, message, detail)}\n`);
  }
}

/** The one middleware that turns failures into answers. Koa's own way prints stacks and drops headers; nothing reaches it. */
export function answerFailures(
  pages: Pages,
  counts: Counts,
): (ctx: Context, next: () => Promise<unknown>) => Promise<void> {
  return async (ctx, next) => {
    try {
      await next();
      if (ctx.status === 404 && (ctx.body ?? null) === null && ctx.respond !== false)
        sendError(ctx, pages, 'gone', 'not found');
    } catch (error) {
      if (error instanceof Refusal) counts.addNamed(error.detail['bound']);
      if (ctx.headerSent || ctx.respond === false) {
        ctx.res.destroy();
        return;
      }
      if (error instanceof Refusal) {
        sendError(ctx, pages, error.code, error.message, error.detail);
        return;
      }
      // Not logged, though it is our bug: the line's time would tell when somebody was here. The page asks to write to us.
      sendError(ctx, pages, 'internal', 'something broke on our side');
    }
  };
}

function plainSentence(code: ErrorCode, message: string, detail: RefusalDetail): string {
  const say = speakerOf(DEFAULT_LANGUAGE);
  const reason = `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
  return [reason, refusalHelp(say, code, detail), seemsPhrase(say, detail)].filter((part) => part !== null).join(' ');
}

function retryOf(status: number, detail: RefusalDetail): number | null {
  if (status !== 429 && status !== 503) return null;
  const seconds = detail['seconds'];
  return typeof seconds === 'number' ? seconds : RETRY_SECONDS;
}
