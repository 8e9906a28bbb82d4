/**
 * How often each limit turned somebody away since the start: in memory, for the operator alone, and small numbers are not
 * told exactly, so that watching them says little about one visitor.
 */
export const BOUNDS = [
  'connections',
  'headers',
  'bodies',
  'readers',
  'answers',
  'uploads',
  'decoders',
  'progress',
  'circuit',
  'passphrase',
  'codes',
  'never',
  'store',
  'challenge',
] as const;

export type Bound = (typeof BOUNDS)[number];

/** Below this a count is told as this. */
const FEW = 10;

export class Counts {
  readonly #counts = new Map<Bound, number>();
  readonly #onCount: (bound: Bound) => void;

  /** `onCount` hears of each, as it happens. */
  constructor(onCount: (bound: Bound) => void = () => undefined) {
    this.#onCount = onCount;
  }

  add(bound: Bound): void {
    this.#counts.set(bound, (this.#counts.get(bound) ?? 0) + 1);
    this.#onCount(bound);
  }

  /** By the name that a refusal's detail gives; anything else is no limit's. */
  addNamed(name: unknown): void {
    const bound = BOUNDS.find((known) => known === name);
    if (bound !== undefined) this.add(bound);
  }

  /** `0`, `fewer than 10`, or two leading digits: 47, 470, 4700. */
  told(bound: Bound): number | 'fewer than 10' {
    const count = this.#counts.get(bound) ?? 0;
    if (count === 0) return 0;
    return count < FEW ? 'fewer than 10' : Number(count.toPrecision(2));
  }
}
