/** Names of files: what a recipient's machine will store them under. A client's word is only a wish. */
import { extensionOf, type MediaType } from '../media/media-type.js';

const NAME_BYTES = 120;

/** Endings that each type may keep; anything else gets the type's usual one. */
const ENDINGS: Readonly<Record<MediaType, readonly string[]>> = {
  'image/jpeg': ['jpg', 'jpeg', 'jpe', 'jfif'],
  'image/png': ['png', 'apng'],
  'image/gif': ['gif'],
  'image/webp': ['webp'],
  'video/mp4': ['mp4', 'm4v'],
  'text/plain': ['txt', 'text', 'md', 'log', 'csv'],
  'application/octet-stream': [],
};

/**
 * A safe name from a client's: no path, nothing that can't be seen or that turns writing around, no leading dot, an
 * ending that says what the bytes are, at most 120 bytes of UTF-8. An empty wish gives "picture.jpg" and the like.
 */
export function safeName(wish: string, type: MediaType): string {
  const base = (wish.split(/[/\\]/).pop() ?? '')
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu, '')
    .replace(/["<>|:*?]/g, '_')
    .replace(/^[.\s]+|[.\s]+$/g, '');
  const dot = base.lastIndexOf('.');
  const ending = dot > 0 ? base.slice(dot + 1).toLowerCase() : '';
  if (type === 'application/octet-stream') return cut(base, NAME_BYTES) || 'file.bin';
  const kept = ENDINGS[type].includes(ending) ? ending : extensionOf(type);
  const stem = dot > 0 && /^[0-9a-z]{1,5}$/.test(ending) ? base.slice(0, dot) : base;
  return `${cut(stem, NAME_BYTES - kept.length - 1) || stemOf(type)}.${kept}`;
}

function stemOf(type: MediaType): string {
  if (type === 'text/plain') return 'note';
  return type === 'video/mp4' ? 'video' : 'picture';
}

/** The longest beginning of `text` that has at most `bytes` bytes, whole characters only. */
function cut(text: string, bytes: number): string {
  let out = '';
  let length = 0;
  for (const character of text) {
    length += Buffer.byteLength(character);
    if (length > bytes) break;
    out += character;
  }
  return out;
}
