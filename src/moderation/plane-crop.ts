/**
 * Parts of a luma plane. The hash of a picture changes wholly when some per cent of a side are cut off or put on, so a
 * ban covers light crops ahead, and a look-up leaves plain borders aside.
 */
import type { LumaPlane } from './pdq.js';

interface Edges {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** A light crop takes at most this part of a side, from one edge or from both together. */
const LIGHT = 0.08;
/** Steps in which it is covered: a crop between two of them is near enough to one. */
const STEPS = 3;
/** Samples of a border differ by no more: what recompression does to a plain one. */
const PLAIN = 16;
/** A border is at most this part of a side. */
const WIDEST_BORDER = 0.25;

/** Ways to cut one axis: what is taken from its start and its end, in steps, together at most `STEPS`. */
const CUTS: readonly (readonly [number, number])[] = Array.from({ length: STEPS + 1 }, (_, from) =>
  Array.from({ length: STEPS + 1 - from }, (_unused, to) => [from, to] as const),
).flat();

/** How many crops `lightCrops` makes. */
export const LIGHT_CROPS = CUTS.length ** 2 - 1;

/** The picture cut at its edges in every way that counts as light, itself not included. */
export function* lightCrops(plane: LumaPlane): Generator<LumaPlane, void, undefined> {
  const across = (LIGHT * plane.width) / STEPS;
  const down = (LIGHT * plane.height) / STEPS;
  for (const [left, right] of CUTS) {
    for (const [top, bottom] of CUTS) {
      if (left + right + top + bottom === 0) continue;
      yield crop(plane, {
        left: Math.round(left * across),
        right: Math.round(right * across),
        top: Math.round(top * down),
        bottom: Math.round(bottom * down),
      });
    }
  }
}

/** The picture without plain borders, or `null` where it has none. */
export function withoutBorders(plane: LumaPlane): LumaPlane | null {
  const { width, height } = plane;
  const mostRows = Math.floor(height * WIDEST_BORDER);
  const mostColumns = Math.floor(width * WIDEST_BORDER);
  const edges = {
    top: plainLines(mostRows, (at) => span(plane, at * width, 1, width)),
    bottom: plainLines(mostRows, (at) => span(plane, (height - 1 - at) * width, 1, width)),
    left: plainLines(mostColumns, (at) => span(plane, at, width, height)),
    right: plainLines(mostColumns, (at) => span(plane, width - 1 - at, width, height)),
  };
  return edges.top + edges.bottom + edges.left + edges.right === 0 ? null : crop(plane, edges);
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** Lines from an edge inward that are plain, and of the same shade as the first. */
function plainLines(most: number, line: (at: number) => Range): number {
  let { low, high } = line(0);
  for (let at = 0; at < most; at++) {
    const next = line(at);
    low = Math.min(low, next.low);
    high = Math.max(high, next.high);
    if (high - low > PLAIN) return at;
  }
  return most;
}

function span({ data }: LumaPlane, from: number, step: number, count: number): Range {
  let [low, high] = [255, 0];
  for (let i = 0, at = from; i < count; i++, at += step) {
    const value = data[at] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return { low, high };
}

function crop({ width, height, data }: LumaPlane, { left, right, top, bottom }: Edges): LumaPlane {
  const across = width - left - right;
  const down = height - top - bottom;
  const out = new Uint8Array(across * down);
  for (let row = 0; row < down; row++) {
    const from = (top + row) * width + left;
    out.set(data.subarray(from, from + across), row * across);
  }
  return { width: across, height: down, data: out };
}
