/** What the routes work with, handed in by the composition root. */
import type { FormReceiver } from '../intake/multipart.js';
import type { Pipeline } from '../intake/pipeline.js';
import type { ProgressBoard } from '../intake/progress.js';
import type { Vouchers } from '../intake/vouchers.js';
import type { Ledger } from '../ledger/ledger.js';
import type { CanaryFile } from '../moderation/canary-file.js';
import type { Moderation } from '../moderation/moderation.js';
import type { Retrieval } from '../retrieval/retrieval.js';
import type { Arena } from '../store/arena.js';
import type { OpenWords } from './open-words.js';
import type { Challenge } from './challenge.js';
import type { Counts } from './counts.js';
import type { Pages } from './pages/pages.js';
import type { Traffic } from './traffic.js';

export interface Policy {
  readonly siteName: string;
  readonly freeBytes: number;
  readonly proBytes: number;
  readonly anyFile: boolean;
  readonly rollSeconds: number;
  /** Days that a share may live that comes with a Pro code. */
  readonly proDays: number;
  /** Where codes are sold; null = ask through the contact form. */
  readonly proUrl: string | null;
}

export interface Services {
  readonly pages: Pages;
  readonly policy: Policy;
  readonly arena: Arena;
  readonly ledger: Ledger;
  readonly pipeline: Pipeline;
  readonly retrieval: Retrieval;
  readonly moderation: Moderation;
  readonly canary: CanaryFile;
  readonly progress: ProgressBoard;
  readonly receiveForm: FormReceiver;
  /** The words to be typed before a link is opened; null where none is asked. */
  readonly words: OpenWords | null;
  /** Pro codes. A request asks through `codeCheck` of `uploads.ts`, which asks once for each code. */
  readonly vouchers: Pick<Vouchers, 'isGood'>;
  readonly traffic: Traffic;
  readonly challenge: Challenge;
  readonly counts: Counts;
  readonly monotonic: () => number;
}
