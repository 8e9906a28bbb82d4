/** What an answer with an item's bytes looks like: status, headers and the span to send (RFC 9110, sections 13 and 14). */
import parseRange from 'range-parser';

/** The request's own conditions, as their headers came; empty = absent. */
export interface Conditions {
  readonly range: string;
  readonly ifRange: string;
  readonly ifNoneMatch: string;
}

export interface Span {
  readonly status: 200 | 206 | 304 | 416;
  /** First byte and the one after the last, within the item. */
  readonly start: number;
  readonly end: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** Decides what of `size` bytes with the entity tag `tag` (in quotes) is sent. Of several ranges at once: the whole. */
export function spanFor(size: number, tag: string, conditions: Conditions): Span {
  const headers = { ETag: tag, 'Accept-Ranges': 'bytes' };
  if (conditions.ifNoneMatch.split(',').some((one) => one.trim() === tag || one.trim() === '*')) {
    return { status: 304, start: 0, end: 0, headers };
  }
  const whole: Span = { status: 200, start: 0, end: size, headers: { ...headers, 'Content-Length': String(size) } };
  if (conditions.range === '' || (conditions.ifRange !== '' && conditions.ifRange !== tag)) return whole;
  const ranges = parseRange(size, conditions.range, { combine: true });
  if (ranges === -1) {
    return {
      status: 416,
      start: 0,
      end: 0,
      headers: { ...headers, 'Content-Range': `bytes */${size}`, 'Content-Length': '0' },
    };
  }
  const only = ranges === -2 || ranges.length > 1 || ranges.type !== 'bytes' ? undefined : ranges[0];
  if (only === undefined) return whole;
  return {
    status: 206,
    start: only.start,
    end: only.end + 1,
    headers: {
      ...headers,
      'Content-Range': `bytes ${only.start}-${only.end}/${size}`,
      'Content-Length': String(only.end + 1 - only.start),
    },
  };
}
