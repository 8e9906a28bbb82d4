/**
 * `GET /transparency`: what moderation did, per quarter, from counters alone; small numbers are not told. `GET /canary.txt` and
 * `/canary.pub`: the operator's signed word, as public tools verify it.
 */
import type Router from '@koa/router';
import { Refusal } from '../../base/errors.js';
import { canaryAgeDays } from '../../moderation/canary.js';
import type { PublishedCanary } from '../../moderation/canary-file.js';
import { formOf, pageContext, sendJson, sendPage, sendText } from '../answer.js';
import type { Quarter } from '../pages/views.js';
import type { Services } from '../services.js';

export function transparencyRoutes(router: Router, { pages, moderation, ledger, canary: file }: Services): void {
  router.get('/transparency', async (ctx) => {
    const now = ledger.now();
    const quarters = moderation.counters.report(now) as readonly Quarter[];
    const published = await file.read();
    const canary = published === null ? null : { path: '/canary.txt', ageDays: canaryAgeDays(published, now) };
    if (formOf(ctx) === 'html') sendPage(ctx, 200, pages.transparency(pageContext(ctx), { quarters, canary }));
    else sendJson(ctx, 200, { quarters, canary: canary && { path: canary.path, age_days: canary.ageDays } });
  });
  const canary = async (): Promise<PublishedCanary> => {
    const published = await file.read();
    if (published === null) throw new Refusal('gone', 'there is no canary here');
    return published;
  };
  router.get('/canary.txt', async (ctx) => sendText(ctx, 200, (await canary()).text));
  router.get('/canary.pub', async (ctx) => sendText(ctx, 200, (await canary()).publicKey));
}
