/** `PUT /NAME`: the upload of `curl -T`. Options come as headers. */
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import type { RawOptions } from '../../intake/options.js';
import { lengthOf, spool } from '../../intake/spool.js';
import { unwatched } from '../../intake/progress.js';
import { bodyOf } from '../body.js';
import { gateFor } from '../gate.js';
import type { Services } from '../services.js';
import type { Site } from '../site.js';
import { checkedOptions, codeCheck, inPlace, sendReceiptForScripts } from '../uploads.js';

export function putRoutes(router: Router, site: Site, services: Services): void {
  const take = (ctx: Context): Promise<void> => takeFile(ctx, site, services);
  router.put('/', take);
  router.put('/:name', take);
}

async function takeFile(ctx: Context, site: Site, services: Services): Promise<void> {
  gateFor(ctx, services).check({});
  const options = checkedOptions(headerOptions(ctx), services, codeCheck(services));
  const bytes = options.code === null ? services.policy.freeBytes : services.policy.proBytes;
  // Who asked before sending learns of the limit before sending; who did not is read to the end first.
  const tooLarge = Number(ctx.get('Content-Length') || 0) > bytes;
  if (tooLarge && ctx.get('Expect') !== '') throw new Refusal('too-large', 'the file is too large', { limit: bytes });
  await inPlace(ctx, services, async () => {
    const spooled = await spool(services.arena, bodyOf(ctx), { bytes, expected: lengthOf(ctx.req) });
    try {
      const wish = (ctx.params as { name?: string }).name ?? '';
      const items = [{ wish, source: spooled.source, typed: false }];
      const receipt = await services.pipeline.share({ items, options, id: null, progress: unwatched });
      sendReceiptForScripts(ctx, site, receipt);
    } finally {
      spooled.release();
    }
  });
}

function headerOptions(ctx: Context): RawOptions {
  const header = (name: string): string | undefined => {
    const value = ctx.get(name);
    // Node reads headers as Latin-1; clients send UTF-8.
    return value === '' ? undefined : Buffer.from(value, 'latin1').toString('utf8');
  };
  const raw: Record<string, string | undefined> = {
    expiry: header('X-Expiry'),
    days: header('Max-Days'),
    views: header('X-Views') ?? header('Max-Downloads'),
    caption: header('X-Caption'),
    passphrase: header('X-Passphrase'),
    code: header('X-Code'),
    scrub: header('X-Scrub'),
  };
  return Object.fromEntries(Object.entries(raw).filter(([, value]) => value !== undefined));
}
