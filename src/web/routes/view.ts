/** `GET /view/TOKEN`: the share page, or the question "open it?". `POST /view/TOKEN`: opens it, with no redirect. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import type { Item } from '../../intake/front.js';
import type { Share } from '../../ledger/ledger.js';
import type { Content } from '../../retrieval/content.js';
import { mustOpen, type Opening, type Resolved } from '../../retrieval/retrieval.js';
import { formOf, pageContext, sendJson, sendPage, sendText } from '../answer.js';
import { smallForm } from '../body.js';
import type { QuestionView, ShareView } from '../pages/views.js';
import { statusOf } from '../refusals.js';
import type { Services } from '../services.js';
import { contentSize, endingOf, shownItems } from '../shown.js';
import type { Site } from '../site.js';
import { expiryText } from '../uploads.js';

/** Minutes that an opened link can be read for, at the least: the promise of a grant. */
const GRANT_MINUTES = 10;

export function viewRoutes(router: Router, site: Site, services: Services): void {
  router.get('/view/:token', (ctx) => look(ctx, site, services));
  router.post('/view/:token', (ctx) => openIt(ctx, site, services));
}

/** The link of a request, or a refusal that looks the same whatever the reason. */
export function resolved(ctx: Context, { retrieval }: Services): Resolved {
  const found = retrieval.resolve((ctx.params as { token: string }).token);
  if (found === null) throw new Refusal('gone', 'not found');
  return found;
}

async function look(ctx: Context, site: Site, services: Services): Promise<void> {
  const link = resolved(ctx, services);
  if (mustOpen(link.share)) {
    if (formOf(ctx) !== 'html') throw mustBeOpened(site, link);
    sendPage(ctx, 200, services.pages.question(pageContext(ctx), questionFor(services, link, null)));
    return;
  }
  await services.traffic.readers.of(ctx.req).turn(() => show(ctx, site, services, link), 0);
}

async function show(ctx: Context, site: Site, services: Services, link: Resolved): Promise<void> {
  const content = await openFree(ctx, services, link);
  if (formOf(ctx) === 'html') await sendShare(ctx, services, link, content, { kind: 'open' });
  else await sendListing(ctx, site, link, content).finally(() => content.close());
}

/** Opens a link that anybody may open. What waited for its turn may be wanted by nobody any more. */
export async function openFree(ctx: Context, { retrieval }: Services, link: Resolved): Promise<Content> {
  if (ctx.req.socket.destroyed) throw new Refusal('cut-off', 'the request was cut off');
  const content = await retrieval.openFree(link);
  if (content === null) throw new Refusal('gone', 'not found');
  return content;
}

/** For scripts: one line that says how. */
export function mustBeOpened(site: Site, { token, share }: Resolved): Refusal {
  const passphrase = share.hasPassphrase ? ' with the field passphrase' : '';
  return new Refusal('must-open', `this link must be opened: POST ${site.origin}/file/${token}${passphrase}`);
}

async function openIt(ctx: Context, site: Site, services: Services): Promise<void> {
  const link = resolved(ctx, services);
  const fields = await smallForm(ctx, services.receiveForm);
  if (!mustOpen(link.share)) {
    await look(ctx, site, services);
    return;
  }
  // Asked of browsers only: a script that opens a link was told to.
  if (formOf(ctx) === 'html' && services.words?.isRight(link.token, fields['word'] ?? '') === false) {
    sendPage(ctx, 403, services.pages.question(pageContext(ctx), questionFor(services, link, { kind: 'wrong-word' })));
    return;
  }
  const opening = await tryOpen(ctx, services, link, fields['passphrase'] ?? null);
  if (opening === null) return;
  if (formOf(ctx) === 'html') await sendShare(ctx, services, link, opening.content, accessOf(link.share, opening));
  else await sendGranted(ctx, site, services, link, opening);
}

