/**
 * The three kinds of failure, never mixed: what is not there is `null`; what is refused is a `Refusal` with a stable
 * code; what is our own fault is a broken `invariant`.
 */

/** Why something was refused. Each code has one sentence in the catalogue of texts and one HTTP status in `web/`. */
export type RefusalCode =
  | 'malformed'
  | 'wrong-method'
  | 'empty'
  | 'gone'
  | 'must-open'
  | 'wrong-passphrase'
  | 'too-large'
  | 'length-required'
  | 'type-not-supported'
  | 'unreadable'
  | 'prohibited'
  | 'slow-down'
  | 'challenge'
  | 'busy'
  | 'store-full'
  | 'cut-off'
  | 'forbidden';

/** Numbers and fixed words that a refusal's sentence may name. Never anything of a visitor's own. */
export type RefusalDetail = Readonly<Record<string, string | number>>;

/** An input that is turned away, with a code that never changes and nothing of the visitor's in its message. */
export class Refusal extends Error {
  readonly code: RefusalCode;
  readonly detail: RefusalDetail;

  constructor(code: RefusalCode, message: string, detail: RefusalDetail = {}) {
    super(message);
    this.name = 'Refusal';
    this.code = code;
    this.detail = detail;
  }
}

/** The store can't be opened or kept as it is: says which part, and what can be done. For the operator, not visitors. */
export class StoreFault extends Error {
  readonly part: string;
  readonly remedy: string;

  constructor(part: string, message: string, remedy: string) {
    super(message);
    this.name = 'StoreFault';
    this.part = part;
    this.remedy = remedy;
  }
}

/** Our own bug, if it ever fails. The message must not depend on a request. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${message}`);
}

/** The end of a switch over a union: the compiler proves that nothing comes here. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${typeof value}`);
}
