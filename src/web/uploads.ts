/** What the two ways of uploading have in common: a place, a watched pace, the pipeline, and the answer. */
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';
import { DAY, MINUTE } from '../base/units.js';
import { parseOptions, type RawOptions, type ShareOptions } from '../intake/options.js';
import type { Receipt, Upload } from '../intake/upload.js';
import type { DeletionToken, LinkToken } from '../ledger/tokens.js';
import { formOf, sendJson, sendText } from './answer.js';
import { acceptBody } from './body.js';
import type { Services } from './services.js';
import { deleteLink, shareLink, type Site } from './site.js';

/** Runs `work` in one of the places for uploads; refuses 'busy' when all are taken, and 'store-full' when it can't fit. */
export async function inPlace<T>(
  ctx: Context,
  { arena, policy, traffic }: Services,
  work: () => Promise<T>,
): Promise<T> {
  // Who does not say how much comes is taken to bring one file of the most that is free.
  const length = Number(ctx.get('Content-Length') || policy.freeBytes);
  const { free } = arena.capacity();
  if (ctx.get('Content-Length') !== '' && length > free * arena.unitBytes)
    throw new Refusal('store-full', 'the store is full', { bound: 'store' });
  acceptBody(ctx);
  const release = await traffic.uploads.take(ctx.req, length);
  try {
    return await work();
  } finally {
    release();
  }
}

/** Whether a Pro code is good, for one request: a wrong one is one wrong try, however often it is asked about. */
export function codeCheck({ vouchers }: Pick<Services, 'vouchers'>): (code: string) => boolean {
  const known = new Map<string, boolean>();
  return (code) => {
    const good = known.get(code) ?? vouchers.isGood(code);
    known.set(code, good);
    return good;
  };
}

/** What the sender chose. Refuses a Pro code that is not good, and the choices that need one. */
export function checkedOptions(
  raw: RawOptions,
  { ledger, policy }: Services,
  isGood: (code: string) => boolean,
): ShareOptions {
  const options = parseOptions(raw, ledger.now(), policy.proDays * DAY);
  if (options.code !== null && !isGood(options.code)) {
    throw new Refusal('malformed', 'this Pro code is unknown or has ended', { field: 'code' });
  }
  return options;
}

/** Takes an upload through the pipeline. */
export function share(services: Services, upload: Upload): Promise<Receipt> {
  return services.pipeline.share(upload);
}

/** RFC 3339, rounded up to the minute: a link never dies before the time that was said. */
export function expiryText(expiresAt: number | null): string | null {
  if (expiresAt === null) return null;
  return new Date(Math.ceil(expiresAt / MINUTE) * MINUTE).toISOString().replace('.000Z', 'Z');
}

/** Headers of every successful upload. */
export function receiptHeaders(ctx: Context, site: Site, receipt: Receipt): void {
  ctx.set('Location', shareLink(site, receipt.link));
  ctx.set('X-Url-Delete', deleteLink(site, receipt.deletion));
  ctx.set('X-Token', receipt.deletion);
  ctx.set('X-Expires', expiryText(receipt.share.expiresAt) ?? 'never');
}

/** Answers a script: line 1 is the link and nothing else. */
export function sendReceiptForScripts(ctx: Context, site: Site, receipt: Receipt): void {
  receiptHeaders(ctx, site, receipt);
  if (formOf(ctx) === 'json') {
    sendJson(ctx, 201, receiptJson(site, receipt));
    return;
  }
  const lines = [
    shareLink(site, receipt.link),
    `delete: ${deleteLink(site, receipt.deletion)}`,
    `token: ${receipt.deletion}`,
    `expires: ${expiryText(receipt.share.expiresAt) ?? 'never'}`,
    ...receipt.items.map(({ sha256 }) => `sha256: ${sha256}`),
  ];
  sendText(ctx, 201, `${lines.join('\n')}\n`);
}

function receiptJson(site: Site, receipt: Receipt): object {
  const at = (origin: string | null, link: LinkToken): string | null =>
    origin === null ? null : `${origin}/view/${link}`;
  const { link, deletion, share: row, items } = receipt;
  return {
    url: shareLink(site, link),
    onion_url: at(site.onionOrigin, link),
    mirror_url: at(site.mirrorOrigin, link),
    delete_url: deleteLink(site, deletion),
    delete_token: deletion satisfies DeletionToken,
    file_id: row.fileId,
    expires: expiryText(row.expiresAt),
    files: items.map(({ name, type, size, sha256, removed }) => ({
      name,
      type,
      size,
      sha256,
      metadata_removed: [...removed].map(([kind, count]) => ({ kind, count })),
    })),
  };
}
