/** The site of senders and recipients on one listener: middleware in order, then a route a file. */
import Router from '@koa/router';
import Koa, { type Context } from 'koa';
import { Refusal } from '../base/errors.js';
import { baseHeaders } from './answer.js';
import { boundCircuits, type Circuits } from './circuits.js';
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
  const app = new Koa({ proxy: false });
  silence(app);
  const headers = baseHeaders(site);
  app.use(async (ctx, next) => {
    ctx.url = ownPath(ctx.url);
    ctx.res.sendDate = false;
    ctx.set(headers);
    await next();
    sendAscii(ctx);
  });
  app.use(answerFailures(services.pages, services.counts));
  if (circuits !== null) app.use(boundCircuits(circuits));
  app.use(boundAnswers(services.traffic));
  app.use(sameOriginOnly);
  app.use(onionLocation(site));
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

/** A target in absolute form (RFC 9112, 3.2.2) is taken for its path alone: what host it names decides nothing here. */
function ownPath(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return path === target || path.startsWith('/') ? path : `/${path}`;
}

/** Bytes that nobody reads lie in memory: past the bound, whatever has many of them waits for its turn. Forms still come. */
function boundAnswers({ exchanges, readers }: Services['traffic']) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    if (/^\/(view|file|open)\//.test(ctx.path)) {
      if (exchanges.full)
        throw new Refusal('busy', 'too many answers wait for their readers', { seconds: 10, bound: 'answers' });
      exchanges.onEnd(ctx.req, readers.begin());
    }
    await next();
  };
}

/** Koa would have Node look for characters beyond ASCII once more; a body as long in bytes as in characters has none. */
function sendAscii(ctx: Context): void {
  const body: unknown = ctx.body;
  if (typeof body !== 'string' || ctx.length !== body.length || ctx.method === 'HEAD' || ctx.res.headersSent) return;
  ctx.respond = false;
  ctx.res.end(body, 'latin1');
}

/**
 * Koa prints what it can't send, and strips headers from what it sends then. Neither may happen; and most of what comes
 * here are visitors who left, whose leaving is nobody's business.
 */
function silence(app: Koa): void {
  app.silent = true;
  app.on('error', () => undefined);
  app.context.onerror = function onerror(this: Context, error: unknown): void {
    if (error === null || error === undefined) return;
    this.res.destroy();
  };
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

/** A path that exists, asked for in a way that it doesn't know: 405 with what it knows, 204 for OPTIONS. */
function wrongMethod(router: Router) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    const known = router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods);
    if (known.length === 0) {
      await next();
      return;
    }
    ctx.set('Allow', [...new Set([...known, 'OPTIONS'])].join(', '));
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      return;
    }
    throw new Refusal('malformed', `${ctx.method.slice(0, 10)} does not go here`);
  };
}
