/** The real engine in the real child, on a model written by hand that calls red pictures explicit. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test, { type Test } from 'tap';
import {
  startClassifier,
  type Classifier,
  type ClassifierOptions,
  type ClassifierStatus,
} from '../../../src/moderation/classifier/classifier.js';
import type { Confine } from '../../../src/moderation/classifier/model-process.js';
import type { RgbPicture } from '../../../src/moderation/classifier/tensor.js';
import { tinyModel } from '../tiny-onnx.js';

const CARD = { side: 8, labels: ['plain', 'explicit'], explicit: ['explicit'] };
const RED = coloured(200, 20, 20);
const GREEN = coloured(20, 200, 20);

function coloured(red: number, green: number, blue: number, width = 40, height = 30): RgbPicture {
  const data = new Uint8Array(width * height * 3);
  for (let at = 0; at < data.length; at += 3) data.set([red, green, blue], at);
  return { width, height, data };
}

interface Files {
  readonly model?: Buffer | null;
  readonly card?: string | null;
}

/** A model and its card in a folder of their own, and a classifier that is closed when the test ends. */
function start(t: Test, files: Files = {}, options: Partial<ClassifierOptions> = {}): Classifier {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-model-'));
  const modelFile = path.join(folder, 'model.onnx');
  const { model = tinyModel(8), card = JSON.stringify(CARD) } = files;
  if (model !== null) writeFileSync(modelFile, model);
  if (card !== null) writeFileSync(`${modelFile}.json`, card);
  const classifier = startClassifier({ modelFile, ...options });
  t.teardown(async () => {
    await classifier.close();
    rmSync(folder, { recursive: true });
  });
  return classifier;
}

