/**
 * The front page, which is asked for more than all others together: rendered once for each language and kept in pieces,
 * between which the progress ID of each answer is put.
 *
 * What holds: only a form in which nothing was typed and nothing was refused is kept, so nothing of a visitor's is; what
 * comes out is what rendering anew would give, written in ASCII where that is hardly longer. At most `MOST` pages are kept.
 */
import { invariant } from '../../base/errors.js';
import type { HashOf, Rendered } from './templates.js';
import { progressStyle } from './progress-document.js';
import { NOTHING_TYPED, type PageContext, type UploadView } from './views.js';

/** Stands for the ID in what is kept. As long as one, and no word of any page. */
const STAND_IN = '0StandsForAProgressId0';
const MOST = 64;
/** How many bytes longer a page may get by being written in ASCII. */
const MORE_BYTES = 256;
/** Copies of a page that are kept for the next answers. */
const MOST_SPARE = 32;

interface Kept {
  /** The page, cut at each place where the ID stands. */
  readonly pieces: readonly string[];
  /** Where the ID stands in the page's bytes. */
  readonly places: readonly number[];
  /** Its bytes, in memory that no answer uses now. */
  readonly spare: Buffer[];
  /** The hash of the style that is the same in each answer. */
  readonly styleHash: string;
}

/** A page as bytes that are this answer's until `release`, which is called once they have left. */
export interface PageBytes extends Omit<Rendered, 'html'> {
  readonly bytes: Buffer;
  readonly release: () => void;
}

export interface FrontPage {
  readonly html: (context: PageContext, view: UploadView) => Rendered;
  /** The same without making a text of it first; for a form in which nothing was typed. */
  readonly bytes: (context: PageContext, view: UploadView) => PageBytes;
}

/** `render`, made cheap for the form as everybody gets it. */
export function frontPage(hashOf: HashOf, render: (context: PageContext, view: UploadView) => Rendered): FrontPage {
  const kept = new Map<string, Kept>();
  const keep = (key: string, context: PageContext, view: UploadView): Kept => {
    const { html, styleHashes } = render(context, { ...view, progressId: STAND_IN });
    const pieces = inAscii(html).split(STAND_IN);
    const page = { pieces, places: placesBetween(pieces), spare: [], styleHash: styleHashes[0] ?? '' };
    if (kept.size < MOST) kept.set(key, page);
    return page;
  };
  const keptFor = (context: PageContext, view: UploadView): Kept => {
    const key = keyOf(context, view);
    return kept.get(key) ?? keep(key, context, view);
  };
  const hashesOf = ({ styleHash }: Kept, { language }: PageContext, { progressId }: UploadView): string[] => [
    styleHash,
    `'sha256-${hashOf(progressStyle(language, progressId))}'`,
  ];
  return {
    html(context, view) {
      if (view.problem !== null || view.typed !== NOTHING_TYPED || view.pass !== null) return render(context, view);
      const page = keptFor(context, view);
      return { html: page.pieces.join(view.progressId), styleHashes: hashesOf(page, context, view) };
    },
    bytes(context, view) {
      invariant(view.progressId.length === STAND_IN.length, 'all progress IDs are of one length');
      const page = keptFor(context, view);
      const { places, spare } = page;
      const bytes = spare.pop() ?? Buffer.from(page.pieces.join(view.progressId));
      const release = (): void => {
        for (const place of places) bytes.fill(0, place, place + view.progressId.length);
        if (spare.length < MOST_SPARE) spare.push(bytes);
      };
      for (const place of places) bytes.write(view.progressId, place, 'latin1');
      return { bytes, styleHashes: hashesOf(page, context, view), release };
    },
  };
}

/** Where in the page's bytes something as long as `STAND_IN` stands between its pieces. */
function placesBetween(pieces: readonly string[]): number[] {
  let at = 0;
  return pieces.slice(0, -1).map((piece) => {
    const place = at + Buffer.byteLength(piece);
    at = place + STAND_IN.length;
    return place;
  });
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