/** Opens, or answers with the question once more; a link that is gone by now looks like any other. */
async function tryOpen(
  ctx: Context,
  services: Services,
  link: Resolved,
  passphrase: string | null,
): Promise<Opening | null> {
  try {
    const opening = await services.retrieval.open(link, passphrase);
    if (opening === null) throw new Refusal('gone', 'not found');
    return opening;
  } catch (error) {
    const problem = error instanceof Refusal ? problemOf(error) : null;
    if (!(error instanceof Refusal) || problem === null || formOf(ctx) !== 'html') throw error;
    if (problem.kind === 'slow-down') ctx.set('Retry-After', String(problem.seconds));
    sendPage(
      ctx,
      statusOf(error.code),
      services.pages.question(pageContext(ctx), questionFor(services, link, problem)),
    );
    return null;
  }
}

function problemOf({ code, detail }: Refusal): NonNullable<QuestionView['problem']> | null {
  if (code === 'wrong-passphrase') return { kind: 'wrong-passphrase' };
  return code === 'slow-down' ? { kind: 'slow-down', seconds: Number(detail['seconds'] ?? 30) } : null;
}

function questionFor({ words }: Services, { token, share }: Resolved, problem: QuestionView['problem']): QuestionView {
  return {
    path: `/view/${token}`,
    reportPath: `/report/${token}`,
    burn: share.mode === 'burn',
    viewsLeft: share.mode === 'burn' ? null : share.viewsLeft,
    passphrase: share.hasPassphrase,
    problem,
    word: words?.wordOf(token) ?? null,
  };
}

function accessOf(share: Share, { viewsLeft }: Opening): ShareView['access'] {
  if (share.mode === 'burn') return { kind: 'burned', minutes: GRANT_MINUTES };
  if (viewsLeft !== null) return { kind: 'limited', left: viewsLeft, minutes: GRANT_MINUTES };
  return { kind: 'passphrase', minutes: GRANT_MINUTES };
}

async function sendShare(
  ctx: Context,
  services: Services,
  { token, share }: Resolved,
  content: Content,
  access: ShareView['access'],
): Promise<void> {
  const { caption, items } = await content.front();
  const claimed = access.kind !== 'open';
  const grant = services.retrieval.grants.issue(share, content, contentSize(items), claimed);
  const savePath = claimed ? null : (number: number): string => filePath(token, items, number);
  const view: ShareView = {
    fileId: share.fileId,
    caption: caption === '' ? null : caption,
    items: await shownItems({ content, grant, items, savePath, light: services.traffic.readers.many }),
    ending: endingOf(share, services.ledger.now()),
    access,
    reportPath: `/report/${token}`,
    destroyPath: access.kind === 'burned' || access.kind === 'limited' ? `/open/${grant.id}/destroy` : null,
    saveAllPath: items.length < 2 ? null : claimed ? `/open/${grant.id}/all` : `/file/${token}?download`,
  };
  sendPage(ctx, 200, services.pages.share(pageContext(ctx), view));
}

function filePath(token: string, items: readonly Item[], number: number): string {
  return items.length === 1 ? `/file/${token}?download` : `/file/${token}/${number}?download`;
}

/** An open link for scripts: what it holds and where its bytes are. */
async function sendListing(ctx: Context, site: Site, { token, share }: Resolved, content: Content): Promise<void> {
  const { caption, items } = await content.front();
  const url = (number: number): string => `${site.origin}/file/${token}${items.length === 1 ? '' : `/${number}`}`;
  list(ctx, caption, items, share, url);
}

/** The same for a link that was opened just now: its bytes are under the grant. */
async function sendGranted(
  ctx: Context,
  site: Site,
  services: Services,
  { share }: Resolved,
  { content }: Opening,
): Promise<void> {
  const { caption, items } = await content.front();
  const grant = services.retrieval.grants.issue(share, content, contentSize(items), true);
  list(ctx, caption, items, share, (number) => `${site.origin}/open/${grant.id}/${number}`);
}

function list(
  ctx: Context,
  caption: string,
  items: readonly Item[],
  share: Share,
  url: (number: number) => string,
): void {
  const files = items.map(({ name, type, size }, index) => ({ name, type, size, url: url(index + 1) }));
  if (formOf(ctx) === 'json') {
    sendJson(ctx, 200, { caption, file_id: share.fileId, expires: expiryText(share.expiresAt), files });
    return;
  }
  sendText(ctx, 200, files.map((file) => `${file.url}\n`).join(''));
}
