/**
 * The door of the pages: one typed function for each page of the senders' site.
 *
 * What holds: a page is a function of its view, its language and the site's name; it contains no script, no `style` or
 * `on…` attribute, no SVG and no address outside of this site, except links that the caller gives as links. Rendering
 * asks nothing of anybody and reads no file.
 */
import { loadTemplates } from './templates.js';
import type { HashOf, Rendered } from './templates.js';
import {
  endingPhrase,
  fieldAtFault,
  receiptFile,
  receiptWarnings,
  refusalHelp,
  removedPhrase,
  seemsPhrase,
  typePhrase,
  takedownModel,
  uploadProblem,
} from './phrases.js';
import { frontPage, type FrontPage } from './front-page.js';
import { progressStyle } from './progress-document.js';
import { DEFAULT_LANGUAGE, LANGUAGES, speakerOf } from '../texts/texts.js';
import type { Speaker } from '../texts/texts.js';
import {
  CONTACT_TOPICS,
  EXPIRY_CHOICES,
  REPORT_REASONS,
  TRANSPARENCY_PARTS,
  TRANSPARENCY_ROWS,
  UPLOAD_CHOICES,
} from './views.js';
import type * as views from './views.js';

export type { HashOf, Rendered } from './templates.js';

type Page<View> = (context: views.PageContext, view: View) => Rendered;

export interface Pages {
  readonly upload: Page<views.UploadView>;
  readonly uploadBytes: FrontPage['bytes'];
  readonly receipt: Page<views.ReceiptView>;
  readonly share: Page<views.ShareView>;
  readonly question: Page<views.QuestionView>;
  readonly tokenEntry: Page<views.TokenEntryView>;
  readonly manage: Page<views.ManageView>;
  /** `destroyed` answers a reader's "I have it, destroy it now", `deleted` the sender's deletion. */
  readonly deleted: Page<{ readonly by: 'sender' | 'reader' }>;
  readonly report: Page<views.ReportView>;
  readonly takedown: Page<views.TakedownView>;
  readonly contact: Page<views.ContactView>;
  readonly sent: Page<views.SentView>;
  readonly faq: Page<views.PolicyView>;
  readonly terms: Page<views.PolicyView>;
  readonly privacy: Page<views.PolicyView>;
  readonly pro: Page<views.PolicyView>;
  readonly transparency: Page<views.TransparencyView>;
  readonly error: Page<views.ErrorView>;
  readonly challenge: Page<views.ChallengeView>;
  readonly waiting: Page<views.WaitingView>;
  readonly moved: Page<views.MovedView>;
  readonly readOnly: Page<views.ReadOnlyView>;
}

export interface PagesOptions {
  /** The folder with the `.njk` and `.css` files of the senders' site. */
  readonly templatesDir: string;
  readonly siteName: string;
  readonly hashOf: HashOf;
}

export function createPages({ templatesDir, siteName, hashOf }: PagesOptions): Pages {
  const templates = loadTemplates(templatesDir, hashOf);
  const page =
    <View extends object>(name: string, sheet: string | null, model: (say: Speaker, view: View) => object) =>
    (context: views.PageContext, view: View): Rendered => {
      const say = speakerOf(context.language);
      const sheets = ['base', 'inner', ...(sheet === null ? [] : [sheet])];
      return templates.render(name, { ...ground(say, siteName, context), view, ...model(say, view) }, sheets);
    };
  const nothing = (): object => ({});
  const longPage = (name: 'faq' | 'terms' | 'privacy'): Page<views.PolicyView> =>
    page('long', 'text', (say, view) => ({ long: say.long(name, policyParams(say, siteName, view)) }));
  const front = frontPage(hashOf, (context, view) => {
    const say = speakerOf(context.language);
    const problemText = view.problem === null ? '' : uploadProblem(say, view.problem, view);
    const fault = fieldAtFault(view);
    const choices = view.proDays === null ? EXPIRY_CHOICES : UPLOAD_CHOICES;
    const model = { ...ground(say, siteName, context), view, choices, problemText, fault };
    return templates.render('upload', model, ['base', 'upload'], progressStyle(context.language, view.progressId));
  });
  return {
    upload: front.html,
    uploadBytes: front.bytes,
    receipt: page<views.ReceiptView>('receipt', 'share', (say, view) => ({
      warnings: receiptWarnings(view),
      file: receiptFile(say, siteName, view),
    })),
    share: page('share', 'share', nothing),
    question: page('question', null, nothing),
    tokenEntry: page('token', null, nothing),
    manage: page('manage', null, nothing),
    deleted: page('deleted', null, nothing),
    report: page('report', null, () => ({ reasons: REPORT_REASONS })),
    takedown: page<views.TakedownView>('takedown', null, takedownModel),
    contact: page('contact', null, () => ({ topics: CONTACT_TOPICS })),
    sent: page('sent', 'share', nothing),
    faq: longPage('faq'),
    terms: longPage('terms'),
    privacy: longPage('privacy'),
    pro: page('pro', 'text', nothing),
    transparency: page('transparency', 'text', () => ({ rows: TRANSPARENCY_ROWS, parts: TRANSPARENCY_PARTS })),
    error: page<views.ErrorView>('error', null, (say, view) => ({
      help: refusalHelp(say, view.code, view.detail),
      seems: seemsPhrase(say, view.detail),
    })),
    challenge: page('challenge', null, nothing),
    waiting: page('waiting', null, nothing),
    moved: page('moved', 'share', nothing),
    readOnly: page('readonly', 'share', nothing),
  };
}

/** What every template may use. */
function ground(say: Speaker, siteName: string, context: views.PageContext): object {
  return {
    siteName,
    context,
    language: { code: say.language, ...say.info },
    languages: Object.entries(LANGUAGES).map(([code, info]) => ({ code, name: info.name, tag: info.tag })),
    href: (path: string) => inLanguage(say, path),
    t: say.text,
    n: say.plural,
    number: say.number,
    size: say.size,
    daysAgo: say.daysAgo,
    ending: (ending: views.Ending, burn: boolean) => endingPhrase(say, ending, burn),
    removedWords: (item: views.ReceiptItem) => removedPhrase(say, item.removed),
    typeAndSize: ({ type, size }: views.ReceiptItem | views.ShareItem) => typePhrase(say, type, size),
    year: say.year,
  };
}

/** A path of this site that keeps the language chosen. English, the default, leaves addresses as they are. */
function inLanguage(say: Speaker, path: string): string {
  if (say.language === DEFAULT_LANGUAGE) return path;
  return `${path}${path.includes('?') ? '&' : '?'}lang=${say.language}`;
}

function policyParams(say: Speaker, site: string, view: views.PolicyView): Record<string, string> {
  return {
    site,
    free: say.size(view.freeBytes),
    pro: say.size(view.proBytes),
    days: say.number(view.proDays),
    seconds: say.number(view.rollSeconds),
    connection: say.text(`privacy.${view.listener}`),
  };
}
