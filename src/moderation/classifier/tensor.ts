/** From pixels to a model's input, and from its outputs to one number. */
import type { ModelCard } from './model-card.js';

/** Samples of red, green and blue, a byte each, row by row. */
export interface RgbPicture {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

const CHANNELS = 3;

/** The picture stretched to the model's square (each input pixel is the mean of what it covers), scaled as the card says. */
export function inputOf(picture: RgbPicture, card: ModelCard): Float32Array {
  const { side, layout, order, scale, mean, std } = card;
  const input = new Float32Array(side * side * CHANNELS);
  for (let y = 0; y < side; y++) {
    const rows = covered(y, side, picture.height);
    for (let x = 0; x < side; x++) {
      const columns = covered(x, side, picture.width);
      for (let channel = 0; channel < CHANNELS; channel++) {
        const sample = meanOf(picture, rows, columns, order === 'rgb' ? channel : CHANNELS - 1 - channel);
        const at = layout === 'nhwc' ? (y * side + x) * CHANNELS + channel : (channel * side + y) * side + x;
        input[at] = (sample * scale - (mean[channel] ?? 0)) / (std[channel] ?? 1);
      }
    }
  }
  return input;
}

type Span = readonly [from: number, to: number];

/** The source samples under sample `at` of `side`: at least one. */
function covered(at: number, side: number, length: number): Span {
  const from = Math.min(length - 1, Math.floor((at * length) / side));
  return [from, Math.max(from + 1, Math.floor(((at + 1) * length) / side))];
}

function meanOf({ width, data }: RgbPicture, rows: Span, columns: Span, channel: number): number {
  let sum = 0;
  for (let row = rows[0]; row < rows[1]; row++) {
    for (let column = columns[0]; column < columns[1]; column++) {
      sum += data[(row * width + column) * CHANNELS + channel] ?? 0;
    }
  }
  return sum / ((rows[1] - rows[0]) * (columns[1] - columns[0]));
}

/** How probable it is that the picture is explicit, 0 to 1; `null` when the outputs are not what the card promises. */
export function explicitProbability(outputs: ArrayLike<number>, card: ModelCard): number | null {
  const values = Array.from(outputs);
  if (values.length !== card.labels.length || !values.every(Number.isFinite)) return null;
  const probabilities = card.output === 'logits' ? softmax(values) : values;
  const explicit = probabilities.filter((_, at) => card.explicit.includes(card.labels[at] ?? ''));
  const sum = explicit.reduce((total, value) => total + value, 0);
  return sum >= -0.001 && sum <= 1.001 ? Math.min(1, Math.max(0, sum)) : null;
}

function softmax(values: readonly number[]): number[] {
  if (values.length === 1) return values.map((value) => 1 / (1 + Math.exp(-value)));
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
