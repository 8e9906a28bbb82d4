/**
 * What an old onion address answers after a rotation: that the site has moved, and where the page asked for is now. A
 * browser shows the notice and follows it by itself after a while; scripts are redirected at once. Nothing is served and
 * nothing is taken here.
 */
import type Koa from 'koa';
import type { Context } from 'koa';
import { SECOND } from '../base/units.js';
import { baseHeaders, formOf, pageContext, sendJson, sendPage, sendText } from './answer.js';
import { boundCircuits, type Circuits } from './circuits.js';
import { mannered } from './manners.js';
import type { Pages } from './pages/pages.js';
import { answerFailures } from './refusals.js';
import type { Site } from './site.js';

/** Time enough to read the notice and to write the new address down. */
const FOLLOWED_AFTER = 20 * SECOND;

/** `site` is the old address's; it leads to the site's onion. */
export function createMoved(site: Site, pages: Pages, circuits: Circuits | null): Koa {
  const app = mannered(baseHeaders(site));
  app.use(answerFailures(pages));
  if (circuits !== null) app.use(boundCircuits(circuits));
  app.use((ctx) => sendNotice(ctx, pages, `${site.onionOrigin ?? ''}${ctx.url.startsWith('/') ? ctx.url : '/'}`));
  return app;
}

function sendNotice(ctx: Context, pages: Pages, url: string): void {
  const form = formOf(ctx);
  if (form !== 'html') {
    ctx.set('Location', url);
    if (form === 'json') sendJson(ctx, 308, { error: 'moved', url });
    else sendText(ctx, 308, `This site has moved: ${url}\n`);
    return;
  }
  const context = pageContext(ctx);
  // What a form sent is not sent on: the visitor must see where it would go.
  const asked = context.method === 'GET';
  const seconds = FOLLOWED_AFTER / SECOND;
  if (asked) ctx.set('Refresh', `${seconds}; url=${url}`);
  sendPage(ctx, asked ? 200 : 421, pages.moved(context, { url, seconds: asked ? seconds : null }));
}
