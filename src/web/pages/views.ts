/**
 * What each page is given: plain data, nothing that a template has to work out and nothing that it could get wrong.
 * Addresses are paths of this site or complete links that the caller built from configured addresses. Times are
 * milliseconds since 1970; pages round them to the minute and show them in UTC.
 */
import type { RefusalCode, RefusalDetail } from '../../base/errors.js';
import type { MediaType } from '../../media/media-type.js';
import type { Removed } from '../../media/removed.js';
import type { Language } from '../texts/texts.js';

/** What every page needs to know about the request it answers. */
export interface PageContext {
  readonly language: Language;
  /** Path of the request, without its query. The links to other languages lead there. */
  readonly path: string;
  /** The answer to a POST offers no other language: following that link would lose what the page shows. */
  readonly method: 'GET' | 'POST';
}

export type ExpiryChoice = '1h' | '1d' | '1w' | 'burn' | 'never';
export const EXPIRY_CHOICES: readonly ExpiryChoice[] = ['1h', '1d', '1w', 'burn', 'never'];

/** When something ends. `now` is the moment of the answer, for "in 23 hours". */
export type Ending = { readonly kind: 'never' } | { readonly kind: 'at'; readonly at: number; readonly now: number };

/** What was typed into the upload form, as it came, so that a refusal loses nothing but the chosen files. */
export interface UploadTyped {
  readonly note: string;
  readonly caption: string;
  readonly expiry: ExpiryChoice;
  readonly views: string;
  readonly passphrase: string;
  readonly code: string;
  readonly hardScrub: boolean;
}

export const NOTHING_TYPED: UploadTyped = {
  note: '',
  caption: '',
  expiry: '1d',
  views: '',
  passphrase: '',
  code: '',
  hardScrub: false,
};

/** What can be wrong with one field of the upload form. */
export type FieldProblem =
  | 'nothing-chosen'
  | 'note-too-long'
  | 'caption-too-long'
  | 'expiry-unknown'
  | 'views-not-a-number'
  | 'passphrase-too-long'
  | 'code-unknown';

export interface UploadProblem {
  readonly code: FieldProblem | RefusalCode;
  readonly detail?: RefusalDetail;
}

/** `GET /`, and the answer to a refused `POST /`. The form posts to `/?progress=ID`. */
export interface UploadView {
  readonly kind: 'files' | 'note';
  /** Letters and digits only: it stands in an address inside a style block. */
  readonly progressId: string;
  readonly freeBytes: number;
  readonly proBytes: number;
  readonly captionLength: number;
  readonly noteLength: number;
  readonly anyFile: boolean;
  readonly typed: UploadTyped;
  readonly problem: UploadProblem | null;
}

/** How an item is shown. `src` is the path of a grant or a `data:` address. */
export type Shown =
  | { readonly kind: 'picture'; readonly src: string; readonly width: number | null; readonly height: number | null }
  /** `poster` is a `data:` address or a path; null where there is none. */
  | { readonly kind: 'video'; readonly src: string; readonly poster: string | null }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'none' };

export interface ReceiptItem {
  readonly name: string;
  readonly type: MediaType;
  readonly size: number;
  /** 64 hexadecimal digits, of the bytes that a reader gets. */
  readonly sha256: string;
  readonly removed: Removed;
  /** False where metadata was left as it was (any-file mode). */
  readonly scrubbed: boolean;
  readonly shown: Shown;
}

export interface OtherLink {
  readonly kind: 'onion' | 'mirror';
  readonly url: string;
}

/** The answer to a successful `POST /`. */
export interface ReceiptView {
  readonly link: string;
  readonly otherLinks: readonly OtherLink[];
  /** A `data:image/png` of the link, from `qrPicture`. */
  readonly qr: string;
  readonly deleteUrl: string;
  readonly deleteToken: string;
  readonly fileId: string;
  readonly caption: string | null;
  readonly items: readonly ReceiptItem[];
  readonly ending: Ending;
  readonly burn: boolean;
  readonly views: number | null;
  readonly passphrase: boolean;
  /** Kept back until a moderator has looked. */
  readonly held: boolean;
}

