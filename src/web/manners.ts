/** What every Koa application of this appliance does alike: it prints nothing, and answers every request by itself. */
import type Router from '@koa/router';
import Koa, { type Context } from 'koa';
import { Refusal } from '../base/errors.js';

/** An application whose answers bear `headers`, whatever becomes of them, and tell no time. */
export function mannered(headers: Readonly<Record<string, string>>): Koa {
  const app = new Koa({ proxy: false });
  silence(app);
  app.use(async (ctx, next) => {
    ctx.url = ownPath(ctx.url);
    ctx.res.sendDate = false;
    ctx.set(headers);
    await next();
  });
  return app;
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

/** A target in absolute form (RFC 9112, 3.2.2) is taken for its path alone: what host it names decides nothing here. */
function ownPath(target: string): string {
  const path = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return path === target || path.startsWith('/') ? path : `/${path}`;
}

/** Of the whole server (`OPTIONS *`). */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];

/** A path that exists, asked for in a way that it does not know: 405 with what it knows in `Allow`, 204 for OPTIONS. */
export function wrongMethod(router: Router) {
  return async (ctx: Context, next: () => Promise<unknown>): Promise<void> => {
    const matched = router.match(ctx.path, ctx.method).path.flatMap((layer) => layer.methods);
    const known = ctx.path === '*' ? METHODS : [...new Set(matched)];
    const reads = ctx.method === 'GET' || ctx.method === 'HEAD';
    // A name that nothing has yet can be sent with PUT, but there is nothing to be read.
    if (known.length === 0 || reads) {
      await next();
      return;
    }
    ctx.set('Allow', [...known, 'OPTIONS'].join(', '));
    if (ctx.method === 'OPTIONS') {
      ctx.status = 204;
      return;
    }
    throw new Refusal('wrong-method', `${ctx.method.slice(0, 10)} does not go here, but ${known.join(', ')}`);
  };
}
