/** Serves every page of `states.ts` under the headers of the real site, so that browsers can be taken through them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { progressFrame, progressHeader } from '../../src/web/progress-picture.js';
import { languageFrom } from '../../src/web/texts/texts.js';
import { HOSTILE_STATES, STATES } from '../web/pages/states.js';

export interface Gallery {
  readonly origin: string;
  readonly names: readonly string[];
  /** Paths that were asked for and are no page of the gallery. */
  readonly strays: readonly string[];
  /** Progress pictures that were asked for. */
  readonly progress: readonly string[];
  close(): Promise<void>;
}

/** The policy that the site sends with a page whose style blocks have these hashes. */
export function policyOf(styleHashes: readonly string[]): string {
  return (
    `default-src 'none'; style-src ${styleHashes.join(' ')}; img-src 'self' data:; media-src 'self'; ` +
    `form-action 'self'; base-uri 'none'; frame-ancestors 'none'`
  );
}

export async function openGallery(): Promise<Gallery> {
  const states = new Map([...STATES, ...HOSTILE_STATES].map((state) => [state.name, state]));
  const strays: string[] = [];
  const progress: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://gallery');
    const state = states.get(url.pathname.slice(1));
    if (url.pathname.startsWith('/progress/')) {
      progress.push(url.pathname);
      response.setHeader('Content-Type', 'image/gif');
      response.write(progressHeader());
      const language = languageFrom(url.searchParams.get('lang'));
      const receiving = { kind: 'receiving', total: 24_010_000, bytesPerSecond: 1_240_000 } as const;
      response.write(progressFrame(language, { ...receiving, received: 8_912_000 }));
      response.end(progressFrame(language, { ...receiving, received: 9_012_000 }));
      return;
    }
    if (state === undefined) {
      strays.push(url.pathname);
      response.statusCode = 404;
      response.end();
      return;
    }
    const { html, styleHashes } = state.render(languageFrom(url.searchParams.get('lang')));
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.setHeader('Content-Security-Policy', policyOf(styleHashes));
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('Referrer-Policy', 'same-origin');
    response.setHeader('Cache-Control', 'no-store');
    response.end(html);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    names: [...states.keys()],
    strays,
    progress,
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
