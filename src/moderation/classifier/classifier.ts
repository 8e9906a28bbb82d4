/**
 * The door of the classifier of explicit pictures: an operator's ONNX model, run in a child process of its own.
 *
 * What holds: nothing leaves the machine, nothing is fetched. A missing or failing model is a status that `doctor` and
 * the desk show, never a silent "clear". The child gets pixels, never files, and is gone after a quiet minute, with the
 * last picture's pixels in its memory.
 * What does not hold: the judgement is the model's; this file knows nothing of how good it is.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { wipe } from '../../base/bytes.js';
import { Refusal } from '../../base/errors.js';
import { MINUTE, SECOND } from '../../base/units.js';
import { Fault, ModelProcess, type ClassifierFault, type Confine } from './model-process.js';
import { parseModelCard, type ModelCard } from './model-card.js';
import type { RgbPicture } from './tensor.js';
import { encodeModel, encodePicture, KIND, parseProbability } from './wire.js';

export type ClassifierStatus =
  /** No model is configured. */
  | { readonly kind: 'missing' }
  /** Not tried yet since the start. */
  | { readonly kind: 'starting' }
  /** The last thing it was asked was answered. */
  | { readonly kind: 'ready' }
  /** The last thing it was asked was not answered. It is tried again. */
  | { readonly kind: 'failing'; readonly fault: ClassifierFault };

export interface Classifier {
  readonly status: ClassifierStatus;
  /**
   * The model's view of the most explicit of the pictures: whether it reaches the model's threshold. `null` where there is
   * no model or it failed; the status says which. Refuses ('busy') when too many wait. Pictures are only read.
   */
  isExplicit(pictures: readonly RgbPicture[]): Promise<boolean | null>;
  /** Ends the child; resolves when it is gone. */
  close(): Promise<void>;
}

export interface ClassifierOptions {
  /** The ONNX file; its card stands beside it as `FILE.json`. `null` = no model. */
  readonly modelFile: string | null;
  readonly confine?: Confine;
  /** For loading a model, and for one picture. */
  readonly loadTimeout?: number;
  readonly pictureTimeout?: number;
  /** After so long without a picture the child is ended. */
  readonly idle?: number;
  /** After a failure the model is not loaded again before so long. */
  readonly retryAfter?: number;
  /** Uploads that may wait. */
  readonly queue?: number;
}

/** Starts loading the model at once, so that a fault shows before the first upload. */
export function startClassifier(options: ClassifierOptions): Classifier {
  if (options.modelFile === null) return MISSING;
  const classifier = new ModelClassifier(options.modelFile, options);
  void classifier.warm();
  return classifier;
}

/** Loads a model once and says what became of it: for `doctor`. */
export async function tryClassifier(options: ClassifierOptions): Promise<ClassifierStatus> {
  if (options.modelFile === null) return MISSING.status;
  const classifier = new ModelClassifier(options.modelFile, options);
  try {
    await classifier.warm();
    return classifier.status;
  } finally {
    await classifier.close();
  }
}

const MISSING: Classifier = {
  status: { kind: 'missing' },
  isExplicit: () => Promise.resolve(null),
  close: () => Promise.resolve(),
};

/** build/src/moderation/classifier/ → the folder of the installation. */
const ROOT = path.resolve(import.meta.dirname, '../../../..');
const CHILD = {
  file: process.execPath,
  args: ['--max-old-space-size=256', path.join(import.meta.dirname, 'child.js')],
};
/** What the child must see of the program: its own code, the engine, and the node that runs it. */
function programPaths(): string[] {
  const engine = fileURLToPath(import.meta.resolve('onnxruntime-web'));
  const packages = engine.slice(0, engine.lastIndexOf('/node_modules/') + '/node_modules'.length);
  const own = ['package.json', 'node_modules', 'build/src'].map((name) => path.join(ROOT, name));
  return [...new Set([process.execPath, packages, ...own])];
}

class ModelClassifier implements Classifier {
  readonly #file: string;
  readonly #options: Required<Omit<ClassifierOptions, 'modelFile'>>;
  #status: ClassifierStatus = { kind: 'starting' };
  #child: ModelProcess | null = null;
  #card: ModelCard | null = null;
  #failedAt = -Infinity;
  #waiting = 0;
  /** One thing at a time: each begins when the one before has settled. */
  #last: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(file: string, options: ClassifierOptions) {
    this.#file = file;
    const defaults = {
      loadTimeout: MINUTE,
      pictureTimeout: 20 * SECOND,
      idle: MINUTE,
      retryAfter: 30 * SECOND,
      queue: 32,
    };
    this.#options = { confine: (command) => command, ...defaults, ...options };
  }

  get status(): ClassifierStatus {
    return this.#status;
  }

  warm(): Promise<boolean | null> {
    return this.#inTurn(() => this.#attempt([]));
  }

  async isExplicit(pictures: readonly RgbPicture[]): Promise<boolean | null> {
    if (this.#waiting >= this.#options.queue) throw new Refusal('busy', 'too many pictures wait for the classifier');
    return this.#inTurn(() => this.#attempt(pictures));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const child = this.#child;
    this.#endChild();
    await this.#last;
    this.#endChild();
    if (this.#idle !== null) clearTimeout(this.#idle);
    await child?.gone;
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async #attempt(pictures: readonly RgbPicture[]): Promise<boolean | null> {
    if (this.#closed || performance.now() - this.#failedAt < this.#options.retryAfter) return null;
    if (this.#idle !== null) clearTimeout(this.#idle);
    try {
      const explicit = await this.#ask(pictures);
      this.#status = { kind: 'ready' };
      return explicit;
    } catch (error) {
      this.#endChild();
      if (!(error instanceof Fault)) throw error;
      this.#failed(error.fault);
      return null;
    } finally {
      this.#idle = setTimeout(() => this.#endChild(), this.#options.idle).unref();
    }
  }

  #failed(fault: ClassifierFault): void {
    this.#failedAt = performance.now();
    if (!this.#closed) this.#status = { kind: 'failing', fault };
  }

  async #ask(pictures: readonly RgbPicture[]): Promise<boolean> {
    const { child, card } = await this.#loaded();
    let most = 0;
    for (const picture of pictures) {
      const frame = encodePicture(picture);
      const answer = await child.ask(frame, this.#options.pictureTimeout).finally(() => wipe(frame));
      const probability = answer.kind === KIND.probability ? parseProbability(answer.body) : null;
      if (probability === null) throw new Fault('model-refused');
      most = Math.max(most, probability);
    }
    return most >= card.threshold && pictures.length > 0;
  }

  async #loaded(): Promise<{ child: ModelProcess; card: ModelCard }> {
    if (this.#child?.alive === true && this.#card !== null) return { child: this.#child, card: this.#card };
    const text = await readFile(`${this.#file}.json`, 'utf8').catch(() => null);
    const card = text === null ? null : parseModelCard(text);
    if (text === null || card === null) throw new Fault('card-unreadable');
    const model = await readFile(this.#file).catch(() => null);
    if (model === null) throw new Fault('model-unreadable');
    const child = new ModelProcess(this.#options.confine(CHILD, programPaths()));
    this.#child = child;
    this.#card = card;
    await child.hello(this.#options.loadTimeout);
    const answer = await child.ask(encodeModel(text, model), this.#options.loadTimeout);
    if (answer.kind !== KIND.ready) throw new Fault('model-refused');
    return { child, card };
  }

  #endChild(): void {
    this.#child?.kill();
    this.#child = null;
  }
}
