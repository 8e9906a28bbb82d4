/** What goes through the pipeline, and what comes out of it for the sender. */
import type { Brand } from '../base/brand.js';
import type { ByteSource } from '../base/source.js';
import type { Share } from '../ledger/ledger.js';
import type { DeletionToken, LinkToken } from '../ledger/tokens.js';
import type { Colour, Luma } from '../media/decoder/decoder.js';
import type { MediaType } from '../media/media-type.js';
import type { Removed } from '../media/removed.js';
import type { Verdict } from '../moderation/verdict.js';
import type { ShareOptions } from './options.js';
import type { ProgressReport, UploadId } from './progress.js';
import type { SealItem } from './seal.js';

/** One file as it was received. The pipeline's caller releases it. */
export interface Received {
  /** The name that the client gave: a wish. */
  readonly wish: string;
  readonly source: ByteSource;
  /** Text typed into a form is a note whatever it looks like. */
  readonly typed: boolean;
}

export interface Upload {
  readonly items: readonly Received[];
  readonly options: ShareOptions;
  /** Comes with a browser's form; null for scripts. */
  readonly id: UploadId | null;
  readonly progress: ProgressReport;
}

/** What the sender is told, once. It is kept nowhere. */
export interface Receipt {
  readonly link: LinkToken;
  readonly deletion: DeletionToken;
  readonly share: Share;
  readonly caption: string;
  readonly items: readonly ReceiptItem[];
}

export interface ReceiptItem {
  readonly name: string;
  readonly type: MediaType;
  readonly size: number;
  readonly sha256: string;
  readonly removed: Removed;
  /** False where metadata was left as it was: any-file mode. */
  readonly scrubbed: boolean;
  /** What is shared; readable until the upload is released. */
  readonly source: ByteSource;
  /** A smaller rendering, where there is one. */
  readonly preview: SealItem['preview'];
}

/** `looks`, `colours`: brightness and colour of the picture and of sample frames, for the review alone; wiped there. */
export interface Planes {
  readonly looks: readonly Luma[];
  /** Empty where no classifier asks for them. */
  readonly colours: readonly Colour[];
}
export type Scrubbed = Brand<
  SealItem & { readonly removed: Removed; readonly received: ByteSource } & Planes,
  'Scrubbed'
>;
export type Reviewed = Brand<{ readonly items: readonly Scrubbed[]; readonly doubt: Doubt | null }, 'Reviewed'>;
export type Doubt = Extract<Verdict, { kind: 'borderline' }>;
