/** The pages that only say something: FAQ, terms, privacy, and the small files that tools look for. */
import type Router from '@koa/router';
import { DAY } from '../../base/units.js';
import { pageContext, sendPage, sendText } from '../answer.js';
import type { PolicyView } from '../pages/views.js';
import type { Services } from '../services.js';
import type { Site } from '../site.js';

export function informationRoutes(router: Router, site: Site, { pages, policy, ledger }: Services): void {
  const view: PolicyView = { ...policy, listener: site.kind };
  router.get('/faq', (ctx) => sendPage(ctx, 200, pages.faq(pageContext(ctx), view)));
  router.get('/terms', (ctx) => sendPage(ctx, 200, pages.terms(pageContext(ctx), view)));
  router.get('/pro', (ctx) => sendPage(ctx, 200, pages.pro(pageContext(ctx), view)));
  router.get('/privacy', (ctx) => sendPage(ctx, 200, pages.privacy(pageContext(ctx), view)));
  router.get('/robots.txt', (ctx) => sendText(ctx, 200, 'User-agent: *\nDisallow: /\n'));
  router.get('/.well-known/security.txt', (ctx) => sendText(ctx, 200, securityText(site, ledger.now())));
  router.get('/chatpic.sxcu', (ctx) => {
    ctx.status = 200;
    ctx.type = 'application/json; charset=utf-8';
    ctx.set('Content-Disposition', 'attachment; filename="chatpic.sxcu"');
    ctx.body = `${JSON.stringify(uploaderConfiguration(site, policy.siteName), null, 2)}\n`;
  });
}

/** RFC 9116. Its expiry moves with the clock, in whole months: a finer one would tell the clock. */
function securityText(site: Site, now: number): string {
  const soon = new Date(now + 180 * DAY);
  const expires = new Date(Date.UTC(soon.getUTCFullYear(), soon.getUTCMonth(), 1)).toISOString();
  return `Contact: ${site.origin}/contact\nExpires: ${expires}\nPreferred-Languages: en\n`;
}

/** ShareX' custom uploader format, version 14 and later. */
function uploaderConfiguration(site: Site, siteName: string): object {
  return {
    Version: '14.0.0',
    Name: siteName,
    DestinationType: 'ImageUploader, TextUploader, FileUploader',
    RequestMethod: 'POST',
    RequestURL: `${site.origin}/`,
    Headers: { Accept: 'application/json' },
    Body: 'MultipartFormData',
    Arguments: { expiry: '1d' },
    FileFormName: 'file',
    URL: '{json:url}',
    DeletionURL: '{json:delete_url}',
    ErrorMessage: '{json:message}',
  };
}
