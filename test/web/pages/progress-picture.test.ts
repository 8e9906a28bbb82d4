/** The progress picture: a GIF that decoders take, whole or cut after any frame, and the sentences that go with it. */
import { spawnSync } from 'node:child_process';
import test from 'tap';
import { needs } from '../../needs.js';
import {
  PROGRESS_DOCUMENT_END,
  progressDocumentLine,
  progressDocumentStart,
  progressSentence,
} from '../../../src/web/pages/progress-document.js';
import {
  PROGRESS_HEIGHT,
  PROGRESS_WIDTH,
  progressFrame,
  progressHeader,
  progressRoom,
  progressTrailer,
} from '../../../src/web/progress-picture.js';
import type { ProgressState } from '../../../src/web/progress-picture.js';
import { LANGUAGES } from '../../../src/web/texts/texts.js';
import type { Language } from '../../../src/web/texts/texts.js';
import { PROGRESS_STRIPS } from '../../../src/web/progress-strips.js';
import { piecesOf } from '../../../src/web/progress-words.js';
import { parse } from './markup.js';
import { hashOf } from './states.js';

const receiving = (received: number, total: number | null, bytesPerSecond: number | null = null): ProgressState => ({
  kind: 'receiving',
  received,
  total,
  bytesPerSecond,
});
const LANGS = Object.keys(LANGUAGES) as Language[];
const STATES: readonly ProgressState[] = [
  { kind: 'waiting' },
  receiving(0, 24_000_000),
  receiving(8_912_000, 24_000_000, 1_240_000),
  receiving(1, null, 0),
  receiving(100_000_000, 100_000_000, 12_000_000),
  receiving(5, 3, 1e-9),
  receiving(0, 0, 5),
  receiving(300, 900, 100),
  { kind: 'checking' },
  { kind: 'removing' },
  { kind: 'sealing' },
  { kind: 'done' },
  { kind: 'refused' },
  { kind: 'cut-off' },
  { kind: 'too-large', limit: 50_000_000 },
];

/** The pixels of the last frame, decoded by the plainest reader of GIF89a there is: dictionary and all. */
function decodeFrame(frame: Buffer): Uint8Array {
  const packed = frame[17]!;
  let at = 18 + (packed & 0x80 ? 12 : 0);
  const minimum = frame[at++]!;
  const data: number[] = [];
  while (frame[at] !== 0) {
    data.push(...frame.subarray(at + 1, at + 1 + frame[at]!));
    at += frame[at]! + 1;
  }
  const clear = 1 << minimum;
  const pixels: number[] = [];
  let table: number[][] = [];
  let width = minimum + 1;
  let before: number[] | null = null;
  const reset = (): void => {
    table = Array.from({ length: clear + 2 }, (_, code) => [code]);
    width = minimum + 1;
    before = null;
  };
  reset();
  for (let bit = 0; ;) {
    let code = 0;
    for (let i = 0; i < width; i++, bit++) code |= ((data[bit >> 3]! >> (bit & 7)) & 1) << i;
    if (code === clear) reset();
    else if (code === clear + 1) return Uint8Array.from(pixels);
    else {
      const known: number[] | undefined = table[code];
      const last: number[] | null = before;
      const entry: number[] = known ?? [...last!, last![0]!];
      pixels.push(...entry);
      if (last !== null && table.length < 4096) table.push([...last, entry[0]!]);
      if (table.length === 1 << width && width < 12) width++;
      before = entry;
    }
  }
}

const filledOf = (pixels: Uint8Array): number =>
  pixels.subarray(0, PROGRESS_WIDTH).filter((pixel) => pixel === 1).length;
const inked = (pixels: Uint8Array): number => pixels.filter((pixel) => pixel === 3).length;

test.test('every state is a full frame of the size that the header says, in every language', (t) => {
  for (const language of LANGS) {
    const frames = STATES.map((state) => decodeFrame(progressFrame(language, state)));
    for (const pixels of frames) {
      t.equal(pixels.length, PROGRESS_WIDTH * PROGRESS_HEIGHT);
      t.ok(pixels.every((pixel) => pixel < 4));
      t.ok(inked(pixels) > 100, 'it says something');
    }
    const words = STATES.filter(({ kind }) => kind !== 'receiving').map((state) => progressFrame(language, state));
    t.equal(new Set(words.map((frame) => frame.toString('latin1'))).size, words.length, 'each says something else');
  }
  t.end();
});

