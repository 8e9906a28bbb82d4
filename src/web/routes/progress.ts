/** `GET /progress/ID.gif`: an upload in flight as a picture that grows. `GET /progress/ID`: the same as text that grows. */
import type { ServerResponse } from 'node:http';
import type Router from '@koa/router';
import type { Context } from 'koa';
import { Refusal } from '../../base/errors.js';
import { MINUTE, SECOND } from '../../base/units.js';
import { parseUploadId, type ProgressState as Counted, type UploadId } from '../../intake/progress.js';
import { pageContext, pagePolicy } from '../answer.js';
import { sha256Base64 } from '../../crypto/hash.js';
import { PROGRESS_DOCUMENT_END, progressDocumentLine, progressDocumentStart } from '../pages/progress-document.js';
import { progressFrame, progressHeader, progressTrailer, type ProgressState } from '../progress-picture.js';
import type { Services } from '../services.js';

/** How long a picture waits for its upload: people choose a file first and think about the rest afterwards. */
const WAIT = 15 * MINUTE;
const LONGEST = 6 * 60 * MINUTE;
const PICTURE_EVERY = 500;
const TEXT_EVERY = 3 * SECOND;
/** The rate is that of the last seconds, not of the whole. */
const RATE_WINDOW = 5 * SECOND;

export function progressRoutes(router: Router, services: Services): void {
  router.get('/progress/:name', async (ctx) => {
    const [, text, gif] = /^([0-9A-Za-z]+)(\.gif)?$/.exec((ctx.params as { name: string }).name) ?? [];
    const id = parseUploadId(text);
    if (id === null) throw new Refusal('gone', 'not found');
    const release = services.traffic.progress.take();
    if (release === null) throw new Refusal('busy', 'too many progress pictures', { seconds: 30, bound: 'progress' });
    try {
      await (gif === undefined ? streamText(ctx, services, id) : streamPicture(ctx, services, id));
    } finally {
      release();
    }
  });
}

async function streamPicture(ctx: Context, services: Services, id: UploadId): Promise<void> {
  const { language } = pageContext(ctx);
  begin(ctx, 'image/gif');
  if (ctx.method === 'HEAD') return void ctx.res.end();
  ctx.res.write(progressHeader());
  await follow(ctx.res, services, id, PICTURE_EVERY, (state) => progressFrame(language, state));
  ctx.res.end(progressTrailer());
}

async function streamText(ctx: Context, services: Services, id: UploadId): Promise<void> {
  const { language } = pageContext(ctx);
  const { html, styleHashes } = progressDocumentStart(language, sha256Base64);
  ctx.set('Content-Security-Policy', pagePolicy(styleHashes, 'self'));
  ctx.set('X-Frame-Options', 'SAMEORIGIN');
  begin(ctx, 'text/html; charset=utf-8');
  if (ctx.method === 'HEAD') return void ctx.res.end();
  ctx.res.write(html);
  await follow(ctx.res, services, id, TEXT_EVERY, (state) => progressDocumentLine(language, state));
  ctx.res.end(PROGRESS_DOCUMENT_END);
}

function begin(ctx: Context, type: string): void {
  ctx.status = 200;
  ctx.set('Content-Type', type);
  ctx.respond = false;
  ctx.res.writeHead(200);
}

/** Writes a rendering of each change until the upload has ended, the reader has left, or the time is up. */
async function follow(
  response: ServerResponse,
  { progress, monotonic, policy }: Services,
  id: UploadId,
  every: number,
  render: (state: ProgressState) => Buffer | string,
): Promise<void> {
  const rate = new Rate();
  const begun = monotonic();
  let shown = '';
  while (!response.destroyed) {
    const counted = progress.read(id);
    const state = stateOf(counted, rate, policy.freeBytes);
    const now = JSON.stringify(state);
    // A reader that is behind gets the next frame when it has caught up: frames must not pile up in memory.
    if (now !== shown && response.writableLength === 0) {
      response.write(render(state));
      shown = now;
    }
    const waited = monotonic() - begun;
    if (shown === now && (counted === null ? waited > WAIT : counted.over)) return;
    if (waited > LONGEST) return;
    await new Promise((resolve) => setTimeout(resolve, every).unref());
  }
}

function stateOf(counted: Counted | null, rate: Rate, limit: number): ProgressState {
  if (counted === null) return { kind: 'waiting' };
  if (counted.over && counted.stage !== 'too-large') return { kind: endOf(counted) };
  switch (counted.stage) {
    case 'receiving':
      return {
        kind: 'receiving',
        received: counted.received,
        total: counted.expected,
        bytesPerSecond: rate.at(counted),
      };
    case 'too-large':
      return { kind: 'too-large', limit };
    case 'scrubbing':
      return { kind: 'removing' };
    case 'checking':
    case 'sealing':
    case 'done':
    case 'refused':
      return { kind: counted.stage };
  }
}

/** An upload that ended while it was received was cut off; any other had its answer. */
function endOf({ stage }: Counted): 'cut-off' | 'refused' | 'done' {
  if (stage === 'receiving') return 'cut-off';
  return stage === 'refused' ? 'refused' : 'done';
}

class Rate {
  readonly #samples: { elapsed: number; received: number }[] = [];

  /** Bytes a second over the last few; null before there is anything to go by. */
  at({ elapsed, received }: Counted): number | null {
    this.#samples.push({ elapsed, received });
    while ((this.#samples[0]?.elapsed ?? elapsed) < elapsed - RATE_WINDOW) this.#samples.shift();
    const first = this.#samples[0];
    if (first === undefined || elapsed - first.elapsed < SECOND) return null;
    return Math.round(((received - first.received) / (elapsed - first.elapsed)) * SECOND);
  }
}
