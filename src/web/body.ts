/** Small request bodies: the fields of a form that carries no file. Bounded, and read once. */
import type { Context } from 'koa';
import { Refusal } from '../base/errors.js';
import { unwatched } from '../intake/progress.js';
import type { FormReceiver } from '../intake/multipart.js';

const FORM_BYTES = 64 * 1024;

/** Tells a client that asked first (`Expect: 100-continue`) to send its body. Called by whoever reads it. */
export function acceptBody(ctx: Context): void {
  if (ctx.get('Expect').toLowerCase() === '100-continue' && !ctx.res.writableEnded) ctx.res.writeContinue();
}

/** The fields of a small form, urlencoded or multipart. An empty body has none; what is too large is refused. */
export async function smallForm(ctx: Context, receive: FormReceiver): Promise<Record<string, string>> {
  acceptBody(ctx);
  if (ctx.is('multipart/form-data')) {
    const form = await receive(ctx, { fileBytes: () => FORM_BYTES, progress: unwatched });
    form.release();
    if (form.refused !== null) throw form.refused;
    return { ...form.fields };
  }
  const text = (await readBody(ctx, FORM_BYTES)).toString('utf8');
  return Object.fromEntries(new URLSearchParams(text));
}

/** The body's pieces up to its end: a connection that breaks off is no end, and a `Refusal` 'cut-off'. */
export async function* bodyOf(ctx: Context): AsyncGenerator<Buffer, void, undefined> {
  try {
    yield* ctx.req as AsyncIterable<Buffer>;
  } catch {
    throw new Refusal('cut-off', 'the request was cut off');
  }
  if (!ctx.req.complete) throw new Refusal('cut-off', 'the request was cut off');
}

/** The whole body, of at most `limit` bytes. More is read to its end (within reason) and refused. */
export async function readBody(ctx: Context, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of bodyOf(ctx)) {
    size += piece.length;
    if (size <= limit) pieces.push(piece);
    else if (size > limit + DRAIN_BYTES) throw new Refusal('too-large', 'the body is too large', { limit });
  }
  if (size > limit) throw new Refusal('too-large', 'the body is too large', { limit });
  return Buffer.concat(pieces, size);
}

/** A browser shows an answer only when its body was read; beyond this much nobody is waiting for one. */
export const DRAIN_BYTES = 1_000_000_000;

/** Reads and throws away what is left of the body, within reason, so that a browser shows the answer. */
export async function drainBody(ctx: Context): Promise<void> {
  let size = 0;
  for await (const piece of bodyOf(ctx)) {
    size += piece.length;
    if (size > DRAIN_BYTES) return;
  }
}
