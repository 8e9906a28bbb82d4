/** What the desk calls things: one sentence or word for each value of the books. English; staff are few and known. */
import { DAY, HOUR, MB, MINUTE } from '../base/units.js';
import type { AuditAction } from '../moderation/audit.js';
import type { ListAction, ListReason } from '../moderation/block-list-format.js';
import type { ReportReason } from '../moderation/case-record.js';
import type { ClassifierStatus } from '../moderation/classifier/classifier.js';
import type { ClassifierFault } from '../moderation/classifier/model-process.js';
import type { Counted } from '../moderation/counters.js';
import type { NoticeKind, Outcome } from '../moderation/notices.js';
import type { BorderlineReason, Severity } from '../moderation/verdict.js';

export const REPORTED: Readonly<Record<ReportReason, string>> = {
  minors: 'sexual content with minors',
  violence: 'violence or threats',
  intimate: 'intimate picture without consent',
  personal: 'somebody\u2019s personal data',
  copyright: 'copyright',
  malware: 'malware or fraud',
  other: 'other',
};

export const DOUBTED: Readonly<Record<BorderlineReason, string>> = {
  listed: 'on a list that asks for review',
  'perhaps-listed': 'looks like something on a list',
  explicit: 'explicit, says the model',
};

export const SEVERITY: Readonly<Record<Severity, string>> = { 3: 'gravest', 2: 'grave', 1: 'lesser' };

export const KIND: Readonly<Record<NoticeKind, string>> = {
  copyright: 'Copyright notice',
  'intimate-image': 'Intimate image notice',
  'counter-notice': 'Counter-notice',
  authority: 'Request of an authority',
  contact: 'Message',
};

export const OUTCOME: Readonly<Record<Outcome, string>> = {
  open: 'open',
  granted: 'granted',
  refused: 'refused',
  answered: 'answered',
};

export const LIST_REASON: Readonly<Record<ListReason, string>> = {
  'child-abuse': 'child abuse',
  'intimate-image': 'intimate images',
  terrorism: 'terrorism',
  'banned-here': 'banned here',
  other: 'other',
};

export const LIST_ACTION: Readonly<Record<ListAction, string>> = {
  refuse: 'refuse at upload',
  review: 'put before the staff',
};

export const COUNTED_AS: Readonly<Record<Counted, string>> = {
  reports: 'Shares reported',
  removedAfterReport: 'Removed after a report',
  blockedAtUpload: 'Refused at upload',
  takedowns: 'Takedown notices received',
  takedownsGranted: 'Takedown notices granted',
  takedownsRefused: 'Takedown notices refused',
  takedownsLate: 'Answered after 48 hours',
  authorityRequests: 'Requests of authorities received',
  authorityAnswered: 'Requests of authorities answered',
  borderline: 'Borderline at upload',
  released: 'Held, then released',
  bans: 'Bans',
  reportsWithoutEvidence: 'Reports without evidence',
  unchecked: 'Uploads the classifier did not see',
};

export const DID: Readonly<Record<AuditAction, string>> = {
  'signed-in': 'signed in',
  kept: 'kept',
  removed: 'removed',
  'removed-and-banned': 'removed and banned',
  preserved: 'removed and preserved',
  released: 'released',
  viewed: 'looked at',
  'notice-granted': 'granted the notice',
  'notice-refused': 'refused the notice',
  'notice-answered': 'answered',
  'removed-by-file-id': 'removed, by its file ID',
  'ban-lifted': 'lifted the ban of',
  'list-added': 'added the list',
  'list-removed': 'removed the list',
  'account-added': 'added the account',
  'account-reset': 'gave a new passphrase to',
  'account-removed': 'removed the account',
};

const FAULT: Readonly<Record<ClassifierFault, string>> = {
  'model-unreadable': 'its model file can not be read',
  'card-unreadable': 'the card beside its model is missing or wrong',
  'model-refused': 'the engine does not take its model, or the outputs are not what the card says',
  'engine-missing': 'its engine could not be started',
  crashed: 'it crashed',
  'timed-out': 'it took too long',
};

/** What the classifier is doing, and whether that needs somebody's eye. */
export function classifierWords(status: ClassifierStatus): { readonly text: string; readonly well: boolean } {
  switch (status.kind) {
    case 'missing':
      return {
        text: 'No classifier: no model is configured, so lists and reports alone put shares here.',
        well: false,
      };
    case 'starting':
      return { text: 'The classifier is starting.', well: true };
    case 'ready':
      return { text: 'The classifier works.', well: true };
    case 'failing':
      return { text: `The classifier fails: ${FAULT[status.fault]}. Uploads pass by the lists alone.`, well: false };
  }
}

/** `2026-11-24 12:03 UTC`: to the minute, like all times that are shown. */
export function when(time: number): string {
  return `${new Date(Math.floor(time / MINUTE) * MINUTE).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

/** `3 hours`: how long a span is, in its largest unit. */
export function span(milliseconds: number): string {
  const length = Math.max(0, milliseconds);
  const [unit, word] =
    length >= 2 * DAY ? [DAY, 'day'] : length >= HOUR ? [HOUR, 'hour'] : ([MINUTE, 'minute'] as const);
  const count = Math.floor(length / unit);
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

export function bytesWords(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < MB ? `${(bytes / 1000).toFixed(0)} kB` : `${(bytes / MB).toFixed(1)} MB`;
}
