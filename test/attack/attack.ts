/** What an attack is: it begins, holds, says what it holds, and stops. */
import { exchange, statusOf, type Place } from './wire.js';

/** What an attack may aim at. */
export interface Target {
  readonly place: Place;
  /** Speaks TLS. */
  readonly mirror: Place;
  /** Link tokens of shares that the target has for it. */
  readonly shares: { readonly large: string; readonly album: string; readonly locked: string };
  /** A part of the full size, 0 to 1: the suite in CI is a small one. */
  readonly scale: number;
}

export interface Running {
  /** The load that is held or was made so far, in words. */
  held(): string;
  /** What should not have happened, in words: an answer that is wrong. Empty = nothing. */
  wrong(): readonly string[];
  stop(): Promise<void>;
}

export interface Attack {
  readonly name: string;
  begin(target: Target): Promise<Running>;
}

export function scaled({ scale }: Target, count: number): number {
  return Math.max(4, Math.ceil(count * scale));
}

/** What a request is made of, and what an answer to it may not be. */
export interface Shot {
  readonly bytes: Buffer;
  /** Says what is wrong with an answer; null = nothing. */
  readonly judge?: (said: string) => string | null;
}

/** Statuses that are an answer to nonsense, to too much, or to something that is not there. 0 = the connection was cut. */
const FINE = new Set([
  0, 200, 201, 204, 206, 301, 400, 403, 404, 405, 408, 409, 411, 413, 415, 416, 417, 422, 429, 431, 501, 503, 507,
]);

/** Shoots all the time from `gunners` connections at once, each the next shot when the last was answered. */
export function barrage(target: Target, gunners: number, next: (index: number) => Shot): Running {
  const statuses = new Map<number, number>();
  const wrong = new Set<string>();
  const state = { stopped: false };
  let index = 0;
  const shoot = async (): Promise<void> => {
    while (!state.stopped) {
      const { bytes, judge } = next(index++);
      const said = await exchange(target.place, bytes);
      const status = statusOf(said);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      const fault = FINE.has(status)
        ? (judge?.(said) ?? null)
        : `status ${status} to ${bytes.toString('latin1', 0, 60)}`;
      if (fault !== null) wrong.add(fault);
    }
  };
  const all = Promise.all(Array.from({ length: gunners }, shoot));
  return {
    held() {
      const told = [...statuses]
        .sort(([a], [b]) => a - b)
        .map(([status, count]) => `${status === 0 ? 'cut' : status}: ${count}`);
      return `${gunners} at once; ${told.join(', ')}`;
    },
    wrong: () => [...wrong],
    async stop() {
      state.stopped = true;
      await all;
    },
  };
}
