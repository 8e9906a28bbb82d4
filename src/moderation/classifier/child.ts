/**
 * The process in which a model runs: takes the model and then pictures over its standard input, answers over its
 * standard output. It opens no file but the program's own, has no key, no environment and no store, and sees pixels
 * only, never an uploaded file.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { env, InferenceSession, Tensor } from 'onnxruntime-web';
import { parseModelCard, type ModelCard } from './model-card.js';
import { explicitProbability, inputOf, type RgbPicture } from './tensor.js';
import { encodeFrame, encodeProbability, KIND, parseFrames, parseModel, parsePicture } from './wire.js';

interface Loaded {
  readonly card: ModelCard;
  readonly session: InferenceSession;
}

// One thread and the engine's file as bytes: nothing is spawned, nothing is fetched.
env.wasm.numThreads = 1;
env.wasm.wasmBinary = readFileSync(fileURLToPath(import.meta.resolve('onnxruntime-web/ort-wasm-simd-threaded.wasm')));
env.logLevel = 'fatal';

async function load(body: Buffer): Promise<Loaded> {
  const { card: text, model } = parseModel(body);
  const card = parseModelCard(text);
  if (card === null) throw new Error('card');
  return { card, session: await InferenceSession.create(model, { executionProviders: ['wasm'] }) };
}

/** The model's view of one picture. The input is wiped; the engine's own copy lives until the next picture or the end. */
async function classify({ card, session }: Loaded, picture: RgbPicture): Promise<number> {
  const input = inputOf(picture, card);
  const shape = card.layout === 'nchw' ? [1, 3, card.side, card.side] : [1, card.side, card.side, 3];
  const [inputName = '', outputName = ''] = [session.inputNames[0], session.outputNames[0]];
  try {
    const outputs = await session.run({ [inputName]: new Tensor('float32', input, shape) });
    const output = outputs[outputName];
    const probability = output?.type === 'float32' ? explicitProbability(output.data as Float32Array, card) : null;
    if (probability === null) throw new Error('outputs');
    return probability;
  } finally {
    input.fill(0);
    picture.data.fill(0);
  }
}

/** A picture that every model can take: whether card and model fit shows before the first upload. */
function trial(): RgbPicture {
  return { width: 1, height: 1, data: new Uint8Array(3).fill(128) };
}

let loaded: Loaded | null = null;
process.stdout.write(encodeFrame(KIND.hello));
for await (const { kind, body } of parseFrames(process.stdin)) {
  let answer: Buffer;
  try {
    if (kind === KIND.model) {
      loaded = await load(body);
      await classify(loaded, trial());
      answer = encodeFrame(KIND.ready);
    } else {
      const picture = parsePicture(body);
      if (loaded === null || picture === null) throw new Error('order');
      answer = encodeProbability(await classify(loaded, picture));
    }
  } catch {
    answer = encodeFrame(KIND.failed);
  }
  process.stdout.write(answer);
}
