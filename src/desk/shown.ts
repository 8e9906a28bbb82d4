/** How the items of a flagged share are shown: blurred, and once a moderator has asked for it, as they are. */
import { readAll } from '../base/source.js';
import { KiB } from '../base/units.js';
import type { Front, Item } from '../intake/front.js';
import { isPicture } from '../media/media-type.js';
import type { OpenedItem } from './evidence.js';

/** So much of a note is shown. */
const NOTE_SHOWN = 64 * KiB;

export interface ShownItem {
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly kind: 'picture' | 'video' | 'note' | 'other';
  /** Address of a blurred picture; null where there is none. */
  readonly blurred: string | null;
  /** Address of the bytes; null before they were asked for. */
  readonly src: string | null;
  /** Of a note that was asked for. */
  readonly text: string | null;
}

/** `base` is the address of the case. */
export function shownItems(opened: OpenedItem, { items }: Front, base: string): Promise<ShownItem[]> {
  return Promise.all(items.map((item, index) => shown(opened, item, base, index + 1)));
}

async function shown(opened: OpenedItem, item: Item, base: string, number: number): Promise<ShownItem> {
  const { name, type, size } = item;
  const kind = kindOf(item);
  const still = kind === 'picture' || item.preview !== null;
  return {
    ...{ name, type, size, kind },
    blurred: still ? `${base}/blurred/${number}` : null,
    src: opened.seen ? `${base}/item/${number}` : null,
    text: opened.seen && kind === 'note' ? await textOf(opened, item) : null,
  };
}

function kindOf({ type }: Item): ShownItem['kind'] {
  if (isPicture(type)) return 'picture';
  if (type === 'video/mp4') return 'video';
  return type === 'text/plain' ? 'note' : 'other';
}

async function textOf({ content }: OpenedItem, { offset, size }: Item): Promise<string> {
  const bytes = await readAll(content.span(offset, Math.min(size, NOTE_SHOWN)));
  const text = bytes.toString('utf8');
  bytes.fill(0);
  return text;
}
