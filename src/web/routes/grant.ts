/** `GET /open/GRANT/N`: content for the one who opened it. `POST /open/GRANT/destroy`: "I have it, destroy it now". */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import type { Grant } from '../../retrieval/grants.js';
import { formOf, pageContext, sendPage, sendText } from '../answer.js';
import { smallForm } from '../body.js';
import type { Services } from '../services.js';
import { sendNumbered } from './file.js';

export function grantRoutes(router: Router, services: Services): void {
  router.get('/open/:grant/:number', (ctx) =>
    withGrant(ctx, services, ({ content }) => sendNumbered(ctx, services, content)),
  );
  router.get('/open/:grant/:number/preview', (ctx) =>
    withGrant(ctx, services, ({ content }) => sendNumbered(ctx, services, content, true)),
  );
  router.post('/open/:grant/destroy', async (ctx) => {
    await smallForm(ctx, services.receiveForm);
    await withGrant(ctx, services, (grant) => destroy(ctx, services, grant));
  });
}

async function withGrant(ctx: Context, { retrieval }: Services, work: (grant: Grant) => Promise<void>): Promise<void> {
  const used = retrieval.grants.use((ctx.params as { grant: string }).grant);
  if (used === null) throw new Refusal('gone', 'not found');
  try {
    await work(used.grant);
  } finally {
    used.done();
  }
}

/** Ends what this reader holds, and the share with it where views of it are left. */
async function destroy(ctx: Context, services: Services, grant: Grant): Promise<void> {
  if (!grant.claimed) throw new Refusal('gone', 'not found');
  await services.retrieval.destroy(grant);
  if (formOf(ctx) === 'html')
    sendPage(ctx, 200, services.pages.deleted({ ...pageContext(ctx), path: '/' }, { by: 'reader' }));
  else sendText(ctx, 200, 'destroyed\n');
}
