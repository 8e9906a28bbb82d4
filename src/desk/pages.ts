/** How a page of the desk is made: a template, what it shows, and the state of the appliance at its head. */
import path from 'node:path';
import type { Context } from 'koa';
import { MINUTE } from '../base/units.js';
import { sendPage } from '../web/answer.js';
import { loadTemplates, type Rendered, type Templates } from '../web/pages/templates.js';
import { sha256Base64 } from '../crypto/hash.js';
import type { Desk } from './desk.js';
import type { Session } from './sessions.js';
import * as words from './words.js';

const TEMPLATES = path.resolve(import.meta.dirname, '../../../templates');

/** The templates, compiled. Autoescape is on: whatever a visitor typed stays text. */
export function loadDeskTemplates(): Templates {
  const shared = ['base.css', 'inner.css'].map((name) => path.join(TEMPLATES, 'public', name));
  return loadTemplates(path.join(TEMPLATES, 'desk'), sha256Base64, ...shared);
}

/** Answers with a page; `session` is null for those who are not signed in. */
export async function sendDeskPage(
  ctx: Context,
  { door, templates }: Desk,
  session: Session | null,
  name: string,
  view: object,
  status = 200,
): Promise<void> {
  const state = await door.state();
  const { now } = state;
  const page: Rendered = templates.render(
    name,
    {
      view,
      state,
      siteName: state.siteName,
      path: ctx.path,
      me: session?.name ?? null,
      formToken: session?.formToken ?? '',
      word: session?.takeWord() ?? null,
      classifier: words.classifierWords(state.classifier),
      words,
      ago: (time: number) => (now - time < MINUTE ? 'just now' : `${words.span(now - time)} ago`),
      within: (time: number) => (time <= now ? `${words.span(now - time)} overdue` : `in ${words.span(time - now)}`),
    },
    ['base', 'inner', 'desk'],
  );
  sendPage(ctx, status, page);
}
