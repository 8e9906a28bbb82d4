/** The sender's page behind the deletion token: state, a shorter life, deletion. GET changes nothing. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import { parseOptions } from '../../intake/options.js';
import type { Share } from '../../ledger/ledger.js';
import { parseDeletionToken, type DeletionToken } from '../../ledger/tokens.js';
import { shred } from '../../shred/shred.js';
import { formOf, pageContext, sendJson, sendPage, sendText } from '../answer.js';
import { smallForm } from '../body.js';
import { EXPIRY_CHOICES, type ExpiryChoice, type ManageView } from '../pages/views.js';
import type { Services } from '../services.js';
import { endingOf } from '../shown.js';
import { expiryText } from '../uploads.js';

interface Managed {
  readonly token: DeletionToken;
  readonly share: Share;
}

export function deleteRoutes(router: Router, services: Services): void {
  router.get('/delete', (ctx) => {
    sendPage(ctx, 200, services.pages.tokenEntry(pageContext(ctx), { typed: '', unknown: false }));
  });
  router.post('/delete', (ctx) => enterToken(ctx, services));
  router.delete('/delete', (ctx) => remove(ctx, services, managed(ctx.get('X-Token'), services)));
  router.get('/delete/:token', (ctx) => sendState(ctx, services, managed(paramOf(ctx), services), false));
  router.post('/delete/:token', (ctx) => act(ctx, services));
  router.delete('/delete/:token', (ctx) => remove(ctx, services, managed(paramOf(ctx), services)));
}

function paramOf(ctx: Context): string {
  return (ctx.params as { token: string }).token;
}

function find(text: string, { ledger }: Services): Managed | null {
  const token = parseDeletionToken(text.trim());
  const share = token === null ? null : ledger.findByDeletion(token);
  return token === null || share === null ? null : { token, share };
}

function managed(text: string, services: Services): Managed {
  const found = find(text, services);
  if (found === null) throw new Refusal('gone', 'not found');
  return found;
}

/** A typed token opens its page in a browser; a script that posts one wants the share gone. */
async function enterToken(ctx: Context, services: Services): Promise<void> {
  const typed = (await smallForm(ctx, services.receiveForm))['token'] ?? '';
  if (formOf(ctx) !== 'html') {
    await remove(ctx, services, managed(typed, services));
    return;
  }
  const found = find(typed, services);
  if (found !== null) sendState(ctx, services, found, false);
  else sendPage(ctx, 404, services.pages.tokenEntry(pageContext(ctx), { typed: typed.slice(0, 200), unknown: true }));
}

async function act(ctx: Context, services: Services): Promise<void> {
  const target = managed(paramOf(ctx), services);
  const fields = await smallForm(ctx, services.receiveForm);
  const action = fields['action'] ?? (fields['expiry'] === undefined ? 'delete' : 'shorten');
  if (action === 'delete') await remove(ctx, services, target);
  else if (action === 'shorten') await shorten(ctx, services, target, fields['expiry'] ?? '');
  else throw new Refusal('malformed', 'action is delete or shorten', { field: 'action' });
}

async function remove(ctx: Context, services: Services, { share }: Managed): Promise<void> {
  if (!(await shred(services.ledger, share, 'deleted'))) throw new Refusal('gone', 'not found');
  const form = formOf(ctx);
  if (form === 'html') sendPage(ctx, 200, services.pages.deleted({ ...pageContext(ctx), path: '/' }, { by: 'sender' }));
  else if (form === 'json') sendJson(ctx, 200, { deleted: true });
  else sendText(ctx, 200, 'deleted\n');
}

async function shorten(ctx: Context, services: Services, { token, share }: Managed, expiry: string): Promise<void> {
  const { duration } = parseOptions({ expiry }, services.ledger.now()).lifetime;
  if (duration === null || expiry === 'burn')
    throw new Refusal('malformed', 'choose 1h, 1d or 1w', { field: 'expiry' });
  const shorter = await services.ledger.shorten(share, services.ledger.now() + duration);
  if (shorter === null) throw new Refusal('gone', 'not found');
  sendState(ctx, services, { token, share: shorter }, true);
}

function sendState(ctx: Context, { ledger, pages }: Services, { token, share }: Managed, shortened: boolean): void {
  const now = ledger.now();
  const form = formOf(ctx);
  if (form === 'html') {
    sendPage(
      ctx,
      200,
      pages.manage({ ...pageContext(ctx), path: `/delete/${token}` }, manageView(token, share, now, shortened)),
    );
    return;
  }
  const state = {
    file_id: share.fileId,
    opened: share.opened,
    held: share.held,
    views_left: share.viewsLeft,
    expires: expiryText(share.expiresAt),
  };
  if (form === 'json') sendJson(ctx, 200, state);
  else
    sendText(
      ctx,
      200,
      Object.entries(state)
        .map(([name, value]) => `${name}: ${value ?? (name === 'expires' ? 'never' : 'any')}\n`)
        .join(''),
    );
}

function manageView(token: DeletionToken, share: Share, now: number, shortened: boolean): ManageView {
  return {
    path: `/delete/${token}`,
    fileId: share.fileId,
    opened: share.opened,
    burn: share.mode === 'burn',
    viewsLeft: share.viewsLeft,
    passphrase: share.hasPassphrase,
    held: share.held,
    ending: endingOf(share, now),
    shorter: EXPIRY_CHOICES.filter((choice) => isShorter(choice, share.expiresAt, now)),
    shortened,
  };
}

function isShorter(choice: ExpiryChoice, expiresAt: number | null, now: number): boolean {
  const { duration, mode } = parseOptions({ expiry: choice }, now).lifetime;
  return mode === 'timed' && duration !== null && (expiresAt === null || now + duration < expiresAt);
}
