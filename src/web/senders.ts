/** The site of senders and recipients on one listener: middleware in order, then a route a file. */
import Router from '@koa/router';
import type Koa from 'koa';
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';
import { baseHeaders, formOf, pageContext, sendPage } from './answer.js';
import { boundCircuits, isUpload, type Circuits } from './circuits.js';
import { mannered, wrongMethod } from './manners.js';
import { sameOriginOnly } from './origin.js';
import { answerFailures } from './refusals.js';
import { deleteRoutes } from './routes/delete.js';
import { fileRoutes } from './routes/file.js';
import { grantRoutes } from './routes/grant.js';
import { informationRoutes } from './routes/information.js';
import { letterRoutes } from './routes/letters.js';
import { progressRoutes } from './routes/progress.js';
import { putRoutes } from './routes/put.js';
import { reportRoutes } from './routes/report.js';
import { transparencyRoutes } from './routes/transparency.js';
import { uploadRoutes } from './routes/upload.js';
import { viewRoutes } from './routes/view.js';
import type { Services } from './services.js';
import type { Site } from './site.js';

/**
 * A Koa application that never prints, never sets a cookie, and answers every failure itself. `circuits` for a listener
 * on which tor tells them.
 */
export function createSenders(site: Site, services: Services, circuits: Circuits | null = null): Koa {
  const app = mannered(baseHeaders(site));
  app.use(async (ctx, next) => {
    await next();
    sendAscii(ctx);
  });
  app.use(answerFailures(services.pages));
  if (circuits !== null) app.use(boundCircuits(circuits));
  app.use(sameOriginOnly);
  app.use(onionLocation(site));
  if (site.readOnly === true) app.use(takingNothing(site, services));
  const router = new Router();
  uploadRoutes(router, site, services);
  viewRoutes(router, site, services);
  fileRoutes(router, site, services);
  grantRoutes(router, services);
  deleteRoutes(router, services);
  progressRoutes(router, services);
  reportRoutes(router, services);
  letterRoutes(router, services);
  transparencyRoutes(router, services);
  informationRoutes(router, site, services);
  putRoutes(router, site, services);
  app.use(router.routes());
  app.use(wrongMethod(router));
  return app;
}

/** Koa would have Node look for characters beyond ASCII once more; a body as long in bytes as in characters has none. */
function sendAscii(ctx: Context): void {
  const body: unknown = ctx.body;
  if (typeof body !== 'string' || ctx.length !== body.length || ctx.method === 'HEAD' || ctx.res.headersSent) return;
  ctx.respond = false;
  ctx.res.end(body, 'latin1');
}

/** Which page of the onion stands for this one; only over TLS, only on pages, only once. */
function onionLocation(site: Site) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    await next();
    // Not on errors: every gone looks alike.
    if (site.onionOrigin === null || !site.secure || ctx.status >= 400 || ctx.type !== 'text/html') return;
    ctx.set('Onion-Location', `${site.onionOrigin}${ctx.url}`);
  };
}

/** A mirror on which nothing is shared: its front page says so, and an upload is refused before its body is read. */
function takingNothing({ onionOrigin }: Site, { pages }: Services) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    if (isUpload(ctx))
      throw new Refusal('forbidden', `nothing is shared on this mirror, but at ${onionOrigin ?? 'the onion'}`);
    if (ctx.path === '/' && formOf(ctx) === 'html')
      sendPage(ctx, 200, pages.readOnly(pageContext(ctx), { onionOrigin }));
    else await next();
  };
}
