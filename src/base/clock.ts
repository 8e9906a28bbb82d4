/** Where time comes from. Handed in everywhere, so that tests own it. */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970. May jump either way. */
  wall(): number;
  /** Milliseconds on a clock that only goes forward and counts from an arbitrary start. */
  monotonic(): number;
}

export const systemClock: Clock = {
  wall: () => Date.now(),
  monotonic: () => performance.now(),
};

/**
 * Time that never goes back: the later of the wall clock and the last answer plus the monotonic time since.
 * The store keeps its reading in every page, so that a wrong clock after a restart can't revive what has expired.
 */
export class ForwardClock {
  readonly #clock: Clock;
  #last: number;
  #at: number;

  constructor(clock: Clock, notBefore = 0) {
    this.#clock = clock;
    this.#at = clock.monotonic();
    this.#last = Math.max(clock.wall(), notBefore);
  }

  /** Milliseconds since 1970, never less than any answer before. */
  now(): number {
    const at = this.#clock.monotonic();
    this.#last = Math.max(Math.floor(this.#clock.wall()), Math.floor(this.#last + Math.max(0, at - this.#at)));
    this.#at = at;
    return this.#last;
  }

  /** Moves the clock forward to `time` if it is behind it. */
  advanceTo(time: number): void {
    if (time > this.now()) this.#last = time;
  }
}
