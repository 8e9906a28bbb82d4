/**
 * What an operator says of a model, in a JSON file beside it (`MODEL.onnx` → `MODEL.onnx.json`): how its input is made
 * from pixels and what its outputs mean. Fields and defaults: docs/MODERATION.md.
 */
export interface ModelCard {
  /** The model's input is a square of so many pixels. */
  readonly side: number;
  readonly layout: 'nchw' | 'nhwc';
  readonly order: 'rgb' | 'bgr';
  /** input = (sample · scale - mean) / std, sample from 0 to 255, mean and std in the input's own order. */
  readonly scale: number;
  readonly mean: readonly number[];
  readonly std: readonly number[];
  /** A name for each output. */
  readonly labels: readonly string[];
  /** The labels that mean explicit; their probabilities are added. */
  readonly explicit: readonly string[];
  /** `logits` become probabilities by softmax, or by the logistic function where there is one output. */
  readonly output: 'probabilities' | 'logits';
  /** From this probability on a picture is put before a human. */
  readonly threshold: number;
}

const CHANNELS = 3;
const MAX_SIDE = 1024;
const MAX_LABELS = 1000;

/** Reads a card; `null` when it is not JSON or a field is missing, unknown or out of its range. */
export function parseModelCard(text: string): ModelCard | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return null;
  const card = { ...DEFAULTS, ...json };
  if (Object.keys(card).some((name) => !Object.hasOwn(CHECKS, name))) return null;
  for (const [name, check] of Object.entries(CHECKS)) {
    if (!check((card as Record<string, unknown>)[name])) return null;
  }
  const checked = card as unknown as ModelCard;
  return checked.explicit.every((label) => checked.labels.includes(label)) ? checked : null;
}

const DEFAULTS: Partial<ModelCard> = {
  side: 224,
  layout: 'nchw',
  order: 'rgb',
  scale: 1 / 255,
  mean: [0, 0, 0],
  std: [1, 1, 1],
  output: 'probabilities',
  threshold: 0.8,
};

type Check = (value: unknown) => boolean;

const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    typeof value === 'string' && words.includes(value);
const numberWithin =
  (low: number, high: number): Check =>
  (value) =>
    typeof value === 'number' && value >= low && value <= high;
const three =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.length === CHANNELS && value.every(check);
const words: Check = (value) =>
  Array.isArray(value) &&
  value.length >= 1 &&
  value.length <= MAX_LABELS &&
  value.every((word) => typeof word === 'string');

const CHECKS: Readonly<Record<keyof ModelCard, Check>> = {
  side: (value) => Number.isInteger(value) && numberWithin(1, MAX_SIDE)(value),
  layout: oneOf('nchw', 'nhwc'),
  order: oneOf('rgb', 'bgr'),
  scale: numberWithin(Number.MIN_VALUE, 1e6),
  mean: three(numberWithin(-1e6, 1e6)),
  std: three(numberWithin(1e-6, 1e6)),
  labels: words,
  explicit: words,
  output: oneOf('probabilities', 'logits'),
  threshold: numberWithin(0, 1),
};
