/** Results as a table for people and as JSON for programs. */
import { availableParallelism } from 'node:os';
import { goalWords, met, ratioOf, type Result } from './row.js';

const COLUMNS = ['what', 'ours', 'limit', 'ratio', 'goal', 'met'] as const;

function figure(value: number | null): string {
  if (value === null) return '';
  if (value >= 1000) return value.toFixed(0);
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function cells(result: Result): string[] {
  if ('skipped' in result) return [result.name, `skipped: ${result.skipped}`];
  const isMet = met(result);
  return [
    result.name,
    `${figure(result.ours)} ${result.unit}`,
    figure(result.limit),
    figure(ratioOf(result)),
    goalWords(result),
    isMet === null ? '' : isMet ? 'yes' : 'NO',
  ];
}

/** The table in Markdown, with columns that line up. */
export function tableOf(results: readonly Result[]): string {
  const rows = [[...COLUMNS], COLUMNS.map(() => '---'), ...results.map(cells)];
  const widths = COLUMNS.map((_, column) =>
    Math.max(...rows.filter((row) => row.length > 2).map((row) => row[column]?.length ?? 0)),
  );
  return rows
    .map(
      (row) => `| ${row.map((cell, column) => cell.padEnd(row.length > 2 ? (widths[column] ?? 0) : 0)).join(' | ')} |`,
    )
    .join('\n');
}

export function jsonOf(results: readonly Result[]): string {
  const figures = results.map((result) =>
    'skipped' in result ? result : { ...result, ratio: ratioOf(result), met: met(result) },
  );
  const machine = { node: process.version, processors: availableParallelism() };
  return `${JSON.stringify({ machine, figures }, null, 2)}\n`;
}
