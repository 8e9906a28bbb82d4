/**
 * The front page, which is asked for more than all others together: rendered once for each language and kept in pieces,
 * between which the progress ID of each answer is put.
 *
 * What holds: only a form in which nothing was typed and nothing was refused is kept, so nothing of a visitor's is; what
 * comes out is what rendering anew would give, written in ASCII where that is hardly longer. At most `MOST` pages are kept.
 */
import type { HashOf, Rendered } from './templates.js';
import { progressStyle } from './progress-document.js';
import { NOTHING_TYPED, type PageContext, type UploadView } from './views.js';

/** Stands for the ID in what is kept. As long as one, and no word of any page. */
const STAND_IN = '0StandsForAProgressId0';
const MOST = 64;
/** How many bytes longer a page may get by being written in ASCII. */
const MORE_BYTES = 256;

interface Kept {
  /** The page, cut at each place where the ID stands. */
  readonly pieces: readonly string[];
  /** The hash of the style that is the same in each answer. */
  readonly styleHash: string;
}

/** `render`, made cheap for the form as everybody gets it. */
export function frontPage(
  hashOf: HashOf,
  render: (context: PageContext, view: UploadView) => Rendered,
): (context: PageContext, view: UploadView) => Rendered {
  const kept = new Map<string, Kept>();
  const keep = (key: string, context: PageContext, view: UploadView): Kept => {
    const { html, styleHashes } = render(context, { ...view, progressId: STAND_IN });
    const page = { pieces: inAscii(html).split(STAND_IN), styleHash: styleHashes[0] ?? '' };
    if (kept.size < MOST) kept.set(key, page);
    return page;
  };
  return (context, view) => {
    if (view.problem !== null || view.typed !== NOTHING_TYPED || view.pass !== null) return render(context, view);
    const key = keyOf(context, view);
    const { pieces, styleHash } = kept.get(key) ?? keep(key, context, view);
    const ownHash = `'sha256-${hashOf(progressStyle(context.language, view.progressId))}'`;
    return { html: pieces.join(view.progressId), styleHashes: [styleHash, ownHash] };
  };
}

/**
 * `html` with every character beyond ASCII as a reference, in a string of one byte a character: Node writes such a string
 * as it is, and any other an order of magnitude slower.
 */
function inAscii(html: string): string {
  const ascii = html.replace(/[^\0-\x7f]/gu, (character) => `&#${character.codePointAt(0) ?? 0xfffd};`);
  // In Russian or Chinese the references would cost more on the line than they save here.
  if (ascii.length > Buffer.byteLength(html) + MORE_BYTES) return html;
  return Buffer.from(ascii, 'latin1').toString('latin1');
}

/** Everything that the page says and that may differ between two answers. */
function keyOf({ language, path, method }: PageContext, view: UploadView): string {
  const { kind, freeBytes, proBytes, captionLength, noteLength, anyFile, proDays } = view;
  return [language, path, method, kind, freeBytes, proBytes, captionLength, noteLength, anyFile, proDays].join(' ');
}
