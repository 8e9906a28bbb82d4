/**
 * The desk's site: middleware in order, then a route a file. The manners of the senders' site: nothing printed, no script, no
 * third party, the same headers. It sets one cookie, when somebody signs in.
 */
import Router from '@koa/router';
import type Koa from 'koa';
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';
import { baseHeaders, sendText } from '../web/answer.js';
import { mannered, wrongMethod } from '../web/manners.js';
import { sameOriginOnly } from '../web/origin.js';
import { statusOf } from '../web/refusals.js';
import type { Desk } from './desk.js';
import { sessionOf } from './gate.js';
import { sendDeskPage } from './pages.js';
import { accountRoutes } from './routes/accounts.js';
import { caseRoutes } from './routes/case.js';
import { figureRoutes } from './routes/figures.js';
import { letterRoutes } from './routes/letters.js';
import { listRoutes } from './routes/lists.js';
import { queueRoutes } from './routes/queue.js';
import { removeRoutes } from './routes/remove.js';
import { signInRoutes } from './routes/sign-in.js';

export function createDesk(desk: Desk): Koa {
  const app = mannered(baseHeaders({ secure: false }));
  app.use(answerFailures(desk));
  app.use(sameOriginOnly);
  const router = new Router();
  signInRoutes(router, desk);
  queueRoutes(router, desk);
  caseRoutes(router, desk);
  letterRoutes(router, desk);
  removeRoutes(router, desk);
  listRoutes(router, desk);
  figureRoutes(router, desk);
  accountRoutes(router, desk);
  app.use(router.routes());
  app.use(wrongMethod(router));
  return app;
}

/** The one middleware that turns failures into answers. */
function answerFailures(desk: Desk) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    try {
      await next();
      if (ctx.status === 404 && (ctx.body ?? null) === null && ctx.respond !== false)
        throw new Refusal('gone', 'there is nothing at this address');
    } catch (error) {
      if (ctx.headerSent || ctx.respond === false) ctx.res.destroy();
      else await sendFailure(ctx, desk, error);
    }
  };
}

async function sendFailure(ctx: Context, desk: Desk, error: unknown): Promise<void> {
  const known = error instanceof Refusal;
  const status = known ? statusOf(error.code) : 500;
  const text = known
    ? sentence(error.message)
    : 'Something broke on our side. If it was a decision, look at the queue.';
  try {
    await sendDeskPage(ctx, desk, sessionOf(ctx, desk), 'message', { text }, status);
  } catch {
    sendText(ctx, 503, 'The desk has lost its way to the appliance; it comes back by itself in a moment.\n');
  }
}

function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}.`;
}
