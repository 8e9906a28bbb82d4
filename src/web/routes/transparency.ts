/** `GET /transparency`: what moderation did, per quarter, from counters alone; small numbers are not told. */
import type Router from '@koa/router';
import { formOf, pageContext, sendJson, sendPage } from '../answer.js';
import type { Quarter } from '../pages/views.js';
import type { Services } from '../services.js';

export function transparencyRoutes(router: Router, { pages, moderation, ledger }: Services): void {
  router.get('/transparency', (ctx) => {
    const quarters = moderation.counters.report(ledger.now()) as readonly Quarter[];
    if (formOf(ctx) === 'html')
      sendPage(ctx, 200, pages.transparency(pageContext(ctx), { quarters, canaryPath: null }));
    else sendJson(ctx, 200, { quarters });
  });
}
