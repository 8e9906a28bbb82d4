/** What the routes of the desk work with, handed in by the process that opens it. */
import type { Decoder } from '../media/decoder/decoder.js';
import type { Templates } from '../web/pages/templates.js';
import type { Readers } from '../web/readers.js';
import type { Claims } from './claims.js';
import type { Door } from './door.js';
import type { SignIns } from './remote-book.js';
import type { Sessions } from './sessions.js';

export interface Desk {
  /** To the senders' process. */
  readonly door: Door;
  readonly signIns: SignIns;
  readonly sessions: Sessions;
  readonly claims: Claims;
  readonly decoder: Decoder;
  readonly templates: Templates;
  readonly readers: Readers;
  readonly monotonic: () => number;
}
