/** Sends the bytes of uploads: under their own policy, with their true length, piece by piece, and wiped once sent. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { create as contentDisposition } from 'content-disposition';
import type { Context } from 'koa';
import type { Item } from '../intake/front.js';
import { archive } from '../retrieval/album.js';
import type { Content } from '../retrieval/content.js';
import { spanFor, type Span } from '../retrieval/serve.js';
import { BYTES_POLICY } from './answer.js';
import type { Readers } from './readers.js';

export interface Served {
  readonly type: string;
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** What tells this span from others of the share, for its entity tag. */
  readonly tag: string;
}

export function servedItem(item: Item, number: number): Served {
  const type = item.type === 'text/plain' ? 'text/plain; charset=utf-8' : item.type;
  return { type, name: item.name, offset: item.offset, size: item.size, tag: `item ${number}` };
}

export function servedPreview(item: Item, number: number): Served | null {
  if (item.preview === null) return null;
  const { type, size } = item.preview;
  return { type, name: 'preview.webp', offset: item.previewOffset, size, tag: `preview ${number}` };
}

/** Answers with `served` out of `content`, whole or the range asked for. Resolves when the answer has ended, however it ended. */
export async function sendBytes(
  ctx: Context,
  content: Content,
  served: Served,
  { download, readers }: { readonly download: boolean; readonly readers: Readers },
): Promise<void> {
  const span = spanFor(served.size, `"${content.entityTag(served.tag)}"`, {
    range: ctx.method === 'GET' || ctx.method === 'HEAD' ? ctx.get('Range') : '',
    ifRange: ctx.get('If-Range'),
    ifNoneMatch: ctx.get('If-None-Match'),
  });
  setHeaders(ctx, span, served, download);
  const pacing = readers.of(ctx.req);
  await send(
    ctx,
    content,
    async (response) => {
      for await (const piece of content.pieces(served.offset + span.start, served.offset + span.end, pacing)) {
        if (!response.write(piece, () => piece.fill(0))) await drained(response);
        if (response.destroyed) return;
      }
      response.end();
    },
    span.end > span.start,
  );
}

/** Answers with all items in one archive. */
export async function sendArchive(ctx: Context, content: Content, readers: Readers): Promise<void> {
  const { stream, size } = await archive(content, readers.of(ctx.req));
  ctx.status = 200;
  ctx.set('Content-Security-Policy', BYTES_POLICY);
  ctx.set('Content-Type', 'application/zip');
  ctx.set('Content-Length', String(size));
  ctx.set('Content-Disposition', contentDisposition('album.zip', { type: 'attachment' }));
  await send(ctx, content, (response) => pipeline(stream, response), true);
}

function setHeaders(ctx: Context, span: Span, served: Served, download: boolean): void {
  ctx.status = span.status;
  ctx.set('Content-Security-Policy', BYTES_POLICY);
  ctx.set('Content-Type', served.type);
  const type = download || served.type === 'application/octet-stream' ? 'attachment' : 'inline';
  ctx.set('Content-Disposition', contentDisposition(served.name, { type }));
  ctx.set(span.headers);
}

/** Writes a body past Koa, whose own way of piping would report a reader who left as an error of ours. */
async function send(
  ctx: Context,
  content: Content,
  write: (response: ServerResponse) => Promise<void>,
  hasBody: boolean,
): Promise<void> {
  const response = ctx.res;
  ctx.respond = false;
  if (ctx.method === 'HEAD' || !hasBody) {
    response.writeHead(ctx.status);
    response.end();
    return;
  }
  const cut = (): void => cutOff(response);
  content.onClose(cut);
  try {
    response.writeHead(ctx.status);
    await write(response);
    if (!response.writableFinished && !response.destroyed)
      await Promise.race([once(response, 'finish'), once(response, 'close')]);
  } catch {
    // The share died, the reader left, or a chunk was not authentic: the length promised is not kept, and that shows.
    response.destroy();
  } finally {
    content.offClose(cut);
  }
}

/** Ends an answer now: over TCP with a reset, so that what waits in the kernel is not sent either. */
function cutOff(response: ServerResponse): void {
  const { socket } = response;
  if (socket?.remoteFamily === undefined) response.destroy();
  else socket.resetAndDestroy();
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  await new Promise<void>((resolve) => {
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.on('drain', go);
    response.on('close', go);
  });
}
