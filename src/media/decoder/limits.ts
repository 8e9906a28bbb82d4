/** What one picture may cost. Whatever goes over a bound is refused, and the child that held it is gone. */
import { MiB, SECOND } from '../../base/units.js';

export interface DecodeLimits {
  /** Bytes of the file that is handed in. */
  readonly sourceBytes: number;
  /** Pixels of one frame. 110 million takes the 108-megapixel cameras of telephones in; memory is bounded by itself. */
  readonly pixels: number;
  /** Frames of an animated picture: the cost of a GIF grows with more than their number. */
  readonly frames: number;
  /** Pixels of all frames of an animated picture together. */
  readonly animatedPixels: number;
  /** Memory of a child, its start included (about 70 MiB). */
  readonly memoryBytes: number;
  /** CPU time of a child after its start. */
  readonly cpuMilliseconds: number;
  /** Time from the request to the answer: catches what waits instead of working. Wide, for machines under load. */
  readonly wallMilliseconds: number;
  /** Bytes of a picture that was encoded anew. */
  readonly outputBytes: number;
}

export const DEFAULT_LIMITS: DecodeLimits = {
  sourceBytes: 128 * MiB,
  pixels: 110_000_000,
  frames: 2000,
  animatedPixels: 600_000_000,
  memoryBytes: 768 * MiB,
  cpuMilliseconds: 20 * SECOND,
  wallMilliseconds: 60 * SECOND,
  outputBytes: 128 * MiB,
};
