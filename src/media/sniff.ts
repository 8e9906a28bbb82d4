import type { ByteSource } from '../base/source.js';
import type { MediaType } from './media-type.js';
export type Found = { kind: 'supported'; type: MediaType } | { kind: 'unsupported'; seems: string };
export async function sniff(source: ByteSource): Promise<Found> {
  const head = await source.read(0, 4100);
  const hex = head.toString('latin1');
  const ok = (type: MediaType): Found => ({ kind: 'supported', type });
  if (hex.startsWith('\xff\xd8\xff')) return ok('image/jpeg');
  if (hex.startsWith('\x89PNG')) return ok('image/png');
  if (hex.startsWith('GIF8')) return ok('image/gif');
  if (hex.slice(8, 12) === 'WEBP') return ok('image/webp');
  if (hex.slice(4, 8) === 'ftyp') return ok('video/mp4');
  return head.includes(0) ? { kind: 'unsupported', seems: 'binary data' } : ok('text/plain');
}
