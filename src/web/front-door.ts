/**
 * A short way for `GET /`, which is asked for more than all else together: the form as everybody gets it, answered without
 * Koa, whose layers would take more time than the page.
 *
 * What holds: the answer is the one that the long way gives, header by header and byte by byte (test/web/front-door.test.ts).
 * It stands behind the same bounds on connections and requests; where anything else is to be decided (a listener with
 * circuits, TLS, a mirror that takes nothing, the challenge, a query, another method), the long way is taken.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { baseHeaders, pagePolicy } from './answer.js';
import type { Circuits } from './circuits.js';
import { freshForm } from './routes/upload.js';
import type { Services } from './services.js';
import type { Site } from './site.js';
import { DEFAULT_LANGUAGE } from './texts/texts.js';

const POLICY = 'Content-Security-Policy';

/** Answers the requests that it is for, and says whether this was one. */
export type FrontDoor = (request: IncomingMessage, response: ServerResponse) => boolean;

export function frontDoor(site: Site, services: Services, circuits: Circuits | null): FrontDoor {
  const isPlain = circuits === null && !site.secure && site.readOnly !== true;
  const headers = { ...baseHeaders(site), 'Content-Type': 'text/html; charset=utf-8' };
  const always = Object.entries(headers)
    .filter(([name]) => name !== POLICY)
    .flat();
  const context = { language: DEFAULT_LANGUAGE, path: '/', method: 'GET' } as const;
  return (request, response) => {
    if (!isPlain || request.url !== '/' || request.method !== 'GET' || services.challenge.active) return false;
    const { bytes, styleHashes, release } = services.pages.uploadBytes(context, freshForm(services.policy));
    response.sendDate = false;
    response.writeHead(200, [POLICY, pagePolicy(styleHashes), ...always, 'Content-Length', String(bytes.length)]);
    response.end(bytes, release);
    return true;
  };
}
