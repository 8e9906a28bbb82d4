/** `GET`/`POST /report/TOKEN`: puts a share before the moderators. Uses nothing up, works before a link is opened. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { wipe } from '../../base/bytes.js';
import { NOTE_LENGTH } from '../../moderation/cases.js';
import { REPORT_REASONS } from '../../moderation/case-record.js';
import type { Resolved } from '../../retrieval/retrieval.js';
import { formOf, pageContext, sendJson, sendPage, sendText } from '../answer.js';
import { gatedForm } from '../gate.js';
import type { ReportView } from '../pages/views.js';
import type { Services } from '../services.js';
import { resolved } from './view.js';

export function reportRoutes(router: Router, services: Services): void {
  router.get('/report/:token', (ctx) => {
    sendPage(ctx, 200, services.pages.report(pageContext(ctx), viewOf(resolved(ctx, services), '', '', null)));
  });
  router.post('/report/:token', (ctx) => report(ctx, services));
}

async function report(ctx: Context, services: Services): Promise<void> {
  const link = resolved(ctx, services);
  const fields = await gatedForm(ctx, services);
  if (fields === null) return;
  const reason = REPORT_REASONS.find((known) => known === fields['reason']) ?? 'other';
  const note = fields['details'] ?? '';
  if (Array.from(note).length > NOTE_LENGTH && formOf(ctx) === 'html') {
    const view = viewOf(link, reason, note.slice(0, 4 * NOTE_LENGTH), 'details-too-long');
    sendPage(ctx, 400, services.pages.report(pageContext(ctx), view));
    return;
  }
  const { fileId } = link.share;
  // The reporter's link opens the share, so its key can be sealed to the staff; that is the only way that they ever see it.
  const key = await services.retrieval.keyFor(link);
  try {
    const { evidence } = await services.moderation.report({ share: link.share, reason, note, key });
    answer(ctx, services, fileId, evidence);
  } finally {
    wipe(key);
  }
}

function answer(ctx: Context, { pages }: Services, fileId: string, evidence: boolean): void {
  const form = formOf(ctx);
  if (form === 'html') {
    sendPage(ctx, 200, pages.sent({ ...pageContext(ctx), path: '/' }, { kind: 'report', reference: fileId }));
  } else if (form === 'json') sendJson(ctx, 200, { reported: fileId, evidence });
  else sendText(ctx, 200, `reported: ${fileId}\n`);
}

function viewOf(
  { token, share }: Resolved,
  reason: string,
  details: string,
  problem: ReportView['problem'],
): ReportView {
  return {
    path: `/report/${token}`,
    fileId: share.fileId,
    typed: { reason, details },
    detailsLength: NOTE_LENGTH,
    problem,
  };
}
