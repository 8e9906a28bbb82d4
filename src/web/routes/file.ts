/** `GET /file/TOKEN` and `/file/TOKEN/N`: the bytes. `POST`: opens and answers the bytes in one go, for scripts. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import type { Content } from '../../retrieval/content.js';
import { mustOpen } from '../../retrieval/retrieval.js';
import { queryOf } from '../answer.js';
import { smallForm } from '../body.js';
import { sendArchive, sendBytes, servedItem, servedPreview } from '../bytes.js';
import type { Services } from '../services.js';
import type { Site } from '../site.js';
import { mustBeOpened, openFree, resolved } from './view.js';

export function fileRoutes(router: Router, site: Site, services: Services): void {
  const get = (ctx: Context): Promise<void> => sendFree(ctx, site, services);
  const post = (ctx: Context): Promise<void> => openAndSend(ctx, site, services);
  router.get('/file/:token', get);
  router.get('/file/:token/:number', get);
  router.post('/file/:token', post);
  router.post('/file/:token/:number', post);
}

async function sendFree(ctx: Context, site: Site, services: Services): Promise<void> {
  const link = resolved(ctx, services);
  if (mustOpen(link.share)) throw mustBeOpened(site, link);
  const content = await services.traffic.readers.of(ctx.req).turn(() => openFree(ctx, services, link), 0);
  await sendNumbered(ctx, services, content).finally(() => content.close());
}

async function openAndSend(ctx: Context, site: Site, services: Services): Promise<void> {
  const link = resolved(ctx, services);
  const fields = await smallForm(ctx, services.receiveForm);
  if (!mustOpen(link.share)) {
    await sendFree(ctx, site, services);
    return;
  }
  const header = ctx.get('X-Passphrase');
  const typed = fields['passphrase'] ?? (header === '' ? null : Buffer.from(header, 'latin1').toString('utf8'));
  const opening = await services.retrieval.open(link, typed);
  if (opening === null) throw new Refusal('gone', 'not found');
  await sendNumbered(ctx, services, opening.content).finally(() => opening.content.close());
}

/** Item `number` of the path; without one the only item, or the whole album as one archive. */
export async function sendNumbered(
  ctx: Context,
  { traffic: { readers } }: Services,
  content: Content,
  preview = false,
): Promise<void> {
  const { items } = await content.front();
  const asked = (ctx.params as { number?: string }).number;
  const download = queryOf(ctx).has('download');
  if (items.length > 1 && (asked === undefined || asked === 'all')) {
    await sendArchive(ctx, content, readers);
    return;
  }
  const number = asked === undefined || asked === 'all' ? 1 : /^[1-9]\d{0,3}$/.test(asked) ? Number(asked) : 0;
  const item = items[number - 1];
  const served = item === undefined ? null : preview ? servedPreview(item, number) : servedItem(item, number);
  if (served === null) throw new Refusal('gone', 'not found');
  await sendBytes(ctx, content, served, { download, readers });
}
