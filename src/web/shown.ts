/** How the content of an opened share is shown on its page: inline while it is small, under a grant otherwise. */
import { readAll } from '../base/source.js';
import type { Item } from '../intake/front.js';
import type { Share } from '../ledger/ledger.js';
import { isPicture } from '../media/media-type.js';
import type { Content } from '../retrieval/content.js';
import type { Grant } from '../retrieval/grants.js';
import type { Ending, ShareItem, Shown } from './pages/views.js';

/** Longer notes are saved, not shown: a page of them would be slow everywhere. */
export const NOTE_SHOWN_BYTES = 256 * 1024;
/**
 * Pictures up to this size stand in the page of a link that was opened once: "save image as" asks the server nothing.
 * They stand there once: the button beside them saves from the grant.
 */
const INLINE_BYTES = 2_000_000;
/** Previews of an album stand in its page, up to this in all: one request instead of one a picture. */
const PREVIEWS_BYTES = 1_500_000;

export function dataUrl(type: string, bytes: Buffer): string {
  return `data:${type};base64,${bytes.toString('base64')}`;
}

export function endingOf(share: Share, now: number): Ending {
  return share.expiresAt === null ? { kind: 'never' } : { kind: 'at', at: share.expiresAt, now };
}

/** Bytes of all items together: what a grant's longest life is reckoned by. */
export function contentSize(items: readonly Item[]): number {
  return items.reduce((sum, { size }) => sum + size, 0);
}

export interface ShownOptions {
  readonly content: Content;
  readonly grant: Grant;
  readonly items: readonly Item[];
  /** Where an item is saved from; null = from the grant. */
  readonly savePath: ((number: number) => string) | null;
}

/** The items as the page shows them. */
export async function shownItems({ content, grant, items, savePath }: ShownOptions): Promise<ShareItem[]> {
  const shown: ShareItem[] = [];
  const album = items.length > 1;
  let inline = grant.claimed ? INLINE_BYTES : 0;
  let previews = PREVIEWS_BYTES;
  for (const [index, item] of items.entries()) {
    const path = `/open/${grant.id}/${index + 1}`;
    const { name, type, size } = item;
    const saveUrl = savePath?.(index + 1) ?? `${path}?download`;
    const entry = { name, type, size, scrubbed: type !== 'application/octet-stream', saveUrl };
    if (isPicture(type) && size <= inline) {
      inline -= size;
      const src = dataUrl(type, await readAll(content.span(item.offset, size)));
      shown.push({ ...entry, shown: { kind: 'picture', src, ...measures(item) } });
      continue;
    }
    const preview =
      (album || !isPicture(type)) && item.preview !== null && item.preview.size <= previews ? item.preview : null;
    previews -= preview?.size ?? 0;
    const src =
      preview === null ? path : dataUrl(preview.type, await readAll(content.span(item.previewOffset, preview.size)));
    shown.push({ ...entry, shown: await shownAs(content, item, path, src) });
  }
  return shown;
}

async function shownAs(content: Content, item: Item, path: string, src: string): Promise<Shown> {
  if (isPicture(item.type)) return { kind: 'picture', src, ...measures(item) };
  if (item.type === 'video/mp4') return { kind: 'video', src: path, poster: src === path ? null : src };
  if (item.type !== 'text/plain' || item.size > NOTE_SHOWN_BYTES) return { kind: 'none' };
  const bytes = await readAll(content.span(item.offset, item.size));
  const text = bytes.toString('utf8');
  bytes.fill(0);
  return { kind: 'note', text };
}

function measures({ width, height }: Item): { width: number | null; height: number | null } {
  return { width: width || null, height: height || null };
}