test.test('every text of the picture is drawn in every language, and nothing else is', (t) => {
  for (const language of LANGS) {
    const drawn = PROGRESS_STRIPS[language].pieces.map(([piece]) => piece);
    t.strictSame(drawn, piecesOf(language), `${language}: node build/test/web/pages/draw-words.js draws them anew`);
  }
  t.end();
});

test.test('the longest words and figures fit', (t) => {
  const longest = [
    receiving(99_999_999, 100_000_000, 30_000_000),
    receiving(88_800_000, 100_000_000, 2_000),
    receiving(888_888, 999_999, 1),
    receiving(88_888_888, null, 888_000),
    { kind: 'too-large', limit: 999_900_000 },
  ] as const;
  for (const language of LANGS) {
    for (const state of [...STATES, ...longest]) {
      const room = progressRoom(language, state);
      if (room < 0) t.fail(`${language}, ${JSON.stringify(state)}: ${-room} pixels too long`);
    }
  }
  t.end();
});

test.test('in Persian the bar and the words begin on the right', (t) => {
  const pixels = decodeFrame(progressFrame('fa', receiving(1, 4)));
  t.equal(pixels[0], 2);
  t.equal(pixels[PROGRESS_WIDTH - 1], 1);
  const ink = [...decodeFrame(progressFrame('fa', { kind: 'done' })).entries()].filter(([, pixel]) => pixel === 3);
  t.ok(ink.every(([at]) => at % PROGRESS_WIDTH > PROGRESS_WIDTH / 2));
  t.end();
});

test.test('the bar is as full as what was received', (t) => {
  const table: readonly (readonly [number, number, number])[] = [
    [0, 100, 0],
    [1, 296, 2],
    [50, 100, 296],
    [295, 296, 590],
    [100, 100, 592],
    [200, 100, 592],
  ];
  for (const [received, total, filled] of table) {
    t.equal(filledOf(decodeFrame(progressFrame('en', receiving(received, total)))), filled, `${received} of ${total}`);
  }
  t.end();
});

test.test('100 % is said of everything and of nothing less', (t) => {
  t.match(progressSentence('en', receiving(99_999_999, 100_000_000)), /^99%/);
  t.match(progressSentence('en', receiving(100_000_000, 100_000_000)), /^100%/);
  t.end();
});

test.test('a frame is small', (t) => {
  for (const language of LANGS) {
    for (const state of STATES) t.ok(progressFrame(language, state).length <= 3000);
  }
  t.end();
});

test.test('decoders take the stream whole, and cut off after any frame', needs('ffmpeg'), (t) => {
  const frames = STATES.map((state, at) => progressFrame(LANGS[at % LANGS.length] ?? 'en', state));
  for (const count of [1, 2, frames.length]) {
    for (const end of [progressTrailer(), Buffer.alloc(0)]) {
      const gif = Buffer.concat([progressHeader(), ...frames.slice(0, count), end]);
      const args = [
        '-v',
        'error',
        '-f',
        'gif',
        '-i',
        '-',
        '-fps_mode',
        'passthrough',
        '-f',
        'rawvideo',
        '-pix_fmt',
        'rgb24',
        '-',
      ];
      const { stdout, stderr } = spawnSync('ffmpeg', args, { input: gif, maxBuffer: 1 << 26 });
      t.equal(stderr.toString(), '');
      t.equal(stdout.length, count * PROGRESS_WIDTH * PROGRESS_HEIGHT * 3);
    }
  }
  t.end();
});

test.test('the text document is well formed at its end, and says every state in every language', (t) => {
  for (const language of LANGS) {
    const { html, styleHashes } = progressDocumentStart(language, hashOf);
    const document =
      html + STATES.map((state) => progressDocumentLine(language, state)).join('') + PROGRESS_DOCUMENT_END;
    const elements = parse(document.replace('<!doctype html>', '<!doctype html>\n'));
    t.equal(elements.filter(({ name }) => name === 'p').length, STATES.length);
    t.strictSame(styleHashes, [`'sha256-${hashOf(elements.find(({ name }) => name === 'style')!.text)}'`]);
    t.ok(elements.some((element) => element.attributes.get('role') === 'log'));
  }
  t.end();
});
