/** `GET /`: what waits for a decision, the gravest first, of equals the oldest. */
import type Router from '@koa/router';
import type { Desk } from '../desk.js';
import { page } from '../gate.js';
import { sendDeskPage } from '../pages.js';

/** Rows of one page: who has more to do than that does not need to see it all at once. */
const MOST_SHOWN = 100;

export function queueRoutes(router: Router, desk: Desk): void {
  router.get(
    '/',
    page(desk, async (ctx, session) => {
      const queue = await desk.door.queue();
      const rows = queue.slice(0, MOST_SHOWN).map((row) => ({ ...row, holder: desk.claims.holder(row.fileId) }));
      await sendDeskPage(ctx, desk, session, 'queue', { rows, more: queue.length - rows.length });
    }),
  );
}
