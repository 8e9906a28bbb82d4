/** How much of each limit is in use, and how often each turned somebody away: what `chatpic limits` shows the operator. */
import type { Limits } from '../config/configuration.js';
import type { Arena } from '../store/arena.js';
import { BOUNDS, type Bound, type Counts } from './counts.js';
import type { Traffic } from './traffic.js';

export interface LoadReport {
  /** In use now, and the most there may be. */
  readonly use: Readonly<Record<'connections' | 'requests' | 'uploads' | 'uploadMegabytes' | 'progress', Use>>;
  /** In whole tenths, as a percentage. */
  readonly storePercent: number;
  readonly challenge: boolean;
  /** Turned away or cut since the start; small numbers are not told. */
  readonly turnedAway: Readonly<Record<Bound, number | 'fewer than 10'>>;
}

interface Use {
  readonly now: number;
  /** Null = not bounded by itself. */
  readonly most: number | null;
}

export interface LoadParts {
  readonly traffic: Traffic;
  readonly counts: Counts;
  readonly arena: Arena;
  readonly limits: Limits;
  readonly challenged: () => boolean;
}

export function loadReport({ traffic, counts, arena, limits, challenged }: LoadParts): LoadReport {
  const { total, free } = arena.capacity();
  const megabytes = (bytes: number): number => Math.ceil(bytes / 1e6);
  return {
    use: {
      connections: { now: traffic.connections.size, most: limits.connections },
      requests: { now: traffic.exchanges.size, most: null },
      uploads: { now: traffic.uploads.count, most: limits.uploads },
      uploadMegabytes: { now: megabytes(traffic.uploads.bytes), most: megabytes(limits.uploadBytes) },
      progress: { now: traffic.progress.count, most: limits.progress },
    },
    storePercent: 10 * Math.ceil((10 * (total - free)) / total),
    challenge: challenged(),
    turnedAway: Object.fromEntries(BOUNDS.map((bound) => [bound, counts.told(bound)])) as LoadReport['turnedAway'],
  };
}
