/**
 * The progress of an upload in a page: the style that paints the streamed picture, and the streamed text for those who
 * hear pages.
 *
 * The address of the picture stands inside `@keyframes` because browsers fetch it there only when the animation starts,
 * which a chosen file does; in a plain rule NoScript would fetch it for everybody who just looks at the form.
 */
import { invariant } from '../../base/errors.js';
import { DEFAULT_LANGUAGE, speakerOf } from '../texts/texts.js';
import type { Language } from '../texts/texts.js';
import type { ProgressState } from '../progress-picture.js';
import type { HashOf, Rendered } from './templates.js';

/** The style block of the upload page. It names the upload's ID, so its hash belongs to one answer only. */
export function progressStyle(language: Language, progressId: string): string {
  invariant(/^[0-9A-Za-z]{1,64}$/.test(progressId), 'a progress ID is letters and digits');
  const query = language === DEFAULT_LANGUAGE ? '' : `?lang=${language}`;
  return `@keyframes p{from,to{background-image:url(/progress/${progressId}.gif${query})}}`;
}

/** Shows the last line only, for those who look: `:last-child` would stay blank in Chromium while the page streams. */
const STYLE =
  ':root{color-scheme:light dark}body{font:1.25rem/1.6 system-ui,sans-serif;margin:2rem auto;max-width:34rem;padding:0 1rem}p:has(+p){display:none}';

/** Everything up to the first line. Send it at once, then a line whenever a reader should hear one. */
export function progressDocumentStart(language: Language, hashOf: HashOf): Rendered {
  const say = speakerOf(language);
  const title = say.text('progress.title');
  const html =
    `<!doctype html><html lang="${say.info.tag}" dir="${say.info.direction}"><head><meta charset="utf-8">` +
    `<meta name="viewport" content="width=device-width"><title>${title}</title><style>${STYLE}</style></head>` +
    `<body><main><h1>${title}</h1><div role="log">\n`;
  return { html, styleHashes: [`'sha256-${hashOf(STYLE)}'`] };
}

export function progressDocumentLine(language: Language, state: ProgressState): string {
  return `<p>${progressSentence(language, state)}</p>\n`;
}

export const PROGRESS_DOCUMENT_END = '</div></main></body></html>\n';

/** What a state means, in words. Contains nothing of a visitor's, so nothing to escape. */
export function progressSentence(language: Language, state: ProgressState): string {
  const say = speakerOf(language);
  switch (state.kind) {
    case 'receiving':
      return receivingSentence(language, state);
    case 'too-large':
      return say.text('progress.tooLarge', { limit: say.size(state.limit) });
    case 'cut-off':
      return say.text('progress.cutOff');
    case 'waiting':
    case 'checking':
    case 'removing':
    case 'sealing':
    case 'done':
    case 'refused':
      return say.text(`progress.${state.kind}`);
  }
}

function receivingSentence(language: Language, state: Extract<ProgressState, { kind: 'receiving' }>): string {
  const say = speakerOf(language);
  const received = say.size(state.received);
  if (state.total === null) return say.text('progress.receivingOpen', { received });
  const percent = say.percent(Math.floor((100 * state.received) / Math.max(1, state.total)) / 100);
  const so = say.text('progress.receiving', { percent, received, total: say.size(state.total) });
  if (state.bytesPerSecond === null || state.bytesPerSecond <= 0) return so;
  const left = say.duration(((state.total - state.received) / state.bytesPerSecond) * 1000);
  return `${so} ${say.text('progress.left', { rate: say.size(state.bytesPerSecond), left })}`;
}
