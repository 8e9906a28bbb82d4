/**
 * Limits per circuit: connections, uploads in flight, and requests in an interval, so that one visitor of an onion
 * service can't take what all of them share.
 *
 * What holds: a circuit over a bound is refused while every other goes on; nothing about a circuit is kept once its
 * connections are closed and an interval has passed without a request; nothing is written anywhere. A new circuit
 * costs a visitor a rendezvous (and a proof of work while the service is busy), so this bounds a rate. **It is no ban**,
 * and one person may have many circuits: the bounds that all visitors share are kept elsewhere.
 *
 * Requests are a token bucket: `requests` at once, refilled evenly over `interval`.
 */
import type { Clock } from '../base/clock.js';
import { SECOND } from '../base/units.js';
import type { CircuitId } from './circuit-line.js';

export interface CircuitBounds {
  readonly requests: number;
  /** Milliseconds. */
  readonly interval: number;
  readonly uploads: number;
  readonly connections: number;
  /** After so many refusals within an interval the circuit itself is closed, where that is possible. */
  readonly refusals: number;
}

/**
 * A browser opens six connections and sends one circuit everything that its tabs of one site ask for: an album of fifty
 * pictures with their previews, a film in ranges. Ten times a busy person's rate.
 */
export const DEFAULT_BOUNDS: CircuitBounds = {
  requests: 300,
  interval: 60 * SECOND,
  uploads: 4,
  connections: 24,
  refusals: 60,
};

/** Gives back what was taken. Calling it again does nothing. */
export type Release = () => void;

interface Circuit {
  connections: number;
  uploads: number;
  /** Requests that may still come at `at`. */
  tokens: number;
  at: number;
  refusals: number;
}

export interface CircuitLimitParts {
  readonly clock: Clock;
  readonly bounds?: CircuitBounds;
  /** Ends a circuit through tor's control port. */
  readonly closeCircuit?: (circuit: CircuitId) => void;
}

export class CircuitLimits {
  readonly #clock: Clock;
  readonly #bounds: CircuitBounds;
  readonly #closeCircuit: (circuit: CircuitId) => void;
  readonly #circuits = new Map<CircuitId, Circuit>();

  constructor({ clock, bounds = DEFAULT_BOUNDS, closeCircuit = () => undefined }: CircuitLimitParts) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#closeCircuit = closeCircuit;
  }

  /** Circuits that are remembered now. */
  get size(): number {
    return this.#circuits.size;
  }

  /** Counts a connection until it is released; `null` if there are too many. */
  connect(id: CircuitId): Release | null {
    return this.#take(id, 'connections');
  }

  /** Counts an upload until it is released; `null` if there are too many. */
  upload(id: CircuitId): Release | null {
    return this.#take(id, 'uploads');
  }

  /** Counts a request. Answers 0, or the milliseconds after which the circuit may send the next. */
  request(id: CircuitId): number {
    const circuit = this.#refilled(id);
    if (circuit.tokens >= 1) {
      circuit.tokens -= 1;
      return 0;
    }
    this.#refuse(id, circuit);
    return Math.ceil((1 - circuit.tokens) * (this.#bounds.interval / this.#bounds.requests));
  }

  /** Forgets circuits that are closed and have been silent for an interval. To be called every few seconds. */
  sweep(): void {
    const now = this.#clock.monotonic();
    for (const [id, circuit] of this.#circuits) {
      const silent = now - circuit.at >= this.#bounds.interval;
      if (silent && circuit.connections === 0 && circuit.uploads === 0) this.#circuits.delete(id);
    }
  }

  #take(id: CircuitId, what: 'connections' | 'uploads'): Release | null {
    const circuit = this.#refilled(id);
    if (circuit[what] >= this.#bounds[what]) {
      this.#refuse(id, circuit);
      return null;
    }
    circuit[what] += 1;
    let held = true;
    return () => {
      if (held) circuit[what] -= 1;
      held = false;
    };
  }

  /** The circuit with the tokens that time has given it back. A full bucket has no refusals to remember either. */
  #refilled(id: CircuitId): Circuit {
    const now = this.#clock.monotonic();
    const { requests, interval } = this.#bounds;
    const circuit = this.#circuits.get(id) ?? { connections: 0, uploads: 0, tokens: requests, at: now, refusals: 0 };
    const elapsed = now - circuit.at;
    circuit.tokens = Math.min(requests, circuit.tokens + (elapsed * requests) / interval);
    if (elapsed >= interval) circuit.refusals = 0;
    circuit.at = now;
    this.#circuits.set(id, circuit);
    return circuit;
  }

  #refuse(id: CircuitId, circuit: Circuit): void {
    circuit.refusals += 1;
    if (circuit.refusals !== this.#bounds.refusals) return;
    circuit.refusals = 0;
    this.#closeCircuit(id);
  }
}