export interface ShareItem {
  readonly name: string;
  readonly type: MediaType;
  readonly size: number;
  readonly scrubbed: boolean;
  readonly shown: Shown;
  /** Where the bytes come as an attachment. */
  readonly saveUrl: string;
}

/** `GET /view/TOKEN` of an open share, and the answer to the `POST` that opened one. */
export interface ShareView {
  readonly fileId: string;
  readonly caption: string | null;
  readonly items: readonly ShareItem[];
  readonly ending: Ending;
  /** `open` for a link that anyone may look at again; otherwise what this opening used up. */
  readonly access:
    | { readonly kind: 'open' }
    | { readonly kind: 'burned'; readonly minutes: number }
    | { readonly kind: 'limited'; readonly left: number; readonly minutes: number }
    | { readonly kind: 'passphrase'; readonly minutes: number };
  readonly reportPath: string;
  /** Where "I have it, destroy it now" posts to; null hides the button. */
  readonly destroyPath: string | null;
  /** All items in one file, for albums. */
  readonly saveAllPath: string | null;
}

/** `GET /view/TOKEN` of a link that must be opened. Posts `passphrase` and `word` to the same path. */
export interface QuestionView {
  readonly path: string;
  readonly reportPath: string;
  readonly burn: boolean;
  readonly viewsLeft: number | null;
  readonly passphrase: boolean;
  /** What went wrong at the last try. */
  readonly problem: null | { readonly kind: 'wrong-passphrase' | 'wrong-word' } | SlowDown;
  /** A word to type before the button counts, against robots that press buttons. */
  readonly word: string | null;
}

export interface SlowDown {
  readonly kind: 'slow-down';
  readonly seconds: number;
}

/** `GET /delete`: where a deletion token is typed. Posts `token`. */
export interface TokenEntryView {
  readonly typed: string;
  readonly unknown: boolean;
}

/** `GET /delete/DELETION-TOKEN`: posts `action=shorten` with `expiry`, or `action=delete`, to the same path. */
export interface ManageView {
  readonly path: string;
  readonly fileId: string;
  readonly opened: boolean;
  readonly burn: boolean;
  readonly viewsLeft: number | null;
  readonly passphrase: boolean;
  readonly held: boolean;
  readonly ending: Ending;
  /** Choices that end sooner than now set. */
  readonly shorter: readonly ExpiryChoice[];
  /** Says that the change was made. */
  readonly shortened: boolean;
}

/** `GET /report/TOKEN`. Posts `reason` (one of REPORT_REASONS, may be empty) and `details` to the same path. */
export interface ReportView {
  readonly path: string;
  readonly fileId: string;
  readonly typed: { readonly reason: string; readonly details: string };
  readonly detailsLength: number;
  readonly problem: 'details-too-long' | null;
}
export const REPORT_REASONS = ['minors', 'violence', 'intimate', 'personal', 'copyright', 'malware', 'other'] as const;
export type ReportReason = (typeof REPORT_REASONS)[number];

/** Fields of `POST /takedown`. */
/** Kinds of letter that `POST /takedown` takes, and what each must have, in the order of its form: what the law asks for. */
export const TAKEDOWN_ASKS = {
  copyright: ['links', 'work', 'name', 'contact', 'goodFaith', 'accurate'],
  'intimate-image': ['links', 'name', 'contact', 'goodFaith', 'accurate'],
  'counter-notice': ['links', 'work', 'name', 'contact', 'goodFaith', 'accurate'],
  authority: ['work', 'name', 'contact'],
} as const;
export type TakedownKind = keyof typeof TAKEDOWN_ASKS;
export const TAKEDOWN_KINDS = Object.keys(TAKEDOWN_ASKS) as readonly TakedownKind[];

