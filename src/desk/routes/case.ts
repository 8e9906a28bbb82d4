/** `/case/FILE-ID`: one flagged share: what is known of it, a look at it, and what becomes of it. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import { openText } from '../../moderation/staff-seal.js';
import { sendBytes, servedItem } from '../../web/bytes.js';
import type { CaseDetail } from '../door.js';
import type { Desk } from '../desk.js';
import { decide } from '../decide.js';
import { OpenedItem } from '../evidence.js';
import { form, page, redirect } from '../gate.js';
import { sendDeskPage } from '../pages.js';
import type { Session } from '../sessions.js';
import { shownItems } from '../shown.js';

export function caseRoutes(router: Router, desk: Desk): void {
  router.get(
    '/case/:id',
    page(desk, (ctx, session) => show(ctx, desk, session)),
  );
  router.get(
    '/case/:id/blurred/:number',
    page(desk, async (ctx, session) => {
      sendPicture(ctx, (await session.opened(idOf(ctx))?.blurred(numberOf(ctx))) ?? null);
    }),
  );
  router.get(
    '/case/:id/item/:number',
    page(desk, (ctx, session) => sendItem(ctx, desk, session)),
  );
  router.post(
    '/case/:id/take',
    form(desk, (ctx, session) => {
      desk.claims.takeOver(idOf(ctx), session.name);
      redirect(ctx, `/case/${idOf(ctx)}`);
      return Promise.resolve();
    }),
  );
  router.post(
    '/case/:id/see',
    form(desk, (ctx, session) => see(ctx, desk, session)),
  );
  router.post(
    '/case/:id/decide',
    form(desk, async (ctx, session, fields) => {
      const fileId = idOf(ctx);
      takeOrRefuse(desk, session, fileId);
      session.say(await decide(desk, session, fileId, fields));
      redirect(ctx, '/');
    }),
  );
}

async function show(ctx: Context, desk: Desk, session: Session): Promise<void> {
  const detail = await detailOf(ctx, desk);
  const item = await opened(desk, session, detail);
  const front = await item?.front();
  const view = {
    ...detail,
    notes: detail.notes.map((note) => openText(session.privateKey, detail.fileId, note)),
    holder: desk.claims.holder(detail.fileId),
    seen: item?.seen ?? false,
    caption: front?.caption ?? '',
    items: item === null || front === undefined ? null : await shownItems(item, front, `/case/${detail.fileId}`),
  };
  await sendDeskPage(ctx, desk, session, 'case', view);
}

async function see(ctx: Context, desk: Desk, session: Session): Promise<void> {
  const detail = await detailOf(ctx, desk);
  takeOrRefuse(desk, session, detail.fileId);
  const item = await opened(desk, session, detail);
  if (item === null) throw new Refusal('gone', 'there is nothing of it to see here any more');
  // Written down before it is shown.
  if (!item.seen) await desk.door.viewed(session.name, detail.fileId);
  item.seen = true;
  redirect(ctx, `/case/${detail.fileId}`);
}

async function sendItem(ctx: Context, desk: Desk, session: Session): Promise<void> {
  const item = session.opened(idOf(ctx));
  const front = item?.seen === true ? await item.front() : null;
  const found = front?.items[numberOf(ctx) - 1];
  if (item === null || found === undefined) throw new Refusal('gone', 'open the case first');
  await sendBytes(ctx, item.content, servedItem(found, numberOf(ctx)), { download: false, readers: desk.readers });
}

function sendPicture(ctx: Context, bytes: Buffer | null): void {
  if (bytes === null) throw new Refusal('gone', 'there is no picture of it');
  ctx.status = 200;
  ctx.type = 'image/webp';
  ctx.body = bytes;
}

async function detailOf(ctx: Context, { door }: Desk): Promise<CaseDetail> {
  const detail = await door.case(idOf(ctx));
  if (detail === null)
    throw new Refusal('gone', 'this waits for nothing any more: it was decided, or its time is over');
  return detail;
}

/** The share, opened for this session; null where nothing of it is held. */
async function opened(
  { door, decoder }: Desk,
  session: Session,
  { fileId, sealed }: CaseDetail,
): Promise<OpenedItem | null> {
  if (sealed === null) {
    session.close(fileId);
    return null;
  }
  const before = session.opened(fileId);
  if (before !== null) return before;
  const item = await OpenedItem.open(door, decoder, session.privateKey, fileId, sealed);
  return item === null ? null : session.keepOpen(fileId, item);
}

function takeOrRefuse({ claims }: Desk, { name }: Session, fileId: string): void {
  if (claims.take(fileId, name)) return;
  throw new Refusal('forbidden', `${claims.holder(fileId) ?? 'somebody else'} has taken this; take it over first`);
}

function idOf(ctx: Context): string {
  return (ctx as Context & { readonly params: Record<string, string> }).params['id'] ?? '';
}

function numberOf(ctx: Context): number {
  return Number((ctx as Context & { readonly params: Record<string, string> }).params['number']);
}
