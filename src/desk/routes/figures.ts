/** `/figures`: the counters, and the state of what checks uploads. `/trail`: who decided what. */
import type Router from '@koa/router';
import type { Desk } from '../desk.js';
import { queryOf } from '../../web/answer.js';
import { page } from '../gate.js';
import { sendDeskPage } from '../pages.js';

export function figureRoutes(router: Router, desk: Desk): void {
  router.get(
    '/figures',
    page(desk, async (ctx, session) => {
      await sendDeskPage(ctx, desk, session, 'figures', await desk.door.counts());
    }),
  );
  router.get(
    '/trail',
    page(desk, async (ctx, session) => {
      const below = Number(queryOf(ctx).get('before') ?? -1);
      const { entries, head, before } = await desk.door.trail(Number.isSafeInteger(below) ? below : -1);
      await sendDeskPage(ctx, desk, session, 'trail', { entries, head: head.toString('hex'), before });
    }),
  );
}
