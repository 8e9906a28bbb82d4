/** Sentences that are put together from several facts: what templates would get wrong if they had to. */
import type { MediaType } from '../../media/media-type.js';
import { isPicture } from '../../media/media-type.js';
import type { Removed } from '../../media/removed.js';
import type { TextKey } from '../texts/catalogue.js';
import type { Speaker } from '../texts/texts.js';
import type { RefusalCode, RefusalDetail } from '../../base/errors.js';
import { TAKEDOWN_ASKS, TAKEDOWN_KINDS } from './views.js';
import type { Ending, ErrorView, FieldProblem, ReceiptView, TakedownView, UploadProblem, UploadView } from './views.js';

/** When a share ends, as a time and as a distance; a share that burns ends at its first view or then. */
export function endingPhrase(say: Speaker, ending: Ending, burn: boolean): string {
  if (ending.kind === 'never') return say.text(burn ? 'ends.burnOnly' : 'ends.never');
  const params = { when: say.time(ending.at), until: say.until(ending.at, ending.now) };
  return say.text(burn ? 'ends.orBurn' : 'ends.at', params);
}

/** The kinds of metadata that were removed, as a list of words with their counts where more than one was met. */
export function removedPhrase(say: Speaker, removed: Removed): string {
  const words = [...removed].map(([kind, count]) => {
    const word = say.text(`removed.${kind}`);
    return count > 1 ? `${word} (${say.number(count)})` : word;
  });
  return say.list(words);
}

/** What an item is, and how large. */
export function typePhrase(say: Speaker, type: MediaType, size: number): string {
  return say.text('type.size', { type: say.text(typeKey(type)), size: say.size(size) });
}

function typeKey(type: MediaType): TextKey {
  if (isPicture(type)) return 'type.picture';
  if (type === 'video/mp4') return 'type.video';
  return type === 'text/plain' ? 'type.note' : 'type.other';
}

export type ReceiptWarning = 'burn' | 'passphrase' | 'held' | 'kept' | 'lost';

/** The warnings that a receipt must give, the most pressing first. */
export function receiptWarnings(view: ReceiptView): ReceiptWarning[] {
  const all: readonly (readonly [ReceiptWarning, boolean])[] = [
    ['burn', view.burn || view.views === 1],
    ['held', view.held],
    ['passphrase', view.passphrase],
    ['kept', view.items.some((item) => !item.scrubbed)],
    ['lost', true],
  ];
  return all.filter(([, applies]) => applies).map(([warning]) => warning);
}

/** What is needed to manage a share, as a text file in a `data:` address: saved by the browser, with no request. */
export function receiptFile(say: Speaker, siteName: string, view: ReceiptView): string {
  const line = (name: TextKey, value: string): string => `${say.text(name)}${say.text('type.colon')} ${value}`;
  const lines = [
    say.text('receipt.file.title', { site: siteName }),
    '',
    line('receipt.link', view.link),
    ...view.otherLinks.map((other) => line(`receipt.${other.kind}`, other.url)),
    line('receipt.token', view.deleteToken),
    line('receipt.token.page', view.deleteUrl),
    line('receipt.fileId', view.fileId),
    line('receipt.ends', endingPhrase(say, view.ending, view.burn)),
    ...view.items.map((item) => line('receipt.sha', `${item.sha256}  ${item.name}`)),
    '',
  ];
  return `data:text/plain;charset=utf-8,${encodeURIComponent(lines.join('\r\n'))}`;
}

/** What a refusal means and what to do next. */
export function refusalHelp(say: Speaker, code: ErrorView['code'], detail: RefusalDetail = {}): string {
  const limit = detail['limit'];
  if (code === 'too-large' && typeof limit === 'number')
    return say.text('error.too-large.limit', { limit: say.size(limit) });
  return say.text(`error.${code}.help`);
}

/** What a refused file seems to be, where the refusal says so in a fixed word. */
export function seemsPhrase(say: Speaker, detail: RefusalDetail = {}): string | null {
  const seems = detail['seems'];
  return seems === undefined ? null : say.text('error.type-not-supported.seems', { seems });
}

/** What is wrong with an upload that was sent: a field, or a refusal of what was in it. */
export function uploadProblem(say: Speaker, problem: UploadProblem, view: UploadView): string {
  const { code, detail } = problem;
  if (isFieldProblem(code)) {
    const count = code === 'note-too-long' ? view.noteLength : view.captionLength;
    return say.text(`problem.${code}`, { count: say.number(count) });
  }
  const sentences = [`${say.text(`error.${code}`)}.`, seemsPhrase(say, detail), refusalHelp(say, code, detail)];
  return sentences.filter((sentence) => sentence !== null).join(' ');
}

export type UploadField = 'file' | 'note' | 'caption' | 'expiry' | 'views' | 'passphrase' | 'code';

const FIELD_PROBLEMS: Readonly<Record<FieldProblem, UploadField>> = {
  'nothing-chosen': 'file',
  'note-too-long': 'note',
  'caption-too-long': 'caption',
  'expiry-unknown': 'expiry',
  'views-not-a-number': 'views',
  'passphrase-too-long': 'passphrase',
  'code-unknown': 'code',
};
/** Refusals of what was sent, and not of the moment at which it was. */
const CONTENT_REFUSALS: ReadonlySet<string> = new Set<RefusalCode>([
  ...(['empty', 'too-large', 'type-not-supported', 'unreadable', 'prohibited'] as const),
]);

function isFieldProblem(code: UploadProblem['code']): code is FieldProblem {
  return Object.hasOwn(FIELD_PROBLEMS, code);
}

/** The field that a problem is tied to; null where none of them is to blame. */
export function fieldAtFault({ problem, kind }: UploadView): UploadField | null {
  if (problem === null) return null;
  if (isFieldProblem(problem.code)) return FIELD_PROBLEMS[problem.code];
  if (!CONTENT_REFUSALS.has(problem.code)) return null;
  return kind === 'note' ? 'note' : 'file';
}

/** What the form of a kind of letter asks, and its texts: those of copyright where a kind has none of its own. */
export function takedownModel(say: Speaker, { kind, problem }: TakedownView): object {
  const of = (key: TextKey): string => {
    const own = `${key}.${kind}`;
    return say.text(Object.hasOwn(say.info.catalogue, own) ? (own as TextKey) : key);
  };
  const missing = problem === 'work' && kind !== 'copyright' ? 'reason' : problem;
  const problemText = missing === null ? '' : say.text(`takedown.problem.${missing}`);
  return { kinds: TAKEDOWN_KINDS, asks: TAKEDOWN_ASKS[kind], of, problemText };
}