/** The walls of a test: remembers the children by wrapping their command in a shell that tells its process id. */
function pidFile(t: Test): { readonly confine: Confine; readonly pid: () => number } {
  const folder = mkdtempSync(path.join(tmpdir(), 'chatpic-pid-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, 'pid');
  return {
    confine: ({ file: command, args }) => ({
      file: '/bin/sh',
      args: ['-c', 'echo $$ > "$0"; exec "$@"', file, command, ...args],
    }),
    pid: () => Number(readFileSync(file, 'latin1')),
  };
}

const failing = (status: ClassifierStatus): string => (status.kind === 'failing' ? status.fault : status.kind);

test.test('without a model the status is missing and nothing is judged', async (t) => {
  const classifier = startClassifier({ modelFile: null });
  t.strictSame(classifier.status, { kind: 'missing' });
  t.equal(await classifier.isExplicit([RED]), null);
  await classifier.close();
});

test.test('the model judges pictures; one explicit picture of several is enough', async (t) => {
  const classifier = start(t);
  t.strictSame(classifier.status, { kind: 'starting' });
  t.equal(await classifier.isExplicit([RED]), true);
  t.strictSame(classifier.status, { kind: 'ready' });
  t.equal(await classifier.isExplicit([GREEN]), false);
  t.equal(await classifier.isExplicit([GREEN, RED, GREEN]), true);
  t.equal(await classifier.isExplicit([]), false);
  t.equal(RED.data[0], 200, 'the picture is only read');
});

test.test('pictures of every shape are taken, and many at once come out in order', async (t) => {
  const classifier = start(t);
  for (const [width, height] of [
    [1, 1],
    [1, 500],
    [500, 1],
    [8, 8],
    [7, 9],
    [512, 512],
  ] as const) {
    t.equal(await classifier.isExplicit([coloured(250, 0, 0, width, height)]), true, `${width}x${height}`);
  }
  const asked = Array.from({ length: 20 }, (_, at) => classifier.isExplicit([at % 2 === 0 ? RED : GREEN]));
  t.strictSame(
    await Promise.all(asked),
    asked.map((_, at) => at % 2 === 0),
  );
});

test.test('logits become probabilities, blue comes first where the card says so', async (t) => {
  const logits = start(t, { model: tinyModel(8, 'Identity'), card: JSON.stringify({ ...CARD, output: 'logits' }) });
  t.equal(await logits.isExplicit([RED]), true);
  t.equal(await logits.isExplicit([GREEN]), false);
  const bgr = start(t, { card: JSON.stringify({ ...CARD, order: 'bgr' }) });
  t.equal(await bgr.isExplicit([RED]), false, 'red stands where the model has blue');
  t.equal(await bgr.isExplicit([coloured(0, 0, 255)]), true);
});

test.test('what is wrong with a model is told by name before the first upload, and nothing is judged', async (t) => {
  const cases: readonly (readonly [string, Files])[] = [
    ['card-unreadable', { card: null }],
    ['card-unreadable', { card: '{' }],
    ['card-unreadable', { card: JSON.stringify({ ...CARD, sise: 8 }) }],
    ['model-unreadable', { model: null }],
    ['model-refused', { model: Buffer.from('no model') }],
    ['model-refused', { model: tinyModel(16) }],
    ['model-refused', { card: JSON.stringify({ ...CARD, labels: ['plain', 'explicit', 'third'] }) }],
    ['model-refused', { model: tinyModel(8, 'Identity') }],
  ];
  for (const [fault, files] of cases) {
    const classifier = start(t, files);
    for (let tries = 0; classifier.status.kind === 'starting' && tries < 200; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    t.equal(failing(classifier.status), fault);
    t.equal(await classifier.isExplicit([RED]), null);
    await classifier.close();
  }
});

test.test('a child that can not be started, or has no engine, is told', async (t) => {
  for (const confine of [() => ({ file: '/nonexistent', args: [] }), () => ({ file: '/bin/true', args: [] })]) {
    const classifier = start(t, {}, { confine });
    t.equal(await classifier.isExplicit([RED]), null);
    t.equal(failing(classifier.status), 'engine-missing');
  }
});

test.test('a child that is killed is told as crashed, and the next picture gets a new one', async (t) => {
  const { confine, pid } = pidFile(t);
  const classifier = start(t, {}, { confine, retryAfter: 0 });
  t.equal(await classifier.isExplicit([RED]), true);
  process.kill(pid(), 'SIGSTOP'); // asked while it can't answer, then killed
  const asked = classifier.isExplicit([RED]);
  setTimeout(() => process.kill(pid(), 'SIGKILL'), 50);
  t.equal(await asked, null);
  t.equal(failing(classifier.status), 'crashed');
  t.equal(await classifier.isExplicit([RED]), true);
  t.strictSame(classifier.status, { kind: 'ready' });
});

test.test('a child that hangs is killed after its time', async (t) => {
  const { confine, pid } = pidFile(t);
  const classifier = start(t, {}, { confine, pictureTimeout: 200, retryAfter: 0 });
  t.equal(await classifier.isExplicit([RED]), true);
  const hung = pid();
  process.kill(hung, 'SIGSTOP');
  t.equal(await classifier.isExplicit([RED]), null);
  t.equal(failing(classifier.status), 'timed-out');
  t.equal(await classifier.isExplicit([RED]), true);
  t.not(pid(), hung);
});

test.test('after a failure the model is left alone for a while', async (t) => {
  const classifier = start(t, { model: Buffer.from('no model') }, { retryAfter: 60_000 });
  await classifier.isExplicit([RED]);
  const before = performance.now();
  t.equal(await classifier.isExplicit([RED]), null);
  t.ok(performance.now() - before < 150, 'no child was started');
});

test.test('the child is gone after a quiet time, has no environment, and comes back when asked', async (t) => {
  const { confine, pid } = pidFile(t);
  const classifier = start(t, {}, { confine, idle: 150 });
  t.equal(await classifier.isExplicit([RED]), true);
  const first = pid();
  t.notMatch(readFileSync(`/proc/${first}/environ`, 'latin1'), /PATH=\/|HOME=/);
  for (let tries = 0; alive(first) && tries < 100; tries++) await new Promise((resolve) => setTimeout(resolve, 25));
  t.notOk(alive(first));
  t.equal(await classifier.isExplicit([RED]), true);
});

function alive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return false;
  }
}

test.test('too many that wait are turned away', async (t) => {
  const classifier = start(t, {}, { queue: 3 });
  const asked = Array.from({ length: 5 }, () => classifier.isExplicit([RED]));
  const settled = await Promise.allSettled(asked);
  t.ok(settled.some(({ status }) => status === 'fulfilled'));
  const refused = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  t.ok(refused.length >= 2);
  for (const reason of refused) t.match(reason, { code: 'busy' });
});

test.test('closing ends the child and what waits', async (t) => {
  const { confine, pid } = pidFile(t);
  const classifier = start(t, {}, { confine });
  t.equal(await classifier.isExplicit([RED]), true);
  const asked = [classifier.isExplicit([RED]), classifier.isExplicit([RED])];
  await classifier.close();
  for (const answer of await Promise.all(asked)) t.ok(answer === null || answer);
  t.notOk(alive(pid()));
  await classifier.close();
});
