/** The receipt page: shown once, kept nowhere. What it previews is what was sealed, not what was sent. */
import type { Context } from 'koa';
import { readAll } from '../base/source.js';
import type { Receipt, ReceiptItem } from '../intake/upload.js';
import { isPicture } from '../media/media-type.js';
import { pageContext, sendPage } from './answer.js';
import { qrPicture } from './pages/qr.js';
import type { Shown } from './pages/views.js';
import type { Services } from './services.js';
import { dataUrl, endingOf, NOTE_SHOWN_BYTES } from './shown.js';
import { deleteLink, otherLinks, shareLink, type Site } from './site.js';

/** Previews on one receipt; beyond it only names: the page must stay light over Tor. */
const PREVIEW_BYTES = 600_000;

export async function sendReceiptPage(ctx: Context, site: Site, services: Services, receipt: Receipt): Promise<void> {
  const { share } = receipt;
  const link = shareLink(site, receipt.link);
  const view = {
    link,
    otherLinks: otherLinks(site, receipt.link),
    qr: await qrPicture(link),
    deleteUrl: deleteLink(site, receipt.deletion),
    deleteToken: receipt.deletion,
    fileId: share.fileId,
    caption: receipt.caption === '' ? null : receipt.caption,
    items: await withPreviews(receipt.items),
    ending: endingOf(share, services.ledger.now()),
    burn: share.mode === 'burn',
    views: share.mode === 'burn' ? null : share.viewsLeft,
    passphrase: share.hasPassphrase,
    held: share.held,
  };
  sendPage(ctx, 201, services.pages.receipt({ ...pageContext(ctx), path: '/' }, view));
}

async function withPreviews(items: readonly ReceiptItem[]): Promise<(ReceiptItem & { shown: Shown })[]> {
  const shown: (ReceiptItem & { shown: Shown })[] = [];
  let room = PREVIEW_BYTES;
  for (const item of items) {
    const size = item.preview?.bytes.length ?? item.size;
    const fits = size <= room;
    if (fits) room -= size;
    shown.push({ ...item, shown: fits ? await previewOf(item) : { kind: 'none' } });
  }
  return shown;
}

async function previewOf({ type, source, size, preview }: ReceiptItem): Promise<Shown> {
  const plain = { width: null, height: null };
  if (preview !== null) return { kind: 'picture', src: dataUrl(preview.type, preview.bytes), ...plain };
  if (isPicture(type)) return { kind: 'picture', src: dataUrl(type, await readAll(source)), ...plain };
  if (type === 'text/plain' && size <= NOTE_SHOWN_BYTES)
    return { kind: 'note', text: (await readAll(source)).toString('utf8') };
  return { kind: 'none' };
}
