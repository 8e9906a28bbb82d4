/** What a benchmark says: one row a figure, with the limit it is held against and the goal. */

/** Which way is good, and how far. `ratio` is ours divided by the limit. */
export type Goal =
  | { readonly of: 'ratio'; readonly at: 'least' | 'most'; readonly value: number }
  | { readonly of: 'ours'; readonly at: 'least' | 'most'; readonly value: number };

export interface Row {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  /** Null where the goal is a figure of its own. */
  readonly limit: number | null;
  /** What was measured as the limit, in words. */
  readonly against: string;
  readonly goal: Goal | null;
  /** Every round's figure, in the order measured. */
  readonly rounds: { readonly ours: readonly number[]; readonly limit: readonly number[] };
}

/** A figure that could not be taken here. */
export interface Skipped {
  readonly name: string;
  readonly skipped: string;
}

export type Result = Row | Skipped;

export function ratioOf({ ours, limit }: Row): number | null {
  return limit === null ? null : ours / limit;
}

/** Null where there is no goal. */
export function met(row: Row): boolean | null {
  if (row.goal === null) return null;
  const value = row.goal.of === 'ratio' ? ratioOf(row) : row.ours;
  if (value === null) return null;
  return row.goal.at === 'least' ? value >= row.goal.value : value <= row.goal.value;
}

export function goalWords(row: Row): string {
  if (row.goal === null) return '';
  const { of, at, value } = row.goal;
  return `${at === 'least' ? '>=' : '<='} ${value}${of === 'ours' ? ` ${row.unit}` : ''}`;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >>> 1;
  const high = sorted[middle] ?? NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? NaN) + high) / 2;
}

/** The value that `share` of all values do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? NaN;
}

/** A row from the figures of rounds: the medians. */
export function rowOf(
  about: Pick<Row, 'name' | 'unit' | 'against' | 'goal'>,
  ours: readonly number[],
  limit: readonly number[] = [],
): Row {
  return {
    ...about,
    ours: median(ours),
    limit: limit.length === 0 ? null : median(limit),
    rounds: { ours, limit },
  };
}