export interface TakedownTyped {
  readonly links: string;
  readonly work: string;
  readonly name: string;
  readonly contact: string;
  readonly goodFaith: boolean;
  readonly accurate: boolean;
}
export const NO_TAKEDOWN: TakedownTyped = {
  links: '',
  work: '',
  name: '',
  contact: '',
  goodFaith: false,
  accurate: false,
};
export type TakedownProblem =
  'links' | 'work' | 'name' | 'contact' | 'goodFaith' | 'accurate' | 'too-long' | 'not-taken';

export interface TakedownView {
  readonly kind: TakedownKind;
  readonly typed: TakedownTyped;
  readonly problem: TakedownProblem | null;
}

/** Fields of `POST /contact`: `topic` (one of CONTACT_TOPICS), `message`, `reply` (may be empty). */
export interface ContactView {
  readonly typed: { readonly topic: string; readonly message: string; readonly reply: string };
  /** `not-taken`: nobody can read letters now, or too many wait. */
  readonly problem: 'message' | 'too-long' | 'not-taken' | null;
  readonly messageLength: number;
}
export const CONTACT_TOPICS = ['question', 'pro', 'problem', 'press', 'security'] as const;
export type ContactTopic = (typeof CONTACT_TOPICS)[number];

/** What happened after a form was sent; `reference` is what to quote later. */
export interface SentView {
  readonly kind: 'report' | 'takedown' | 'contact';
  readonly reference: string | null;
}

/** A count of the transparency report. `null` is "fewer than 10": small numbers tell too much about single people. */
export type Count = number | null;
export const TRANSPARENCY_ROWS = [
  'reports',
  'removedAfterReport',
  'blockedAtUpload',
  'takedowns',
  'takedownsGranted',
  'takedownsRefused',
  'takedownsLate',
  'authorityRequests',
  'authorityAnswered',
] as const;
/** Rows that count a part of the row before them. */
export const TRANSPARENCY_PARTS: readonly TransparencyRow[] = [
  ...(['takedownsGranted', 'takedownsRefused', 'takedownsLate', 'authorityAnswered'] as const),
];
export type TransparencyRow = (typeof TRANSPARENCY_ROWS)[number];
export interface Quarter {
  readonly year: number;
  readonly quarter: 1 | 2 | 3 | 4;
  readonly running: boolean;
  readonly counts: Readonly<Record<TransparencyRow, Count>>;
}
export interface TransparencyView {
  readonly quarters: readonly Quarter[];
  /** The signed canary, where there is one. */
  readonly canary: { readonly path: string; readonly ageDays: number } | null;
}

/** The facts that the long pages name. */
export interface PolicyView {
  readonly freeBytes: number;
  readonly proBytes: number;
  readonly anyFile: boolean;
  /** Seconds until a destroyed link can't be brought back by anyone. */
  readonly rollSeconds: number;
  /** Where the reader is: what a network sees differs. */
  readonly listener: 'onion' | 'mirror' | 'local';
}

export interface ErrorView {
  readonly code: RefusalCode | 'not-found' | 'internal';
  readonly detail?: RefusalDetail;
  /** Seconds of a `Retry-After`, where one was sent. */
  readonly retryAfter: number | null;
}

/** Shown while the appliance is at its limits: a word to type, posted with `challenge` to `path`. */
export interface ChallengeView {
  readonly path: string;
  readonly challenge: string;
  readonly word: string;
  readonly wrong: boolean;
}

/** Shown while a place is waited for; the route sends a `Refresh` header with the same number of seconds. */
export interface WaitingView {
  readonly path: string;
  readonly seconds: number;
}

/** The notice of an old onion address. `seconds` until the browser follows it by itself, null where it does not. */
export interface MovedView {
  /** The page asked for, at the new address. */
  readonly url: string;
  readonly seconds: number | null;
}

/** The front page of a mirror on which nothing is shared. */
export interface ReadOnlyView {
  readonly onionOrigin: string | null;
}
