/** `/remove`: ends shares by their public file IDs, without looking at them. */
import type Router from '@koa/router';
import { Refusal } from '../../base/errors.js';
import type { Desk } from '../desk.js';
import { form, page } from '../gate.js';
import { sendDeskPage } from '../pages.js';

const FILE_ID = /(?<![0-9A-Za-z-])cp-[0-9a-z]{10}(?![0-9A-Za-z])/g;
const MOST_AT_ONCE = 200;

export function removeRoutes(router: Router, desk: Desk): void {
  router.get(
    '/remove',
    page(desk, (ctx, session) => sendDeskPage(ctx, desk, session, 'remove', { results: null })),
  );
  router.post(
    '/remove',
    form(desk, async (ctx, session, fields) => {
      const fileIds = [...new Set((fields.get('ids') ?? '').match(FILE_ID) ?? [])];
      if (fileIds.length === 0) throw new Refusal('malformed', 'no file ID was found: it is cp- and ten characters');
      if (fileIds.length > MOST_AT_ONCE) throw new Refusal('malformed', `at most ${MOST_AT_ONCE} at a time`);
      const results: { fileId: string; done: boolean }[] = [];
      for (const fileId of fileIds) {
        const { done } = await desk.door.removeShare(session.name, fileId);
        if (done) desk.sessions.closeItem(fileId);
        results.push({ fileId, done });
      }
      await sendDeskPage(ctx, desk, session, 'remove', { results });
    }),
  );
}
